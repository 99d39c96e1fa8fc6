"""Many series as one ragged array on a regular grid of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Column, Covariate, Covariates, require_static
from grucast.data.frequency import Frequency, Stated, Times
from grucast.data.inference import adapted, find_frequency
from grucast.data.kinds import read_covariate
from grucast.data.refusals import (
    refuse_duplicates,
    refuse_far,
    refuse_irregular,
    refuse_mixed,
    refuse_other_clock,
    refuse_unstated,
)
from grucast.data.rows import Rows
from grucast.data.steps import starts_of
from grucast.data.table import Table
from grucast.data.wording import count
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
    backward: int = 0  # rows that came after a later one of their series
    zone: str | None = None  # of the time stamps as they came; None if they had none
    weighting: str | None = None  # the column that says what each value counts in training

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each series, observed or not."""
        return np.diff(self.offsets)

    @property
    def nonnegative(self) -> bool:
        """Whether no value is negative."""
        return not (self.values < 0).any()

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """What each value counts in training; None if all do alike."""
        return self.temporal[self.weighting].values if self.weighting else None

    @property
    def missing(self) -> int:
        """Steps without an observation."""
        return int(np.isnan(self.values).sum())

    @property
    def repairs(self) -> str:
        """What was put right, in words; "" if the series came complete and in order.

        >>> import polars as pl
        >>> make_panel(pl.DataFrame({"unique_id": "a", "ds": [1, 4, 2], "y": 1.0})).repairs
        '1 step missing in 1 series, masked; 1 row out of order, sorted'
        """
        gaps = np.flatnonzero(np.isnan(self.values))
        series = len(np.unique(np.searchsorted(self.offsets, gaps, side="right")))
        found = [f"{count(gaps.size, 'step')} missing in {series:,} series, masked"] if gaps.size else []
        found += [f"{count(self.backward, 'row')} out of order, sorted"] if self.backward else []
        return "; ".join(found)

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
        self.frequency.require_reach(steps)
        lengths = self.lengths + steps
        places = np.arange(len(self.values)) + steps * self.owners
        values = np.full(int(lengths.sum()), np.nan)
        values[places] = self.values
        return self._replace(values, lengths, {k: c.spread(places, len(values)) for k, c in self.temporal.items()})

    def _replace(
        self, values: NDArray[np.float64], lengths: NDArray[np.int64], temporal: Mapping[str, Covariate]
    ) -> "Panel":
        return replace(self, values=values, offsets=np.concatenate([[0], lengths.cumsum()]), temporal=temporal)

    def silent(self, steps: int) -> NDArray[np.bool_]:
        """Which series have no value in their last `steps` steps, (S,)."""
        seen = np.flatnonzero(~np.isnan(self.values))
        last = np.append(-1, seen)[np.searchsorted(seen, self.offsets[1:])]  # place of a value before each end
        return np.asarray(last < np.maximum(self.offsets[1:] - steps, self.offsets[:-1]))

    def tails(self, steps: int) -> NDArray[np.float64]:
        """The last `steps` values of each series, (S, steps); NaN before its first."""
        index = self.offsets[1:, None] - np.arange(steps, 0, -1)
        return np.where(index < self.offsets[:-1, None], np.nan, self.values[np.maximum(index, 0)])


def make_panel(
    frame: Any,
    frequency: Frequency | None = None,
    covariates: Covariates = NONE,
    any_gaps: bool = False,
    known: Mapping[str, Column] | None = None,
) -> Panel:
    """Put the rows of a frame (unique_id, ds, y) on a regular grid, in any order and with gaps.

    Args:
        frame: A frame as `read` returns it, or its table; or rows, which have no covariates.
        frequency: The step; found from the time stamps when not given. A `Stated` one says where they must lie; that of
            a model is counted from any weekday and on any day of the month.
        covariates: Columns to keep besides y.
        any_gaps: Gaps are gaps, however regular: the frequency was stated.
        known: Those columns as training saw them.

    Raises:
        DataError: Duplicate or irregular time stamps, mixed frequencies, or a series too short to have one.
    """
    rows = frame if isinstance(frame, Rows) else Rows.of_table(Table.of(frame))
    ids, zone = rows.ids, "" if rows.zone in (None, "UTC") else str(rows.zone)
    order, backward = sort_rows(rows.codes, rows.times)
    codes, times, y = rows.codes[order], rows.times[order], rows.y[order]
    refuse_duplicates(codes, times, ids, zone)
    bounds, given = np.searchsorted(codes, np.arange(len(ids) + 1)), frequency
    if given:
        refuse_other_clock(given, times)
    frequency = adapted(given, times, bounds, zone) if given else find_frequency(times, bounds, ids, zone)
    if isinstance(given, Stated):
        refuse_unstated(given, frequency, codes, times, ids)
    refuse_far(frequency, codes, times, ids)
    starts = times[bounds[:-1]]
    positions = frequency.positions(times, starts[codes])
    refuse_irregular(positions, codes, times, ids, frequency, zone)
    steps = positions.astype(np.int64)
    if not any_gaps:
        refuse_mixed(steps, codes, ids, frequency)
    offsets = starts_of(steps[bounds[1:] - 1] + 1)
    if offsets[-1] > SPARSEST * len(y):
        raise DataError(
            f"the series span {offsets[-1]:,} steps of {frequency.name} but only {len(y)} are there: "
            "give the frequency that the data really have"
        )
    places = offsets[codes] + steps
    values = np.full(offsets[-1], np.nan)
    values[places] = y
    columns = {
        name: read_covariate(Table.of(frame).frame, name, (known or {}).get(name)).take(order)
        for name in (*covariates.temporal, *covariates.static)
    }
    temporal = {name: columns[name].spread(places, len(values)) for name in covariates.temporal}
    static = {name: require_static(name, columns[name], bounds[:-1], codes) for name in covariates.static}
    return Panel(ids, values, offsets, starts, frequency, temporal, static, backward, rows.zone)


def sort_rows(codes: NDArray[np.int32], times: Times) -> tuple[Any, int]:
    """The order that puts rows by series and time, and how many came after a later one of their series."""
    order: Any = slice(None) if (codes[1:] >= codes[:-1]).all() else codes.argsort(kind="stable")
    owner, time = codes[order], times[order]
    backward = int(((owner[1:] == owner[:-1]) & (time[1:] < time[:-1])).sum())
    return (np.lexsort((times, codes)) if backward else order), backward
