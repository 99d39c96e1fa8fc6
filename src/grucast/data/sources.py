"""Where series come from: files and data frames, brought to the columns unique_id, ds, y."""

from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np

from grucast.data.stamps import parse_times
from grucast.data.table import Table
from grucast.errors import DataError

ALIASES = {
    "unique_id": ("unique_id", "item_id", "series_id", "id"),
    "ds": ("ds", "timestamp", "datetime", "date", "time"),
    "y": ("y", "target", "value"),
}
OPTIONS = {"unique_id": "id_col", "ds": "time_col", "y": "target_col"}
LARGEST = 1e100  # sums and products of larger values could overflow
MISSING = ("", "na", "n/a", "nan", "null", "none")


def read(source: Any, id_col: str | None = None, time_col: str | None = None, target_col: str | None = None) -> Any:
    """Read long-format series into a frame with the columns `unique_id`, `ds`, `y` and the others after them.

    Args:
        source: Path or glob of CSV, TSV, JSON lines or Parquet files, also as .gz; `-` for CSV on standard input; or
            a pandas, polars or other eager frame. Rows of several files follow each other.
        id_col: Column that names the series; found by its usual names (unique_id, item_id, series_id, id) when
            not given. Without one, all rows are one series.
        time_col: Column of time stamps (ds, timestamp, datetime, date, time): integers, dates or datetimes.
        target_col: Column to forecast (y, target, value).

    Returns:
        A frame of the kind that came in (polars for files); `y` is float64, missing values are null or NaN.

    Raises:
        DataError: The file cannot be read, a column is missing, or a value cannot be used.

    >>> import polars as pl
    >>> from grucast import read
    >>> read(pl.DataFrame({"date": [1, 2], "value": [3.0, 4.5]})).columns
    ['unique_id', 'ds', 'y']
    """
    return read_table(source, id_col, time_col, target_col).frame.clone().to_native()


def read_table(
    source: Any, id_col: str | None = None, time_col: str | None = None, target_col: str | None = None
) -> Table:
    """As `read`, for those who go on with narwhals; the frame within is the one given if that is tidy already."""
    given = {"unique_id": id_col, "ds": time_col, "y": target_col}
    if isinstance(source, str | Path):
        from grucast.data.files import read_files

        return join([(name, tidy(frame, name, given)) for name, frame in read_files(str(source))])
    return tidy(source, "the frame", given)


def tidy(native: Any, name: str, given: dict[str, str | None]) -> Table:
    """A frame with the standard columns first, every value of theirs checked."""
    try:
        frame = nw.from_native(native, eager_only=True)
    except TypeError as error:
        wanted = "a path or a pandas or polars data frame"
        raise DataError(f"cannot read series from a {type(native).__name__}: give {wanted}") from error
    except nw.exceptions.DuplicateError as error:
        raise DataError(f"{name} has two columns of one name: rename one") from error
    frame = rename(frame, given, name)
    if frame.is_empty():
        raise DataError(f"{name} has a header but no rows")
    _, ids, ds, y = Table.of(frame)
    for column in (ids, ds):
        require_complete(column, name)
    refuse_odd_ids(ids, name)
    times, target = parse_times(ds, name), parse_target(y, name)
    whole = frame if times is ds and target is y else frame.with_columns(times, target)
    return Table(whole, ids, times, target)


def join(tables: list[tuple[str, Table]]) -> Table:
    """The rows of all files, one after the other."""
    first = tables[0][1].frame.schema
    for name, table in tables[1:]:
        schema = table.frame.schema
        differ = [column for column in ALIASES if schema[column] != first[column]]
        if differ:
            one, other = f"{first[differ[0]]} in {tables[0][0]}", f"{schema[differ[0]]} in {name}"
            raise DataError(f"column {differ[0]} is {one} but {other}: write it alike in all files")
    if len(tables) == 1:
        return tables[0][1]
    import polars as pl

    try:
        joined = pl.concat([table.frame.to_native() for _, table in tables], how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{tables[0][0]} and the other files have columns of different types: {error}") from error
    return Table.of(joined)


def rename(frame: nw.DataFrame[Any], given: dict[str, str | None], name: str) -> nw.DataFrame[Any]:
    """Give the three columns their standard names, put them first and add a missing id."""
    columns = frame.columns
    found = {column: find_column(columns, column, given[column], name) for column in ALIASES}
    taken = {source: column for column, source in found.items() if source}
    if len(taken) < len([source for source in found.values() if source]):
        raise DataError(f"one column of {name} cannot be id, time and target at once: {found}")
    clash = [column for column in columns if column in ALIASES and taken.get(column, column) != column]
    clash += [column for column in ALIASES if column in columns and column not in taken]
    if clash:
        raise DataError(f"column {clash[0]!r} of {name} stands beside the one chosen for {clash[0]}: drop or rename it")
    if columns[:3] == list(found.values()) == list(ALIASES):
        return frame
    if not found["unique_id"]:
        frame = frame.with_columns(nw.lit("series").alias("unique_id"))
    frame = frame.rename(taken)
    return frame.select(*ALIASES, *(column for column in frame.columns if column not in ALIASES))


def find_column(columns: list[str], column: str, given: str | None, name: str) -> str | None:
    """Return the column named by the user or, ignoring case, by the first alias that is there."""
    option, aliases = OPTIONS[column], ALIASES[column]
    if given is not None:
        if given not in columns:
            raise DataError(f"{name} has no column {given!r} ({option}); it has: {listing(columns)}")
        return given
    lower = {c.strip().lower(): c for c in reversed(columns)}
    for alias in aliases:
        if alias in lower:
            return lower[alias]
    if column == "unique_id":
        return None
    raise DataError(
        f"{name} has no column for {column}: looked for {', '.join(aliases)}, found {listing(columns)}; "
        f"name it with {option}= (--{option.replace('_', '-')})"
    )


def listing(columns: list[str]) -> str:
    """The first columns' names, on one line."""
    return ", ".join(repr(column)[1:-1][:40] for column in columns[:12]) + ", ..." * (len(columns) > 12)


def require_complete(column: nw.Series[Any], name: str) -> None:
    """Refuse rows without id or time stamp."""
    if column.null_count() or (column.dtype.is_float() and column.is_nan().any()):
        missing = (column.is_null() | column.is_nan() if column.dtype.is_float() else column.is_null()).to_numpy()
        row, count = int(missing.argmax()) + 1, int(missing.sum())
        raise DataError(f"row {row} of {name} has no {column.name} ({count} such rows)")


def refuse_odd_ids(ids: nw.Series[Any], name: str) -> None:
    """Series are named by text, numbers or such; not by lists."""
    if ids.dtype.is_nested() or ids.dtype.is_decimal() or ids.dtype == nw.Unknown:
        raise DataError(f"column unique_id of {name} holds {ids.to_native().dtype}: give text or integers")


def parse_target(target: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Return y as finite float64 with nulls or NaN where it is missing."""
    if target.dtype != nw.Float64:
        target = to_numbers(target, name).cast(nw.Float64)
    beyond = np.abs(target.to_numpy()) > LARGEST
    if beyond.any():
        row = int(beyond.argmax())
        reason = f"y = {target[row]:g}, infinite or beyond {LARGEST:g}"
        raise DataError(f"row {row + 1} of {name} has {reason}: correct it or leave it empty")
    return target


def to_numbers(target: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Numbers from a column of any type."""
    if target.is_null().all():  # of whatever type
        return nw.new_series("y", [None] * len(target), nw.Float64, backend=target.implementation)
    if target.dtype in (nw.String, nw.Object, nw.Categorical, nw.Enum):
        return parse_text(target, name)
    if not (target.dtype.is_numeric() or target.dtype == nw.Boolean):
        raise DataError(f"column y of {name} holds {target.to_native().dtype}, not numbers")
    return target


def parse_text(target: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Read numbers written as text; the usual words for a missing value become null."""
    numbers: list[float | None] = []
    for row, value in enumerate(target.to_list(), 1):
        word = "" if value is None else str(value).strip()
        try:
            numbers.append(None if word.lower() in MISSING else float(word.replace("_", "?")))  # 1_000 is no number
        except ValueError as error:
            advice = "write it as 1234.5, with a decimal point alone" if "," in word else "correct it or leave it empty"
            raise DataError(f"row {row} of {name} has y = {word[:80]!r}, which is not a number: {advice}") from error
    return nw.new_series("y", numbers, nw.Float64, backend=target.implementation)
