"""Covariates known in advance, put where their steps will be."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Column
from grucast.data.frequency import Frequency, Times
from grucast.data.kinds import read_covariate
from grucast.data.panel import Panel
from grucast.data.reading.intake import DEFAULT
from grucast.data.reading.options import ReadOptions
from grucast.data.reading.repairs import aggregate_rows
from grucast.data.refusals import refuse_other_clock
from grucast.data.scalars import brief
from grucast.data.sources import cells_of, take_in
from grucast.data.stamps import is_zoned, to_times
from grucast.data.table import factorize
from grucast.data.wording import count, show_local
from grucast.errors import DataError

Integers = NDArray[np.int64]
FUTURE = "future (--future)"


class Ends(NamedTuple):
    """Where series end.

    Attributes:
        ids: Names of the series.
        starts: First time stamp of each.
        lengths: Steps of each.
        frequency: The step.
        zone: Time zone of their time stamps; None if they have none.
    """

    ids: Sequence[Any]
    starts: Times
    lengths: Integers
    frequency: Frequency
    zone: str | None


def require_future(names: Sequence[str], future: Any) -> None:
    """Coming values must be there when, and only when, there are covariates known in advance."""
    if names and future is None:
        raise DataError(f"this model reads {', '.join(names)}: give predict their coming values as future= (--future)")
    if future is not None and not names:
        raise DataError("this model reads nothing that is known in advance: leave out future= (--future)")


def read_future(future: Any, options: ReadOptions = DEFAULT, texts: Collection[str] = (), called: str = FUTURE) -> Any:
    """Read the frame or file of coming values; its target, if there is one, does not count.

    Args:
        future: Anything that `grucast.read` takes.
        options: How the history was read.
        texts: Columns that were text in training.
        called: What messages call it.

    Raises:
        DataError: It cannot be read.
    """
    try:
        cells = cells_of(future, options)
        targets = [name for name in cells.frame.columns if name in ("y", options.target_col)]
        frame = cells.frame.drop(targets).with_columns(y=nw.lit(0.0))
        kept = tuple(name for name in options.id_col if name in frame.columns)
        known = tuple(name for name in options.time_col if name in frame.columns)
        asked = replace(options, id_col=kept, time_col=known, target_col="y", fill=None, freq=None, wide=None)
        table = take_in(cells._replace(frame=frame, texts=texts), asked).table
        return (aggregate_rows(table, "last")[0] if options.aggregate else table).frame.to_native()
    except DataError as error:
        raise DataError(f"{called}: {error}") from error


def fill_future(
    panel: Panel, h: int, frame: Any, names: Sequence[str], known: Mapping[str, Column] | None = None
) -> Panel:
    """Put the coming values of covariates to the last h steps of each series.

    Args:
        panel: Series with h steps of which nothing is known yet.
        h: Horizon.
        frame: Rows with unique_id, ds and the columns; those of other series and times do not matter.
        names: The columns.
        known: The columns as training saw them.

    Raises:
        DataError: A column or a series' row is not there, or a row is there twice.
    """
    data = nw.from_native(frame, eager_only=True)
    ends = Ends(panel.ids, panel.starts, panel.lengths - h, panel.frequency, panel.zone)
    rows = rows_ahead(data, ends, h).ravel()
    places = (panel.offsets[1:, None] - np.arange(h, 0, -1)).ravel()
    columns = {
        name: panel.temporal[name].filled(places, read_covariate(data, name, (known or {}).get(name)).take(rows))
        for name in names
    }
    return replace(panel, temporal={**panel.temporal, **columns})


def rows_ahead(data: nw.DataFrame[Any], ends: Ends, h: int) -> Integers:
    """Which row of a frame (unique_id, ds ...) is each of the h steps after the end of each series, (S, h).

    Raises:
        DataError: A step has no row, or two; or the time stamps are of another kind than those of the series.
    """
    codes, names = factorize(data["unique_id"])
    place = {str(name): row for row, name in enumerate(ends.ids)} | {name: row for row, name in enumerate(ends.ids)}
    series = np.array([place.get(name, place.get(str(name), -1)) for name in names])[codes]
    times = to_times(data["ds"])
    refuse_other_clock(ends.frequency, times, f"ds of {FUTURE}")
    refuse_other_zone(is_zoned(data["ds"]), ends)
    step = ends.frequency.positions(times, ends.starts[series]) - ends.lengths[series]
    rows = np.flatnonzero((series >= 0) & (step >= 0) & (step < h) & (step % 1 == 0))
    cells = series[rows] * h + step[rows].astype(np.int64)
    found = np.full(len(ends.ids) * h, -1)
    found[cells] = rows
    if len(rows) > len(np.unique(cells)):
        _, again = np.unique(cells, return_index=True)
        cell = np.delete(cells, again)[0]
        raise DataError(f"{FUTURE} has {step_of(cell, ends, h)} more than once: keep one row a series and time stamp")
    if (found < 0).any():
        refuse_absent(found, series, ends, h)
    return found.reshape(-1, h)


def refuse_other_zone(zoned: bool, ends: Ends) -> None:
    """Which of time stamps with a zone and without come first cannot be known."""
    if zoned and ends.zone is None:
        raise DataError(f"ds of {FUTURE} has a time zone, that of the history has none: give both one, or none")
    if ends.zone and not zoned:
        raise DataError(f"ds of the history is in {ends.zone}, but ds of {FUTURE} has no time zone: give it one")


def refuse_absent(found: Integers, there: Integers, ends: Ends, h: int) -> None:
    """Say which step has no row, and which series have none at all."""
    absent = np.flatnonzero(found < 0)
    missing = np.ones(len(ends.ids), bool)
    missing[there[there >= 0]] = False
    none, gone = int(missing.sum()), [brief(ends.ids[row]) for row in np.flatnonzero(missing)[:5]]
    whole = f", none at any time for {', '.join(gone)}{' ...' * (none > len(gone))}" if none else ""
    raise DataError(
        f"{FUTURE} has no row for {step_of(absent[0], ends, h)} ({count(absent.size, 'such row')} in all{whole}): "
        f"give all {h} steps of each series"
    )


def step_of(cell: Any, ends: Ends, h: int) -> str:
    """A series and one of its steps ahead, in words."""
    row, step = divmod(int(cell), h)
    time = ends.frequency.times(ends.starts[row], ends.lengths[row] + step)
    return f"series {brief(ends.ids[row])} at {show_local(time, ends.zone)}"
