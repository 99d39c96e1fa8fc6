"""Series that are mostly zero: which values there are besides."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TINIEST = 1e-250  # unit, of which any forecast is a finite multiple
WHOLE = 1e-6  # from a whole number, that still counts as one


def settled(y: Array, history: Array) -> Array:
    """Forecasts on the grid of their window, where at least half of what is observed there is 0.

    With u the smallest size of the other values: the nearest multiple of u, where all values are multiples of u, as
    counts are; else 0 for what lies nearer to 0 than to u.

    Args:
        y: Forecasts in the unit of y, (B, h, Q).
        history: Windows with NaN where not observed, (B, T).

    >>> import numpy as np
    >>> settled(np.array([[[0.1, 0.4, 1.7]]]), np.array([[0.0, 2.0, 0.0, 0.0, 1.0]]))
    array([[[0., 0., 2.]]])
    """
    zero = history == 0
    if not zero.any():
        return y
    sizes = np.abs(history)
    unit = np.where(sizes > 0, sizes, np.inf).min(1)
    rows = np.flatnonzero((2 * zero.sum(1) >= (~np.isnan(history)).sum(1)) & (unit > TINIEST) & (unit < np.inf))
    unit, own = unit[rows, None, None], y[rows]
    with np.errstate(over="ignore", invalid="ignore"):  # of units whose multiples the others are not
        times, rounded = sizes[rows] / unit[..., 0], np.round(own / unit) * unit + 0.0  # no -0
        whole = (np.isnan(sizes[rows]) | (np.abs(times - np.round(times)) <= WHOLE)).all(1)
    y = y.copy()
    y[rows] = np.where(whole[:, None, None], rounded, np.where(np.abs(own) < unit / 2, 0, own))
    return y
