"""Values far from their neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from grucast.data.panel import Panel
from grucast.data.wording import show

Array = NDArray[Any]

WINDOW = 7  # steps
FAR_SCALES = 10.0  # scales
SHOWN_OUTLIERS = 5
BLOCK_STEPS = 1_000_000  # steps looked at together, to bound the memory


@dataclass(frozen=True)
class Outlier:
    """A value, the median of its neighbours, and its distance from that in scales of its series."""

    unique_id: Any
    ds: str
    y: float
    median: float
    scales: float


def find_outliers(panel: Panel, seasons: Sequence[int] = ()) -> tuple[int, list[Outlier]]:
    """Count values far from the median m of the seven steps around them, and name the farthest.

        |y - m| > 10 s,   s = 1.4826 median |y - m| of the series

    The same must hold for the values at their place in the seven periods around them, for each season. A series that
    mostly equals its medians (s = 0), such as rare sales, has no outliers.
    """
    owner = np.repeat(np.arange(len(panel)), panel.lengths)
    medians, distance = distances(panel, owner, 1)
    for season in seasons:
        distance = np.minimum(distance, distances(panel, owner, season)[1])
    far = np.flatnonzero(distance > FAR_SCALES)
    first = far[np.argsort(-distance[far], kind="stable")][:SHOWN_OUTLIERS]
    times = panel.frequency.times(panel.starts[owner[first]], first - panel.offsets[owner[first]])
    return len(far), [
        Outlier(
            panel.ids[owner[i]],
            show(time),
            float(panel.values[i]),
            float(medians[i]),
            round(float(distance[i]), 1),
        )
        for i, time in zip(first, times, strict=True)
    ]


def distances(panel: Panel, owner: Array, step: int) -> tuple[Array, Array]:
    """Median of the values that many steps apart around each value, and the distance to it in scales."""
    medians = running_median(panel.values, owner, step)
    rest = np.abs(panel.values - medians)
    scale = 1.4826 * grouped_median(rest, owner, len(panel))[owner]
    return medians, np.divide(rest, scale, out=np.zeros_like(rest), where=scale > 0)


def running_median(values: Array, owner: Array, step: int) -> Array:
    """Lower median of what is observed in the window round each value, within its series."""
    side = WINDOW // 2 * step
    padded = np.pad(values, side, constant_values=np.nan)
    owners = np.pad(owner, side, constant_values=-1)
    medians = np.empty_like(values)
    for first in range(0, len(values), BLOCK_STEPS):
        block = slice(first, first + BLOCK_STEPS)
        own = sliding_window_view(owners, 2 * side + 1)[block, ::step] == owner[block, None]
        near = sliding_window_view(padded, 2 * side + 1)[block, ::step]
        near = np.sort(np.where(own, near, np.nan), axis=1)  # NaN at the end
        middle = np.maximum(np.isfinite(near).sum(1) - 1, 0) // 2
        medians[block] = near[np.arange(len(near)), middle]
    return medians


def grouped_median(values: Array, owner: Array, size: int) -> Array:
    """Lower median of the observed values of each series; 0 where there is none."""
    seen = np.isfinite(values)
    values, owner = values[seen], owner[seen]
    count = np.bincount(owner, minlength=size)
    ordered = values[np.lexsort((values, owner))]
    middle = np.cumsum(count) - count + np.maximum(count - 1, 0) // 2
    return np.where(count > 0, np.append(ordered, 0.0)[np.minimum(middle, len(ordered))], 0)
