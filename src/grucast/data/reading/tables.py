"""From a table as it came to series: its columns found or named, then read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.assembly import Roles, assemble
from grucast.data.reading.intake import Cells, Intake
from grucast.data.reading.local import shown_twice
from grucast.data.reading.looks import Look, look_at
from grucast.data.reading.names import RUNNING, listing, match, names_series, part_of, plain
from grucast.data.reading.options import ReadOptions
from grucast.data.reading.origin import Origin
from grucast.data.reading.roles import Found, find_ids, find_target, find_time, is_part
from grucast.data.reading.stamping import Stamped, stamp
from grucast.data.reading.wide import (
    MONTH_OF_YEAR,
    SERIES,
    TIME,
    VALUE,
    find_months,
    find_steps,
    melt_months,
    melt_series,
    melt_steps,
)
from grucast.data.table import factorize
from grucast.errors import DataError

Frame = nw.DataFrame[Any]
Integers = NDArray[np.int64]
Looks = Mapping[str, Look]


def take_in(cells: Cells, options: ReadOptions) -> Intake:
    """Find and read the columns of a table.

    Raises:
        DataError: Columns must be named, all in one message, or hold what cannot be read.
    """
    if cells.frame.is_empty():
        what = "has a header but no rows" if cells.frame.columns else "is empty"
        raise DataError(f"{cells.origin.name} {what}")
    options = named(options, cells)
    cells, looks, options = upright(cells, look_at_all(cells.frame, options), options)
    roles = find_roles(cells, looks, options)
    return assemble(cells, looks, roles, options)


def look_at_all(frame: Frame, options: ReadOptions) -> dict[str, Look]:
    """What each column seems to hold."""
    missing = frozenset(options.missing)
    return {name: look_at(frame[name], missing) for name in frame.columns}


def named(options: ReadOptions, cells: Cells) -> ReadOptions:
    """The options with the columns' names as they are written.

    Raises:
        DataError: There is no such column, or two.
    """
    name, columns = cells.origin.name, cells.frame.columns
    given = (*options.id_col, *options.time_col, *((options.target_col,) if options.target_col else ()))
    if twin := next((column for column in given if column in cells.twins), None):
        raise DataError(f"{name} has two columns named {twin!r}: rename one of them")
    if len(set(given)) < len(given):
        raise DataError(f"one column of {name} cannot be id, time and target at once: {listing(given)}")
    return replace(
        options,
        id_col=tuple(match(columns, column, "id_col", name) for column in options.id_col),
        time_col=tuple(match(columns, column, "time_col", name) for column in options.time_col),
        target_col=match(columns, options.target_col, "target_col", name) if options.target_col else None,
    )


def upright(cells: Cells, looks: Looks, options: ReadOptions) -> tuple[Cells, Looks, ReadOptions]:
    """A wide table turned into a long one, where its header or the options say that it is wide."""
    name = cells.origin.name
    told = options.wide is False or options.time_col or options.target_col
    if not told and (steps := find_steps(looks)):
        frame, ids = melt_steps(cells.frame, looks, steps, options.id_col, name)
        note = f"wide: the columns {steps[0]} to {steps[-1]} are time stamps, a row for each"
        options = replace(options, id_col=ids, time_col=(TIME,), target_col=VALUE, wide=True)
    elif not told and (found := find_months(looks)):
        year, months = found
        frame = melt_months(cells.frame, months)
        note = f"wide: the columns {months[0]} to {months[-1]} are months, a row for each"
        options = replace(options, time_col=(year, MONTH_OF_YEAR), target_col=VALUE, wide=True)
    elif options.wide:
        time = options.time_col or find_time(looks, len(looks) == 1)
        columns = time.columns if isinstance(time, Found) else time
        if isinstance(time, Found) and not columns:
            raise DataError(f"{name}: {time.said}")
        frame = melt_series(cells.frame, looks, columns, name)
        note = f"wide: {frame[SERIES].n_unique()} columns of numbers are a series each"
        options = replace(options, id_col=(SERIES,), time_col=columns, target_col=VALUE)
    else:
        return cells, looks, options
    turned = cells._replace(frame=frame, origin=Origin((name,)), notes=(*cells.notes, note))
    return turned, look_at_all(frame, options), options


def find_roles(cells: Cells, looks: Looks, options: ReadOptions) -> Roles:
    """Which columns hold the time, the series and the target.

    Raises:
        DataError: Something must be named; the message says all of it.
    """
    frame, origin = cells.frame, cells.origin
    asked: list[str] = []
    given = (options.target_col,) if options.target_col else ()
    free = {
        name: look
        for name, look in looks.items()
        if name not in (*given, *options.id_col) and plain(name) != "unique_id"
    }
    time = chosen(options.time_col, lambda: find_time(free, len(looks) == 1), asked)
    stamped = None if asked else read_times(frame, time, origin, options, asked)
    able = {name: look for name, look in looks.items() if name not in time and may_name(look)}
    numeric = [name for name, look in free.items() if look.numeric and name not in time]
    if not given and len(numeric) == 1:
        able.pop(numeric[0], None)  # the target names no series
    codes = {name: factorize(frame[name].cast(nw.String))[0].astype(np.int64) for name in able}
    moments = distinct_moments(stamped, len(frame), options)
    ids = chosen(options.id_col, lambda: find_ids(looks, moments, codes, (*time, *given)), asked)
    running = [name for name, code in codes.items() if look_running(able[name], code)]
    target = chosen(given, lambda: find_target(looks, (*time, *ids), running), asked)
    if asked or stamped is None:
        said = "; ".join(asked)
        raise DataError(
            said if said.startswith(("row ", "column ")) and origin.name in said else f"{origin.name}: {said}"
        )
    refuse_parts_of_time(looks, options.id_col)
    return Roles(time, ids, target[0], stamped)


def may_name(look: Look) -> bool:
    """Whether a column may name series; one that is called so may hold what is written as text."""
    return look.kind in ("text", "integer", "boolean") or (look.kind != "other" and names_series(look.name))


def chosen(given: Sequence[str], find: Callable[[], Found], asked: list[str]) -> tuple[str, ...]:
    """The columns that the user named, or those that are found; what must be asked is added to `asked`."""
    if given:
        return tuple(given)
    found = find()
    if found.asked:
        asked.append(found.said)
    return found.columns


def read_times(
    frame: Frame, time: Sequence[str], origin: Origin, options: ReadOptions, asked: list[str]
) -> Stamped | None:
    """The time stamps; where nothing decides how to read them, that is asked together with the rest."""
    try:
        return stamp(frame, time, origin, options.time_format)
    except DataError as error:
        asked.append(str(error))
        return None


def distinct_moments(stamped: Stamped | None, rows: int, options: ReadOptions) -> Integers:
    """A number for each distinct time stamp, of each row; rows that may stand twice count as distinct."""
    if stamped is None or options.aggregate:
        return np.arange(rows)
    times = stamped.stamps.times
    moments = np.unique(times, return_inverse=True)[1]
    if options.time_zone and times.dtype.kind == "M" and not stamped.stamps.zoned:
        twice = shown_twice(times, options.time_zone)
        moments[twice] = rows + np.flatnonzero(twice)
    return moments


def look_running(look: Look, code: Integers) -> bool:
    """Whether a column is a running number: integers, each one more than the one before."""
    own = look.integers
    if own is None or len(code) < 3 or int(code.max()) + 1 < len(code) or (np.diff(own) != 1).any():
        return False
    return own[0] in (0, 1) or bool(RUNNING.match(look.name.strip()))


def refuse_parts_of_time(looks: Looks, ids: Sequence[str]) -> None:
    """A month or hour is part of the time, and names no series."""
    for name in ids:
        if (part := part_of(name)) and is_part(looks[name]):
            raise DataError(
                f"column {name} (id_col) holds the {part} of the time and names no series: leave it out, or name all "
                f"columns that make the time together, such as time_col=['year', '{name}'] (--time-col year,{name})"
            )
