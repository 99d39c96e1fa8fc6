"""Rows as they came: which of them can be used, and in which order."""

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.intake import Cells, Intake
from grucast.data.reading.looks import to_cells, to_values
from grucast.data.reading.missing import LARGEST_Y
from grucast.data.reading.names import alias
from grucast.data.reading.numbers import parse_numbers
from grucast.data.reading.options import ReadOptions
from grucast.data.reading.origin import Origin
from grucast.data.reading.roles import find_target, find_time
from grucast.data.reading.tables import look_at_all, named, take_in
from grucast.data.reading.values import TEXTS
from grucast.data.reading.written import take_apart
from grucast.data.sources import cells_of, repaired
from grucast.data.stamps import to_times
from grucast.data.table import factorize
from grucast.data.wording import show
from grucast.errors import DataError

Array = NDArray[Any]


class Likely(NamedTuple):
    """Columns that probably hold the time stamps, the series' names and the target."""

    time: tuple[str, ...]
    ids: tuple[str, ...]
    target: tuple[str, ...]


def take_usable(source: Any, options: ReadOptions) -> tuple[Intake, list[str]]:
    """Take in the rows that can be used, and say which were left out for what reason.

    Raises:
        DataError: There is nothing to read, or a row is bad in a way that cannot be listed.
    """
    cells = cells_of(source, options)
    try:
        return repaired(take_in(cells, options)), []
    except DataError as error:
        bad = bad_rows(cells, options)
        usable = ~np.logical_or.reduce([rows for _, rows in bad] or [np.zeros(len(cells.frame), bool)])
        if usable.all() or not usable.any():
            raise error
    kept = cells._replace(frame=cells.frame.filter(usable.tolist()), origin=Origin((cells.origin.name,)))
    return repaired(take_in(kept, options)), [f"{text} ({place(rows)})" for text, rows in bad]


def bad_rows(cells: Cells, options: ReadOptions) -> list[tuple[str, Array]]:
    """Reasons why rows cannot be used, each with the rows it holds for."""
    names, missing = likely_columns(cells, options), frozenset(options.missing)
    found = []
    for column in (*names.ids, *names.time):
        empty = np.array([cell is None for cell in to_values(cells.frame[column])])
        found.append((f"no {column}", empty))
    if len(names.time) == 1 and cells.frame[names.time[0]].dtype in TEXTS and not options.time_format:
        odd = np.array([cell is not None and take_apart(cell) is None for cell in to_cells(cells.frame[names.time[0]])])
        found.append((f"a {names.time[0]} that is not a time stamp", odd))
    for column in names.target:
        values, none = to_numbers(cells, column, options.decimal, missing)
        found += [(f"a {column} that is not a number", none)]
        found += [(f"a {column} that is infinite or beyond {LARGEST_Y:g}", np.abs(values) > LARGEST_Y)]
    return [(text, rows) for text, rows in found if rows.any()]


def to_numbers(cells: Cells, column: str, decimal: str | None, missing: frozenset[str]) -> tuple[Array, Array]:
    """The numbers of a column, and which of its cells are not numbers."""
    series = cells.frame[column]
    none = np.zeros(len(series), bool)
    if series.dtype.is_numeric():
        return series.cast(nw.Float64).to_numpy(), none
    texts = to_cells(series)
    marks = [decimal] if decimal else [".", ","]
    numbers = min((parse_numbers(texts, mark, missing) for mark in marks), key=lambda numbers: len(numbers.bad))
    none[numbers.bad] = True
    return numbers.values, none


def likely_columns(cells: Cells, options: ReadOptions) -> Likely:
    """The columns named, or those that would be found if all their cells could be read."""
    options = named(options, cells)
    looks = look_at_all(cells.frame, options)
    time = options.time_col or find_time(looks, len(looks) == 1).columns
    given = (options.target_col,) if options.target_col else ()
    usual = alias(list(looks), "unique_id")
    ids = options.id_col or ((usual,) if usual else ())
    return Likely(time, ids, given or find_target(looks, (*time, *ids), ()).columns)


def place(rows: Array) -> str:
    """How many rows, and which comes first."""
    count = int(rows.sum())
    return f"row {int(rows.argmax()) + 1}" if count == 1 else f"{count:,} rows, the first is {int(rows.argmax()) + 1}"


class Ordered:
    """Rows by series, in the order of their first appearance, and time; of duplicates the first is kept.

    Attributes:
        ids: Names of the series.
        order: Row of the frame for each sorted row.
        codes: Series of each.
        times: Time stamp of each.
        y: Target of each, NaN where missing.
        unsorted: Rows earlier than the row of their series before.
        duplicates: Rows whose series and time were there before.
        example: The first duplicate, in words.
    """

    def __init__(self, frame: nw.DataFrame[Any]) -> None:
        times = to_times(frame["ds"])
        codes, self.ids = factorize(frame["unique_id"])
        came = np.argsort(codes, kind="stable")
        self.unsorted = int(((np.diff(codes[came]) == 0) & (times[came][1:] < times[came][:-1])).sum())
        order = came if self.unsorted == 0 else np.lexsort((times, codes))
        codes, times = codes[order], times[order]
        twice = np.append(False, (np.diff(codes) == 0) & (times[1:] == times[:-1]))
        self.duplicates = int(twice.sum())
        row = int(twice.argmax())
        self.example = f"series {self.ids[codes[row]]!r} at {show(times[row])}" if self.duplicates else ""
        self.order, self.codes, self.times = order[~twice], codes[~twice], times[~twice]
        self.y = frame["y"].to_numpy().astype(np.float64)[self.order]
