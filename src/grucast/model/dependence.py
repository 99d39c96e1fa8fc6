"""How the errors of a forecast's steps depend on each other: estimated from scores, and drawn again."""

import math
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST_LAGS = 256  # steps that depend on each other at the most
CLOSEST = 0.99  # no partial correlation is closer to 1 or -1
FARTHEST = 4.0  # from the median that a score counts


def partial_correlations(scores: Array, observations: int) -> tuple[float, ...]:
    """Of steps 1, 2, ... apart, given those between them, by Burg's method; none after the last that is not 0.

        k_m = 2 sum of f b / sum of (f^2 + b^2);   f, b: what the m - 1 steps between leave unexplained at either end

    k_m counts where its square exceeds 2 / n, as Akaike's criterion has it, n being the share 1 - m / h of the
    observations. Whatever numbers between -1 and 1 come out are those of some process, so no matrix has to be made
    positive definite.

    Args:
        scores: Normal scores of the steps of W forecasts, (W, h), NaN where not observed.
        observations: How many different values they come from.

    Source: Burg 1975, Maximum entropy spectral analysis; Akaike 1974.

    >>> partial_correlations(np.array([[1.0, 1.0, 1.0, 1.0]]), 4)  # 0.99 for the first, then nothing is left
    (0.99,)
    """
    bounded = scores.clip(-FARTHEST, FARTHEST)
    ahead, behind = bounded[:, 1:], bounded[:, :-1]
    found: list[float] = []
    h = scores.shape[1]
    for lag in range(1, min(h, MOST_LAGS + 1)):
        size = float(np.nansum(ahead**2 + behind**2))
        partial = 2 * float(np.nansum(ahead * behind)) / size if size else 0.0
        partial = (
            math.copysign(min(abs(partial), CLOSEST), partial) if partial**2 * observations * (1 - lag / h) > 2 else 0.0
        )
        found.append(partial)
        ahead, behind = (ahead - partial * behind)[:, 1:], (behind - partial * ahead)[:, :-1]
    last = max((place for place, partial in enumerate(found, 1) if partial), default=0)
    return tuple(found[:last])


def correlated(noise: Array, partials: Sequence[float]) -> Array:
    """Standard normal numbers whose steps depend on each other so, from independent ones (h, S).

        g_k = sum of a_j g_(k-j) + s e_k,   a and s by Durbin's and Levinson's recursion

    Source: Durbin 1960, The fitting of time-series models.
    """
    drawn = np.empty_like(noise)
    weights, spread = np.empty(0), 1.0
    for step in range(len(noise)):
        if 0 < step <= len(partials):
            partial = partials[step - 1]
            weights, spread = np.append(partial, weights - partial * weights[::-1]), spread * math.sqrt(1 - partial**2)
        past = drawn[step - len(weights) : step]  # the latest last, as in the weights
        drawn[step] = np.einsum("k,ks->s", weights, past) + spread * noise[step]
    return drawn


def draw_scores(name: Any, seed: int, shape: tuple[int, int], partials: Sequence[float], h: int) -> Array:
    """Normal scores of S paths of a series, (steps, S), that depend on nothing but its name and the seed.

    Each h steps depend on each other, and on none of the others.
    """
    own = int.from_bytes(sha256(str(name).encode(errors="surrogatepass")).digest(), "little")
    noise = np.random.default_rng([seed, own]).standard_normal(shape)
    return np.concatenate([correlated(noise[first : first + h], partials) for first in range(0, len(noise), h)])
