"""The time stamps of a table, from one column or from several that belong together."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.local import Resolved, to_utc_in_order
from grucast.data.reading.looks import show_cell, to_cells, to_values
from grucast.data.reading.names import part_of
from grucast.data.reading.numbers import parse_number
from grucast.data.reading.origin import Origin
from grucast.data.reading.readings import to_days, to_week
from grucast.data.reading.times import Stamps, read_codes, read_stamps
from grucast.data.reading.written import MONTH, read_clock
from grucast.data.stamps import to_times
from grucast.data.zones import name_of
from grucast.errors import DataError

Times = NDArray[Any]
Frame = nw.DataFrame[Any]
Integers = NDArray[np.int64]
LARGEST_INTEGER = 2**62  # differences of larger integers could overflow
FIRST_EPOCH = 10**8  # since 1970, from where on fractions of them are time stamps
NO_ROWS = np.array([], np.int64)


class Stamped(NamedTuple):
    """Time stamps, their type in the frame, and how they were read.

    Attributes:
        stamps: The time stamps.
        native: The column as it is, where it needs no reading.
    """

    stamps: Stamps
    native: nw.Series[Any] | None = None


def stamp(frame: Frame, columns: Sequence[str], origin: Origin, time_format: str | None) -> Stamped:
    """Read the time stamps that one column or several make; without a column, number the rows.

    Raises:
        DataError: A row has none, or they cannot be read.
    """
    if not columns:
        return Stamped(Stamps(np.arange(len(frame)), False, False, why="the rows in their order"))
    if len(columns) == 1:
        return stamp_one(frame[columns[0]], columns[0], origin, time_format)
    if part_of(columns[0]) == "year" and part_of(columns[1]) in ("quarter", "month", "week"):
        return Stamped(stamp_parts(frame, columns, origin))
    days = stamp_one(frame[columns[0]], columns[0], origin, time_format).stamps
    if days.times.dtype.kind != "M":
        raise DataError(f"column {columns[0]} of {origin.name} holds no days that {columns[1]} could follow")
    ahead = np.zeros(len(frame), np.int64)
    for column in columns[1:]:
        ahead += clock_of(frame[column], column, origin)
    return Stamped(days._replace(times=days.times + ahead.astype("m8[us]"), dates=False))


def stamp_one(column: nw.Series[Any], name: str, origin: Origin, time_format: str | None) -> Stamped:
    """Read the time stamps of one column of any type."""
    require_complete(column, name, origin)
    dtype, native = column.dtype, column.to_native()
    if str(native.dtype).startswith("period"):
        column = nw.from_native(native.dt.to_timestamp(), series_only=True)
        return Stamped(Stamps(to_times(column), False, False), column)
    if dtype in (nw.Date, nw.Datetime) or hasattr(native.dtype, "tz"):
        zoned = hasattr(native.dtype, "tz") or getattr(dtype, "time_zone", None) is not None
        return Stamped(Stamps(to_times(column), dtype == nw.Date, zoned), column)
    if dtype == nw.Object and (own := in_their_zone(column)) is not None:
        return Stamped(Stamps(to_times(own), False, True), own)
    if dtype.is_integer():
        return stamp_integers(column.to_list(), name, origin, time_format, column)
    if dtype.is_float() or dtype.is_decimal():
        values = column.to_list()
        if all(value == round(value) for value in values):
            return stamp_integers(list(map(int, values)), name, origin, time_format, None)
    if not (
        (dtype.is_float() and column.min() >= FIRST_EPOCH) or dtype in (nw.String, nw.Object, nw.Categorical, nw.Enum)
    ):
        raise DataError(
            f"column {name} of {origin.name} holds {native.dtype}: give integers, dates or time stamps as text"
        )
    return Stamped(read_stamps([show_cell(value) for value in column.to_list()], origin, name, time_format))


def in_their_zone(column: nw.Series[Any]) -> nw.Series[Any] | None:
    """Objects of pandas that are time stamps of one zone, as a column in it; None for others."""
    values = column.to_list()
    known = column.implementation.is_pandas_like() and all(isinstance(v, datetime) and v.tzinfo for v in values)
    zones = {name_of(value.tzinfo) for value in values} if known else set()
    if len(zones) != 1 or any(getattr(value, "nanosecond", 0) for value in values):
        return None
    instants = np.array([value.astimezone(UTC).replace(tzinfo=None) for value in values], "M8[us]")
    utc = nw.new_series("ds", instants, nw.Datetime("us"), backend=column.implementation).dt.replace_time_zone("UTC")
    return utc.dt.convert_time_zone(zones.pop())


def stamp_integers(values: list[int], name: str, origin: Origin, time_format: str | None, column: Any) -> Stamped:
    """Read integers; a counter stays in the column that it came in."""
    for value in (min(values), max(values)):
        if abs(value) > LARGEST_INTEGER:
            row = values.index(value)
            raise DataError(f"{origin.row(row)} has {name} = {value}, beyond 2**62: give smaller integers or dates")
    stamps = read_codes(np.array(values, np.int64), origin, name, time_format)
    odd = column is not None and column.dtype in (nw.Int128, nw.UInt128, nw.UInt64)
    keeps = stamps.times.dtype.kind == "i" and column is not None
    return Stamped(stamps, (column.cast(nw.Int64) if odd else column) if keeps else None)


def stamp_parts(frame: Frame, columns: Sequence[str], origin: Origin) -> Stamps:
    """Time stamps of a year and a month, quarter or week in columns of their own, and of what is finer."""
    parts = {part_of(column): part_values(frame[column], column, origin) for column in columns}
    year = parts["year"]
    if "week" in parts:
        times, dates = to_week(year, parts["week"]), True
    else:
        month = 3 * parts["quarter"] - 2 if "quarter" in parts else parts["month"]
        times, dates = to_days(year, month, parts.get("day", np.ones_like(year))), True
    if (bad := np.isnat(times)).any():
        row = int(bad.argmax())
        shown = ", ".join(f"{column} = {frame[column][row]}" for column in columns)
        raise DataError(f"{origin.row(row)} has {shown}: there is no such time")
    for part, size in (("hour", 3600), ("minute", 60)):
        if part in parts:
            times, dates = times + (parts[part] * size).astype("m8[s]"), False
    return Stamps(times, dates, False)


def part_values(column: nw.Series[Any], name: str, origin: Origin) -> Integers:
    """The integers of a part of a time, also months by their names."""
    require_complete(column, name, origin)
    found = [MONTH.get(cell.lower().rstrip(".")) or parse_number(cell) for cell in map(show_cell, column.to_list())]
    odd = next((row for row, value in enumerate(found) if value is None or value != int(value)), None)
    if odd is not None:
        raise DataError(f"{origin.row(odd)} has {name} = {column[odd]!r}, which is not part of a time")
    return np.array(found, np.float64).astype(np.int64)


def clock_of(column: nw.Series[Any], name: str, origin: Origin) -> Integers:
    """Microseconds since midnight of clocks, or of whole hours or minutes."""
    require_complete(column, name, origin)
    part = part_of(name)
    cells = to_cells(column)
    clocks = [read_clock(cell or "") for cell in cells]
    if None not in clocks:
        return np.array(clocks, np.int64)
    if part not in ("hour", "minute"):
        row = clocks.index(None)
        raise DataError(f"{origin.row(row)} has {name} = {cells[row]!r}, which is not a time of day such as 13:30")
    return part_values(column, name, origin) * (3600 if part == "hour" else 60) * 10**6


def require_complete(column: nw.Series[Any], name: str, origin: Origin) -> None:
    """Refuse rows without a value."""
    if column.null_count() or (column.dtype.is_float() and column.is_nan().any()):
        empty = [row for row, value in enumerate(to_values(column)) if value is None]
        raise DataError(f"{origin.row(empty[0])} has no {name} ({len(empty)} such rows)")


class TimeColumn(NamedTuple):
    """The column ds, rows that are one too many where clocks skip an hour, and what was resolved there."""

    ds: nw.Series[Any]
    extra: Integers = NO_ROWS
    said: str = ""


def to_column(stamped: Stamped, backend: Any, owners: Integers, time_zone: str | None) -> TimeColumn:
    """The column ds in a frame's own library, in a time zone if one is given."""
    stamps, native = stamped
    daily = stamps.dates and not stamps.zoned
    if stamps.times.dtype.kind == "i" or time_zone is None or daily:
        return TimeColumn((native if native is not None else plain_series(stamps, backend)).alias("ds"))
    resolved = Resolved(stamps.times, NO_ROWS, "") if stamps.zoned else to_utc_in_order(stamps.times, owners, time_zone)
    series = nw.new_series("ds", resolved.instants, nw.Datetime("us"), backend=backend)
    zoned = series.dt.replace_time_zone("UTC").dt.convert_time_zone(time_zone)
    return TimeColumn(zoned, resolved.extra, resolved.said)


def plain_series(stamps: Stamps, backend: Any) -> nw.Series[Any]:
    """Time stamps as a column: integers, days where the library has them, or times, in UTC if they are zoned."""
    if stamps.times.dtype.kind == "i":
        return nw.new_series("ds", stamps.times, nw.Int64(), backend=backend)
    series = nw.new_series("ds", stamps.times, nw.Datetime("us"), backend=backend)
    if stamps.zoned:
        return series.dt.replace_time_zone("UTC")
    return series.cast(nw.Date()) if stamps.dates and backend.is_polars() else series
