"""Many series as one ragged array on a regular grid of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Covariate, Covariates, read_covariate, require_static
from grucast.data.frequency import Frequency, Times, infer_frequency
from grucast.errors import DataError

NONE = Covariates()
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
    temporal: Mapping[str, Covariate] = field(default_factory=dict)  # a value for each of y
    static: Mapping[str, Covariate] = field(default_factory=dict)  # a value for each series

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

    @property
    def owners(self) -> NDArray[np.int64]:
        """The series that each value belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def positions(self) -> NDArray[np.int64]:
        """Steps from its series' start to each value."""
        return np.arange(len(self.values)) - np.repeat(self.offsets[:-1], self.lengths)

    def drop_last(self, steps: int) -> "Panel":
        """The panel as it was that many steps ago."""
        lengths = np.maximum(self.lengths - steps, 0)
        kept = np.flatnonzero(self.positions < lengths[self.owners])
        return self._replace(self.values[kept], lengths, {k: c.take(kept) for k, c in self.temporal.items()})

    def extend(self, steps: int) -> "Panel":
        """The panel with that many more steps a series, of which nothing is observed."""
        lengths = self.lengths + steps
        places = np.arange(len(self.values)) + steps * self.owners
        values = np.full(int(lengths.sum()), np.nan)
        values[places] = self.values
        return self._replace(values, lengths, {k: c.spread(places, len(values)) for k, c in self.temporal.items()})

    def _replace(
        self, values: NDArray[np.float64], lengths: NDArray[np.int64], temporal: Mapping[str, Covariate]
    ) -> "Panel":
        return replace(self, values=values, offsets=np.concatenate([[0], lengths.cumsum()]), temporal=temporal)

    def tails(self, steps: int) -> NDArray[np.float64]:
        """The last `steps` values of each series, (S, steps); NaN before its first."""
        index = self.offsets[1:, None] - np.arange(steps, 0, -1)
        return np.where(index < self.offsets[:-1, None], np.nan, self.values[np.maximum(index, 0)])


def make_panel(frame: Any, frequency: Frequency | None = None, covariates: Covariates = NONE) -> Panel:
    """Put the rows of a frame (unique_id, ds, y) on a regular grid, in any order and with gaps.

    Args:
        frame: A frame as `read` returns it.
        frequency: The step; found from the time stamps when not given.
        covariates: Columns to keep beside y.

    Raises:
        DataError: Duplicate or irregular time stamps, mixed frequencies, or a series too short to have one.
    """
    data = nw.from_native(frame, eager_only=True)
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
    places = offsets[codes] + steps
    values = np.full(offsets[-1], np.nan)
    values[places] = y
    beside = {name: read_covariate(data, name).take(order) for name in (*covariates.temporal, *covariates.static)}
    temporal = {name: beside[name].spread(places, len(values)) for name in covariates.temporal}
    static = {name: require_static(name, beside[name], bounds[:-1], codes) for name in covariates.static}
    return Panel(ids, values, offsets, starts, frequency, temporal, static)


def fill_future(panel: Panel, h: int, frame: Any, names: Sequence[str]) -> Panel:
    """Put the coming values of covariates to the last h steps of each series.

    Args:
        panel: Series with h steps of which nothing is known yet.
        h: Horizon.
        frame: Rows with unique_id, ds and the columns; those of other series and times do not matter.
        names: The columns.

    Raises:
        DataError: A column, or a series' row, is not there.
    """
    data = nw.from_native(frame, eager_only=True)
    number = {name: index for index, name in enumerate(panel.ids)}
    series = np.array([number.get(name, -1) for name in data["unique_id"].to_list()])
    position = panel.frequency.positions(to_times(data["ds"]), panel.starts[series])
    lengths = panel.lengths[series]
    rows = np.flatnonzero((series >= 0) & (position >= lengths - h) & (position < lengths) & (position % 1 == 0))
    places = panel.offsets[series[rows]] + position[rows].astype(np.int64)
    wanted = panel.offsets[1:, None] - np.arange(h, 0, -1)
    absent = wanted[~np.isin(wanted, places)]
    if absent.size:
        owner = int(np.searchsorted(panel.offsets, absent[0], side="right")) - 1
        time = panel.frequency.times(panel.starts[owner], absent[0] - panel.offsets[owner])
        raise DataError(
            f"future has no row for series {panel.ids[owner]!r} at {show(time)} ({absent.size} such rows in all): "
            f"give all {h} steps of each series"
        )
    columns = {name: panel.temporal[name].filled(places, read_covariate(data, name).take(rows)) for name in names}
    return replace(panel, temporal={**panel.temporal, **columns})


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
