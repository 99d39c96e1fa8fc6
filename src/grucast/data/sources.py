"""Where series come from: files and data frames, brought to the columns unique_id, ds, y."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from grucast.data.stamps import parse_times
from grucast.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import polars as pl

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
        source: Path of a CSV, TSV or Parquet file, or a pandas, polars or other eager frame.
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
    name, native = (str(source), read_file(Path(source))) if isinstance(source, str | Path) else ("the frame", source)
    try:
        frame = nw.from_native(native, eager_only=True)
    except TypeError as error:
        wanted = "a path or a pandas or polars data frame"
        raise DataError(f"cannot read series from a {type(source).__name__}: give {wanted}") from error
    frame = rename(frame, {"unique_id": id_col, "ds": time_col, "y": target_col}, name)
    if frame.is_empty():
        raise DataError(f"{name} has a header but no rows")
    for column in ("unique_id", "ds"):
        require_complete(frame, column, name)
    return frame.with_columns(parse_times(frame["ds"], name), parse_target(frame["y"], name)).to_native()


def read_file(path: Path) -> "pl.DataFrame":
    """Read a file into a polars frame, the format told by the suffix."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("polars (to read files)", "cli") from error
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file")
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    try:
        if suffix == "parquet":
            return pl.read_parquet(path)
        if suffix in ("csv", "tsv", "txt"):
            separator = "\t" if suffix == "tsv" else ","
            return pl.read_csv(path, separator=separator, infer_schema_length=None)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} cannot be read as {suffix}: {reason}") from error
    raise DataError(f"{path} has an unknown suffix: give a .csv, .tsv or .parquet file")


def rename(frame: nw.DataFrame[Any], given: dict[str, str | None], name: str) -> nw.DataFrame[Any]:
    """Give the three columns their standard names, put them first and add a missing id."""
    found = {column: find_column(frame.columns, column, given[column], name) for column in ALIASES}
    taken = {source: column for column, source in found.items() if source}
    if len(taken) < len([source for source in found.values() if source]):
        raise DataError(f"one column of {name} cannot be id, time and target at once: {found}")
    clash = [column for column in frame.columns if column in ALIASES and taken.get(column, column) != column]
    clash += [column for column in ALIASES if column in frame.columns and column not in taken]
    if clash:
        raise DataError(f"column {clash[0]!r} of {name} stands beside the one chosen for {clash[0]}: drop or rename it")
    if not found["unique_id"]:
        frame = frame.with_columns(nw.lit("series").alias("unique_id"))
    frame = frame.rename(taken)
    return frame.select(*ALIASES, *(column for column in frame.columns if column not in ALIASES))


def find_column(columns: list[str], column: str, given: str | None, name: str) -> str | None:
    """Return the column named by the user or, ignoring case, by the first alias that is there."""
    option, aliases = OPTIONS[column], ALIASES[column]
    if given is not None:
        if given not in columns:
            raise DataError(f"{name} has no column {given!r} ({option}); it has: {', '.join(columns)}")
        return given
    lower = {c.strip().lower(): c for c in reversed(columns)}
    for alias in aliases:
        if alias in lower:
            return lower[alias]
    if column == "unique_id":
        return None
    raise DataError(
        f"{name} has no column for {column}: looked for {', '.join(aliases)}, found {', '.join(columns)}; "
        f"name it with {option}= (--{option.replace('_', '-')})"
    )


def require_complete(frame: nw.DataFrame[Any], column: str, name: str) -> None:
    """Refuse rows without id or time stamp."""
    missing = frame[column].is_null().to_numpy()
    if missing.any():
        raise DataError(f"row {int(missing.argmax()) + 1} of {name} has no {column} ({int(missing.sum())} such rows)")


def parse_target(target: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Return y as finite float64 with nulls or NaN where it is missing."""
    if target.dtype in (nw.String, nw.Object, nw.Categorical):
        target = parse_text(target, name)
    elif not (target.dtype.is_numeric() or target.dtype == nw.Boolean):
        raise DataError(f"column y of {name} holds {target.dtype}, not numbers")
    target = target.cast(nw.Float64)
    beyond = np.abs(target.to_numpy()) > LARGEST
    if beyond.any():
        row = int(beyond.argmax())
        reason = f"y = {target[row]:g}, infinite or beyond {LARGEST:g}"
        raise DataError(f"row {row + 1} of {name} has {reason}: correct it or leave it empty")
    return target


def parse_text(target: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Read numbers written as text; the usual words for a missing value become null."""
    numbers: list[float | None] = []
    for row, text in enumerate(target.to_list(), 1):
        word = "" if text is None else str(text).strip()
        try:
            numbers.append(None if word.lower() in MISSING else float(word))
        except ValueError as error:
            message = f"row {row} of {name} has y = {word!r}, which is not a number: correct it or leave it empty"
            raise DataError(message) from error
    return nw.new_series("y", numbers, nw.Float64, backend=target.implementation)
