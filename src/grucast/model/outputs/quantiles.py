"""Quantiles: the median and the intervals around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grucast.model.operations import Operations, Value
from grucast.model.outputs import Array

BEYOND = 3  # observations at least that an interval is measured by
TINY = 1e-6  # no interval is narrower than this share of its window's scale


@dataclass(frozen=True)
class Quantiles:
    """The quantiles that make intervals of those levels, coverages in percent, ascending; Q is 2 * levels + 1.

    >>> Quantiles((80.0,)).probabilities
    (0.1, 0.5, 0.9)
    """

    level: tuple[float, ...]

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Those of the quantiles, ascending, the median in the middle."""
        lower = [round(0.5 - x / 200, 6) for x in reversed(self.level)]
        return (*lower, 0.5, *(round(1 - p, 6) for p in reversed(lower)))

    @property
    def size(self) -> int:
        """Q."""
        return 2 * len(self.level) + 1

    def predict(self, o: Operations, raw: Value, base: Value = None) -> Value:
        """Raw numbers (B, h, Q) as quantiles, in ascending order by construction.

        median = base + raw_mid;   each next quantile outward is softplus(raw) further away
        """
        middle = len(self.level)
        median = o.add(o.unsqueeze(base, -1), o.cut(raw, middle, middle + 1))
        if not middle:
            return median
        gaps = o.softplus(raw)
        below = o.cumsum(o.cut(gaps, 0, middle), reverse=True)
        above = o.cumsum(o.cut(gaps, middle + 1, self.size))
        return o.concat([o.subtract(median, below), median, o.add(median, above)], -1)

    def loss(self, predicted: NDArray[np.float32], target: Array, weight: Array) -> tuple[Array, NDArray[np.float32]]:
        """Mean quantile loss over what is observed, each window weighted, (B,).

            loss = sum of w max(p e, (p - 1) e),   e = y - forecast

        With w the inverse of the window's seasonal naive error, this is the loss of MASE.

        Args:
            predicted: Quantiles (B, h, Q).
            target: y (B, h).
            weight: w (B, h), 0 where y is not observed.

        Source: Koenker and Bassett 1978.
        """
        error = target[..., None] - predicted
        slope = np.array(self.probabilities, np.float32) - (error < 0)  # (B, h, Q)
        slope *= weight[..., None] / np.float32(self.size)
        return (slope * error).sum((1, 2), dtype=np.float64), -slope

    def factors(self, forecast: Array, target: Array, weight: Array, observations: int) -> tuple[float, ...]:
        """The factor of each interval's width that makes it cover what it should in these windows.

            factor = the c-quantile of |y - median| / |bound on that side - median|

        This is split conformal prediction, each window weighted as in the loss. A quantile that fewer than 3
        observations lie beyond would be theirs alone, so the widest interval that has 3 beyond it, or the one of the
        central half, stands for wider ones.

        Args:
            forecast: Quantiles (B, h, Q).
            target: y (B, h).
            weight: As in the loss, not all 0.
            observations: How many different values the targets are.

        Source: Vovk et al. 2005; Romano et al. 2019, arXiv:1905.03222.
        """
        error = target - forecast[..., len(self.level)]
        above, below = self.outward(forecast)
        bounds, known = np.where((error > 0)[..., None], above, below), normal_quantiles((0.0, *self.level))
        widest = max(100 * (1 - BEYOND / max(observations, 1)), 50)
        found = []
        for percent in np.minimum(self.level, widest).tolist():
            distance = np.maximum(bent(normal_quantiles((percent,)), known, bounds), TINY)
            found.append(weighted_quantile((np.abs(error) / distance).ravel(), weight.ravel(), percent / 100))
        return tuple(found)

    def calibrated(self, o: Operations, z: Value, factors: Sequence[float]) -> Value:
        """Distances from the median times their factors, no interval narrower than the one inside it."""
        median, below, above = self.distances(o, z, factors)
        lower = [o.subtract(median, distance) for distance in reversed(below)]
        return o.concat([*lower, median, *(o.add(median, distance) for distance in above)], -1)

    def distances(self, o: Operations, z: Value, factors: Sequence[float]) -> tuple[Value, list[Value], list[Value]]:
        """The median (B, h, 1), and how far below and above it each interval's bounds are."""
        middle = len(self.level)
        median = o.cut(z, middle, middle + 1)
        below: list[Value] = []
        above: list[Value] = []
        for i, factor in enumerate(factors, 1):
            lower = o.subtract(median, o.cut(z, middle - i, middle - i + 1))
            upper = o.subtract(o.cut(z, middle + i, middle + i + 1), median)
            for side, distance in ((below, lower), (above, upper)):
                stretched = o.multiply(distance, factor)
                side.append(o.maximum(side[-1], stretched) if side else stretched)
        return median, below, above

    def at(self, o: Operations, z: Array, factors: Sequence[float], level: tuple[float, ...]) -> Array:
        """Calibrated intervals of any levels, (B, h, 2 * levels + 1), from arrays.

        Between and beyond the trained levels distances are linear in the normal quantile, which is exact for errors
        that are normal at any scale.
        """
        if level == self.level:
            return np.asarray(self.calibrated(o, z, factors))
        median, *sides = self.distances(o, z, factors)
        if not level:
            return np.asarray(median)
        left, share = neighbours(self.level, level)
        lower, upper = (np.concatenate([np.zeros(median.shape), *side], -1) for side in sides)
        below, above = (side[..., left] * (1 - share) + side[..., left + 1] * share for side in (lower, upper))
        return np.concatenate([median - below[..., ::-1], median, median + above], axis=-1)

    def scores(self, quantiles: Array, target: Array) -> Array:
        """Where targets (B, h) fell in the distributions that quantiles (B, h, Q) are of, as normal scores (B, h)."""
        error = target - quantiles[..., len(self.level)]
        above, below = self.outward(quantiles)
        distances = np.where((error > 0)[..., None], above, below)
        return np.asarray(np.sign(error) * bent(np.abs(error), distances, normal_quantiles((0.0, *self.level))))

    def drawn(self, quantiles: Array, scores: Array) -> Array:
        """The numbers (B, h, S) that have such normal scores (B, h, S): as `at` has them, linear in the scores."""
        above, below = (side[..., None, :] for side in self.outward(quantiles))
        known = normal_quantiles((0.0, *self.level))
        distance = bent(np.abs(scores), known, np.where((scores > 0)[..., None], above, below))
        return np.asarray(quantiles[..., len(self.level), None] + np.sign(scores) * distance)

    def outward(self, quantiles: Array) -> tuple[Array, Array]:
        """Distances from the median, 0 for its own first, of the bounds above and below, (..., levels + 1) each."""
        middle = len(self.level)
        median = quantiles[..., middle, None]
        return quantiles[..., middle:] - median, median - quantiles[..., middle::-1]


def bent(x: Array, knots: Array, values: Array) -> Array:
    """The line through points that begin at 0 and ascend, at x; beyond the last it goes on as before.

    >>> bent(np.array([0.5, 1.5, 5.0]), np.array([0.0, 1.0, 3.0]), np.array([0.0, 10.0, 12.0]))
    array([ 5. , 10.5, 14. ])
    """
    total: Array = np.zeros(())
    last = knots.shape[-1] - 2
    for piece in range(last + 1):
        width = np.maximum(knots[..., piece + 1] - knots[..., piece], TINY)
        part = np.maximum(x - knots[..., piece], 0)
        part = part if piece == last else np.minimum(part, width)
        total = total + part * (values[..., piece + 1] - values[..., piece]) / width
    return total


@lru_cache(maxsize=16)
def neighbours(trained: tuple[float, ...], level: tuple[float, ...]) -> tuple[Array, Array]:
    """Where each level lies among 0 and those trained: after which one, and how far on the way to the next."""
    known, wanted = normal_quantiles((0.0, *trained)), normal_quantiles(level)
    left = np.clip(np.searchsorted(known, wanted), 1, len(trained)) - 1
    return left, (wanted - known[left]) / (known[left + 1] - known[left])


def normal_quantiles(level: tuple[float, ...]) -> Array:
    """Half the width of each interval of a standard normal variable."""
    from statistics import NormalDist

    return np.array([NormalDist().inv_cdf(0.5 + x / 200) for x in level])


def weighted_quantile(values: Array, weights: Array, share: float) -> float:
    """The smallest value at which that share of the weight is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, share * reached[-1])])
