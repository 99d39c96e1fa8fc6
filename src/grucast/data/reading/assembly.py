"""The columns unique_id, ds, y and the others, built from those that were found."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from grucast.data.reading.intake import Cells, Intake
from grucast.data.reading.looks import Look, to_cells
from grucast.data.reading.missing import without_codes
from grucast.data.reading.names import listing
from grucast.data.reading.options import ReadOptions
from grucast.data.reading.origin import Origin
from grucast.data.reading.stamping import Stamped, TimeColumn, require_complete, to_column
from grucast.data.reading.values import TEXTS, Marks, has_leading_zero, to_target, typed
from grucast.data.scalars import are_numbers
from grucast.data.table import COLUMNS, Table, factorize
from grucast.errors import DataError

Frame = nw.DataFrame[Any]
Looks = Mapping[str, Look]
ONE = "series"  # the name of the one series of a table without ids


class Roles(NamedTuple):
    """The columns that hold time, series and target, and the time stamps."""

    time: tuple[str, ...]
    ids: tuple[str, ...]
    target: str
    stamped: Stamped


def assemble(cells: Cells, looks: Looks, roles: Roles, options: ReadOptions) -> Intake:
    """The series of a table whose columns are found.

    Raises:
        DataError: A column holds what cannot be read.
    """
    frame, origin = cells.frame, cells.origin
    marks = Marks.of(frame, looks, options.decimal, cells.separator)
    missing = frozenset(options.missing)
    ids = to_ids(frame, roles.ids, origin, cells.separator is not None)
    y = to_target(frame[roles.target], roles.target, origin, marks, missing)
    y, codes = without_codes(y, options.missing)
    made = to_column(roles.stamped, frame.implementation, factorize(ids)[0].astype(np.int64), options.time_zone)
    rest = further(cells, looks, roles, marks, missing)
    table = without_skipped(put_together(frame, ids, made.ds, y, rest), made, origin)
    text = frame[roles.target].dtype in TEXTS
    stamps = roles.stamped.stamps
    learned = replace(
        options,
        id_col=roles.ids,
        time_col=roles.time,
        target_col=roles.target,
        time_format=stamps.reading or options.time_format,
        decimal=marks.decide(roles.target, to_cells(frame[roles.target]), origin) if text else options.decimal,
        missing=options.missing or tuple(f"{code:g}" for code in codes),
    )
    notes = (
        *cells.notes,
        *describe(frame, roles, learned if text else options, ids),
        *([made.said] if made.said else []),
    )
    return Intake(table, roles.target, notes, tuple(doubts(roles, codes, looks, rest)), learned)


def to_ids(frame: Frame, columns: tuple[str, ...], origin: Origin, delimited: bool) -> nw.Series[Any]:
    """The names of the series: a column, several put together, or one name for all rows."""
    if not columns:
        return frame.with_columns(nw.lit(ONE).alias("unique_id"))["unique_id"]
    for column in columns:
        refuse_odd_ids(frame[column], column, origin)
    if len(columns) == 1:
        require_complete(frame[columns[0]], columns[0], origin)
        own = frame[columns[0]].alias("unique_id")
        return to_whole(own) if delimited else own
    cells = zip(*(to_cells(frame[column]) for column in columns), strict=True)
    names = ["/".join(cell for cell in row if cell is not None) for row in cells]  # a country without provinces
    if "" in names:
        raise DataError(f"{origin.row(names.index(''))} has no {' and no '.join(columns)}")
    return nw.new_series("unique_id", names, nw.String(), backend=frame.implementation)


def to_whole(ids: nw.Series[Any]) -> nw.Series[Any]:
    """Ids of delimited text as integers where all are written as such; 007 is a name."""
    whole = ids.str.contains(r"^(0|-?[1-9]\d{0,17})$").all()
    return ids.cast(nw.Int64) if whole else ids


def refuse_odd_ids(ids: nw.Series[Any], column: str, origin: Origin) -> None:
    """Series are named by text, numbers or such; not by lists."""
    odd = ids.dtype == nw.Object and not all(isinstance(name, Hashable) for name in ids.to_list())
    if odd or ids.dtype.is_nested() or ids.dtype.is_decimal() or ids.dtype == nw.Unknown:
        raise DataError(f"column {column} of {origin.name} holds {ids.to_native().dtype}: give text or integers as ids")


def further(cells: Cells, looks: Looks, roles: Roles, marks: Marks, missing: frozenset[str]) -> list[nw.Series[Any]]:
    """The columns that have no role, or share one with others; those of delimited text as what they hold.

    One with the name of a standard column is left out, since another was chosen for that.
    """
    single = {roles.target, *(group[0] for group in (roles.time, roles.ids) if len(group) == 1)}
    names = [name for name in cells.frame.columns if name not in single and name not in COLUMNS]
    columns = [cells.frame[name] for name in names]
    if cells.separator is None:
        return columns
    return [
        column if column.name in cells.texts else typed(column, looks[column.name], cells.origin, marks, missing)
        for column in columns
    ]


def put_together(frame: Frame, ids: Any, ds: Any, y: Any, rest: list[Any]) -> Table:
    """A frame of these columns, of the kind that came; the one that came if it is tidy already."""
    names = [column.name for column in rest]
    given = dict(zip(COLUMNS, (ids, ds, y), strict=True))
    same = frame.columns == [*COLUMNS, *names] and all(
        frame[name].to_native() is column.to_native() for name, column in given.items()
    )
    if same:
        return Table(frame, ids, ds, y)
    whole = frame.with_columns(ids, ds, y, *rest).select(*COLUMNS, *names)
    return Table.of(whole.to_native())


def without_skipped(table: Table, made: TimeColumn, origin: Origin) -> Table:
    """The rows that clocks do not skip; one that they do may be left out only if it has no value."""
    if not made.extra.size:
        return table
    y = table.y.to_numpy()[made.extra]
    if (~np.isnan(y)).any():
        row = int(made.extra[~np.isnan(y)][0])
        raise DataError(
            f"{origin.row(row)} has a time that clocks skip, and the hour after it is there too: "
            "correct it, or leave its value empty"
        )
    keep = np.ones(len(table.y), bool)
    keep[made.extra] = False
    return Table.of(table.frame.filter(keep.tolist()).to_native())


def describe(frame: Frame, roles: Roles, options: ReadOptions, ids: nw.Series[Any]) -> list[str]:
    """What was taken for what, a line each."""
    stamps = roles.stamped.stamps
    read_as = f"read as {stamps.reading}" if stamps.reading else ""
    way = " ".join(part for part in (read_as, stamps.why) if part)
    time = f"time: {' and '.join(roles.time) or 'no column'}" + (f" ({way})" if way else "")
    series = f"series: {' and '.join(roles.ids)} ({ids.n_unique():,})" if roles.ids else "series: one"
    mark = (
        {",": "decimal comma", ".": "decimal point"}.get(options.decimal or "")
        if frame[roles.target].dtype in TEXTS
        else None
    )
    return [time, series, f"target: {roles.target}" + (f" ({mark})" if mark else "")]


def doubts(roles: Roles, codes: tuple[float, ...], looks: Looks, rest: list[nw.Series[Any]]) -> list[str]:
    """What may be wrong."""
    found = [
        f"{roles.target} is {code:g} in several rows and near it in none: taken as missing; "
        f"confirm it with missing={code:g} (--missing={code:g}), "
        "or give missing='' if the values are real"
        for code in codes
    ]
    shared = (*roles.time, *roles.ids)
    found += [
        f"column {name} is left out, since {name} is another one now; rename it to use it as a covariate"
        for name in looks
        if name in COLUMNS and name not in (*shared, roles.target)
    ]
    texts = [column for column in rest if column.dtype in TEXTS and column.name not in shared]
    texts = [column for column in texts if not are_numbers(column)]
    mixed = [column.name for column in texts if looks[column.name].numeric and not has_leading_zero(column)]
    if mixed:
        found.append(f"{listing(mixed)}: text in which most cells are numbers; as a covariate it would be categories")
    return found
