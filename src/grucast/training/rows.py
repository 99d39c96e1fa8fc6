"""Windows as rows that a network learns from: what it reads, the truth, and what decides on how much each counts."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import Features
from grucast.data.scalars import brief
from grucast.data.scaling import scaled
from grucast.data.windows import Windows
from grucast.data.wording import show
from grucast.errors import DataError
from grucast.model.models import ForecastModel
from grucast.model.network import Inputs
from grucast.training.members import Batch

Array = NDArray[Any]
FARTHEST = 1e30  # of a window's scale that a target may be from its centre
LEAST_ERROR = 0.1  # windows that repeat themselves better than this weigh no more
TINY = 1e-30
LEVEL_SHARE = 0.4  # of a window's weight that its level decides on


class WindowRows(NamedTuple):
    """Windows side by side, each by itself; nothing in a row depends on the others."""

    inputs: Array  # (B, T, C), as in Features, and so on to `continuations`
    codes: Array  # (B, T, K)
    ahead: Array  # (B, h, A)
    ahead_codes: Array  # (B, h, K')
    static: Array  # (B, ...)
    static_codes: Array  # (B, K'')
    continuations: Array  # (B, C', h)
    target: Array  # (B, h): y on the window's scale, 0 where it is not observed
    observed: Array  # (B, h)
    mase: Array  # (B, 1): what makes the loss of MASE, and of percentages, before it is brought to the mean 1
    percentage: Array  # (B, 1)
    shown: Array  # (B, 1): the scale of what is shown, in that of the whole window
    counts: Array  # (B, h) or (B, 1): what each step counts


class Totals(NamedTuple):
    """What the weights of a batch have in common: the means of two columns, and the values that are observed."""

    mase: float
    percentage: float
    observed: int

    @classmethod
    def of(cls, mase: Array, percentage: Array, observed: Array) -> "Totals":
        """Those of all rows of a batch."""
        return cls(float(mase.mean()), float(percentage.mean()), int(observed.sum()))


def make_rows(
    windows: Windows, index: NDArray[np.int64], model: ForecastModel, first: NDArray[np.int64] | None = None
) -> WindowRows:
    """Bring windows to their own scales. Of a flat window there is no scale to learn on.

    Args:
        windows: The windows.
        index: Which of them to take, (B,).
        model: What reads them.
        first: The first step of each that is shown, (B,); what they count is still decided by all steps.

    Raises:
        DataError: A target lies so far from its window that the loss would not stay finite.
    """
    window = windows.take(index)
    features = model.features(window)
    mase = 1 / np.maximum(features.naive_error.astype(np.float64), LEAST_ERROR)
    level = np.maximum(np.abs(features.centre), LEAST_ERROR * features.scale)
    percentage, scale = scaled(features.scale, 0, level), features.scale.copy()
    if first is not None:
        rows = np.flatnonzero(first)
        later = windows.take(index[rows]).since(first[rows])
        replace_rows(features, rows, model.features(later))
    observed = ~np.isnan(window.future) & ~features.flat
    target = np.where(observed, features.normalise(window.future), np.float32(0))
    refuse_far(target, windows, index)
    counts = np.broadcast_to(windows.weights(index), target.shape)
    shown = scaled(features.scale, 0, scale)
    return WindowRows(*features[:7], target, observed, mase, percentage, shown, counts)


def numbers_of(model: ForecastModel) -> int:
    """About as many numbers as a row has, h and the continuations included."""
    network, h = model.definition, model.h
    return (model.input_size + h) * network.step_size + h * network.continuations


def to_batch(rows: WindowRows, totals: Totals | None = None) -> Batch:
    """WindowRows as a batch, or as a part of one with those totals.

    What is observed counts as much as the whole batch, each row as its own weight says, and each window as much less as
    its seasonal naive error is large, which makes the loss of MASE, mixed with as much less as its level is large,
    which makes that of percentages; these in the mean 1.
    """
    totals = totals or Totals.of(rows.mase, rows.percentage, rows.observed)
    mixed = (1 - LEVEL_SHARE) * rows.mase / totals.mase + LEVEL_SHARE * rows.percentage / max(totals.percentage, TINY)
    weight = rows.observed * mixed * rows.shown / max(totals.observed, 1)
    return Batch(Inputs.of(rows), rows.target, weight.astype(np.float32) * rows.counts)


def replace_rows(features: Features, rows: NDArray[np.int64], by: Features) -> None:
    """Put others in the place of some rows."""
    arrays: tuple[Array, ...] = features
    for array, own in zip(arrays, by, strict=True):
        array[rows] = own


def refuse_far(target: NDArray[np.float32], windows: Windows, index: NDArray[np.int64]) -> None:
    """No target (B, h) lies so far from its window that the loss would not stay finite."""
    far = np.argwhere(np.abs(target) > FARTHEST)
    if far.size:
        row, step = far[0]
        panel, series = windows.panel, windows.series[index[row]]
        place = windows.ends[index[row]] + step
        time = show(panel.frequency.times(panel.starts[series], place - panel.offsets[series]))
        found = f"series {brief(panel.ids[series])} has y = {panel.values[place]:g} at {time}"
        raise DataError(
            f"{found}, more than {FARTHEST:g} times what the {windows.input_size} steps before it vary by: correct it, "
            "or leave it empty"
        )


def pack(rows: WindowRows) -> Array:
    """WindowRows as one array of structures, (B,)."""
    kinds = [(name, array.dtype, array.shape[1:]) for name, array in rows._asdict().items()]
    packed = np.empty(len(rows.target), kinds)
    for name, array in rows._asdict().items():
        packed[name] = array
    return packed


def unpack(packed: Array) -> WindowRows:
    """The rows that were packed."""
    return WindowRows(*(np.ascontiguousarray(packed[name]) for name in WindowRows._fields))
