"""Each window on its own scale, so that one network serves series of any size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def masked_mean(values: Array, observed: Array) -> Array:
    """Mean over the last axis of what is observed, kept as an axis of one; 0 where nothing is."""
    count = observed.sum(-1, keepdims=True)
    return np.asarray(np.where(observed, values, 0).sum(-1, keepdims=True) / np.maximum(count, 1))


def window_scale(history: Array, recent: int) -> tuple[Array, Array]:
    """Centre and scale of each window.

        centre = mean of the last `recent` observed steps
        scale  = mean |y - centre| over the window; |centre|, then 1, where that is 0

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
    deviation = masked_mean(np.abs(history - centre), observed)
    size = np.abs(centre)
    flat = deviation <= 1e-9 * size
    return centre, np.where(flat, np.where(size == 0, 1, size), deviation) if flat.any() else deviation
