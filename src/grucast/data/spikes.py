"""Values so far from all others of their window that they say nothing of what follows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FAR = 100.0  # times the size of what a window usually has
FEW = 8  # values of which none is told to be a spike
SHARE = 50  # a window of so many values may have one spike more; one it may have in any case


def without_spikes(history: Array) -> Array:
    """Windows whose spikes are not observed.

        spike: |y - median| > 100 (|median| + median of |y - median|),   medians the lower of two

    at most one in a window, or a fiftieth of its values: where there are more they are what the series has.

    Args:
        history: Windows with NaN where not observed, (B, T).

    >>> import numpy as np
    >>> without_spikes(np.array([[3.0, 2, 4, 3, 2, 4000, 3, 4]]))
    array([[ 3.,  2.,  4.,  3.,  2., nan,  3.,  4.]])
    """
    count = (~np.isnan(history)).sum(1, keepdims=True)
    median = lower_median(history, count)
    distance = np.abs(history - median)
    usual = np.abs(median) + lower_median(distance, count)
    far = distance > FAR * usual
    few = far.sum(1, keepdims=True) <= np.maximum(count // SHARE, 1)
    return np.where(far & few & (usual > 0) & (count >= FEW), np.nan, history)


def lower_median(values: Array, count: Array) -> Array:
    """The lower median of each row's `count` values that are not NaN, (B, 1)."""
    return np.take_along_axis(np.sort(values, axis=1), np.maximum(count - 1, 0) // 2, axis=1)
