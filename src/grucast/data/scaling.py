"""Each window on its own scale, so that one network serves series of any size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ROUNDING = 4 * np.finfo(np.float64).eps  # of their size, by which equal values may differ
CERTAIN = 8  # equal values after which no other is expected


def masked_mean(values: Array, observed: Array) -> Array:
    """Mean over the last axis of what is observed, kept as an axis of one; 0 where nothing is."""
    count = observed.sum(-1, keepdims=True)
    return np.asarray(np.where(observed, values, 0).sum(-1, keepdims=True) / np.maximum(count, 1))


def window_scale(history: Array, recent: int) -> tuple[Array, Array]:
    """Centre and scale of each window.

        centre = mean of the last `recent` observed steps
        scale  = mean |y - centre| over the window

    Where all n observed values are equal, the centre is that value, and the scale |centre|, or 1 if that is 0, halved
    for each value after the first; from 8 values on it is 0.

    Args:
        history: Windows with NaN where not observed, (B, T).
        recent: Steps that make the centre, such as two seasons.

    Returns:
        Centre and scale, each (B, 1), in the unit of y.

    >>> import numpy as np
    >>> window_scale(np.array([[1.0, 3.0, np.nan]]), recent=3)
    (array([[2.]]), array([[1.]]))
    """
    observed = ~np.isnan(history)
    centre = masked_mean(history[:, -recent:], observed[:, -recent:])
    silent = ~observed[:, -recent:].any(-1)
    if silent.any():
        centre[silent] = masked_mean(history[silent], observed[silent])
    highest, equal = all_equal(history, observed)
    count = observed.sum(-1, keepdims=True)
    centre = np.where(equal & (count > 0), highest, centre)  # free of the mean's rounding
    deviation = masked_mean(np.abs(history - centre), observed)
    return centre, np.where(equal, equal_scale(centre, count), deviation)


def all_equal(history: Array, observed: Array) -> tuple[Array, Array]:
    """The highest value of each window, and whether all that are observed equal it, (B, 1) each."""
    lowest = np.where(observed, history, np.inf).min(-1, keepdims=True)
    highest = np.where(observed, history, -np.inf).max(-1, keepdims=True)
    return highest, highest - lowest <= ROUNDING * np.abs(highest)


def equal_scale(value: Array, count: Array) -> Array:
    """The scale of windows of equal values."""
    size = np.where(value == 0, 1, np.abs(value))
    return np.where(count < CERTAIN, np.ldexp(size, 1 - np.maximum(count, 1)), 0)


def scaled(y: Array, centre: Array | float, scale: Array) -> Array:
    """Values (B, T) on the scale of their windows: all 0 where that is 0."""
    return np.asarray((y - centre) / np.where(scale == 0, np.inf, scale))
