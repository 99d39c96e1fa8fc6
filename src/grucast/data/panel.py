"""Many series as one ragged array on a regular grid of time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Frequency, Times, infer_frequency
from grucast.errors import DataError

SPARSEST = 100  # a grid this many times larger than its rows is taken for a mistake, not for gaps


@dataclass(frozen=True)
class Panel:
    """Series i is `values[offsets[i]:offsets[i + 1]]`, one value a step from `starts[i]` on; NaN is not observed.

    >>> import polars as pl
    >>> panel = make_panel(pl.DataFrame({"unique_id": "a", "ds": [1, 2, 4], "y": [1.0, 2.0, 4.0]}))
    >>> panel.series(0)
    array([ 1.,  2., nan,  4.])
    """

    ids: Sequence[Any]
    values: NDArray[np.float64]
    offsets: NDArray[np.int64]
    starts: Times
    frequency: Frequency

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each series, observed or not."""
        return np.diff(self.offsets)

    @property
    def missing(self) -> int:
        """Steps without an observation."""
        return int(np.isnan(self.values).sum())

    def series(self, index: int) -> NDArray[np.float64]:
        """The values of one series, a view."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def times(self, ahead: NDArray[np.int64]) -> Times:
        """Time stamps that many steps after each series' last, (S, len(ahead)); 0 is the last one."""
        positions = (self.lengths - 1)[:, None] + ahead
        return self.frequency.times(self.starts[:, None], positions)

    def drop_last(self, steps: int) -> "Panel":
        """The panel as it was that many steps ago."""
        lengths = np.maximum(self.lengths - steps, 0)
        rank = np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.lengths)  # step within its series
        kept: NDArray[np.float64] = self.values[rank < np.repeat(lengths, self.lengths)]
        return replace(self, values=kept, offsets=np.concatenate([[0], lengths.cumsum()]))

    def tails(self, steps: int) -> NDArray[np.float64]:
        """The last `steps` values of each series, (S, steps); NaN before its first."""
        index = self.offsets[1:, None] - np.arange(steps, 0, -1)
        return np.where(index < self.offsets[:-1, None], np.nan, self.values[np.maximum(index, 0)])


def make_panel(frame: Any, frequency: Frequency | None = None) -> Panel:
    """Put the rows of a frame (unique_id, ds, y) on a regular grid, in any order and with gaps.

    Args:
        frame: A frame as `read` returns it.
        frequency: The step; found from the time stamps when not given.

    Raises:
        DataError: Duplicate or irregular time stamps, mixed frequencies, or a series too short to have one.
    """
    data = nw.from_native(frame, eager_only=True).select("unique_id", "ds", "y")
    times = to_times(data["ds"])
    codes, ids = factorize(data["unique_id"])
    order = np.lexsort((times, codes))
    codes, times, y = codes[order], times[order], data["y"].to_numpy().astype(np.float64)[order]
    refuse_duplicates(codes, times, ids)
    bounds = np.searchsorted(codes, np.arange(len(ids) + 1))
    frequency = frequency or shared_frequency(times, bounds, ids)
    starts = times[bounds[:-1]]
    positions = frequency.positions(times, starts[codes])
    refuse_irregular(positions, codes, times, ids, frequency)
    steps = positions.astype(np.int64)
    refuse_mixed(steps, codes, ids, frequency)
    offsets = np.concatenate([[0], (steps[bounds[1:] - 1] + 1).cumsum()])
    if offsets[-1] > SPARSEST * len(y):
        raise DataError(
            f"the series span {offsets[-1]:,} steps of {frequency.name} but only {len(y)} are there: "
            "give the frequency that the data really have"
        )
    values = np.full(offsets[-1], np.nan)
    values[offsets[codes] + steps] = y
    return Panel(ids, values, offsets, starts, frequency)


def to_times(ds: nw.Series[Any]) -> Times:
    """Time stamps as int64 or, in UTC, as datetime64[us]."""
    if ds.dtype.is_integer():
        return ds.to_numpy().astype(np.int64)
    if ds.dtype == nw.Datetime and ds.dtype.time_zone is not None:  # type: ignore[attr-defined]
        ds = ds.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return ds.to_numpy().astype("datetime64[us]")


def factorize(ids: nw.Series[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """A code for each row and the names, in the order of their first appearance."""
    names: dict[Any, int] = {}
    codes = np.fromiter((names.setdefault(name, len(names)) for name in ids.to_list()), np.int64, len(ids))
    return codes, list(names)


def refuse_duplicates(codes: NDArray[np.int64], times: Times, ids: Sequence[Any]) -> None:
    """Each series has a time stamp once."""
    twice = np.flatnonzero((np.diff(codes) == 0) & (times[1:] == times[:-1]))
    if twice.size:
        row = twice[0]
        raise DataError(
            f"series {ids[codes[row]]!r} has {show(times[row])} more than once ({twice.size} duplicates in all): "
            "keep one row a time stamp, or name the id column if the file holds several series"
        )


def shared_frequency(times: Times, bounds: NDArray[np.int64], ids: Sequence[Any]) -> Frequency:
    """The frequency of all series that are long enough to show one."""
    found: dict[Frequency, int] = {}
    for index, (first, end) in enumerate(pairwise(bounds)):
        if end - first > 2:
            found.setdefault(infer_frequency(times[first:end]), index)
    if not found:
        longest = int(np.diff(bounds).max())
        raise DataError(f"the longest series has {longest} rows; at least 3 are needed to see its frequency")
    if len(found) > 1:
        (one, a), (other, b) = list(found.items())[:2]
        raise DataError(
            f"mixed frequencies: series {ids[a]!r} has one value each {one.name}, {ids[b]!r} one each {other.name}; "
            "resample them to one frequency or use a model for each"
        )
    return next(iter(found))


def refuse_irregular(
    positions: NDArray[np.float64], codes: NDArray[np.int64], times: Times, ids: Sequence[Any], frequency: Frequency
) -> None:
    """Each time stamp lies a whole number of steps from its series' first."""
    off = np.flatnonzero(positions != np.floor(positions))
    if off.size:
        row = off[0]
        raise DataError(
            f"series {ids[codes[row]]!r} has irregular time stamps: {show(times[row])} is not a whole number of steps "
            f"of {frequency.name} after its first ({off.size} such rows in all): resample it to one frequency"
        )


def refuse_mixed(steps: NDArray[np.int64], codes: NDArray[np.int64], ids: Sequence[Any], frequency: Frequency) -> None:
    """No other step makes up a third of a series: such a series changes its frequency, it has no gaps."""
    jump = np.diff(steps)
    gap = (np.diff(codes) == 0) & (jump != 1)
    (owner, size), count = np.unique(np.stack([codes[1:][gap], jump[gap]]), axis=1, return_counts=True)
    often = np.flatnonzero((count >= 3) & (3 * count >= np.bincount(codes)[owner]))
    if often.size:
        first = often[0]
        raise DataError(
            f"mixed frequencies: series {ids[owner[first]]!r} has {count[first]} jumps of {size[first]} steps of "
            f"{frequency.name}, too many to be gaps: resample it to one frequency"
        )


def show(time: Any) -> str:
    """A time stamp as people write it."""
    return str(time).removesuffix(".000000").replace("T", " ")
