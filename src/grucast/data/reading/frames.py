"""Data frames and their kin, brought to one form."""

from typing import Any

import narwhals as nw

from grucast.errors import DataError, MissingExtraError

ACCEPTED = "a path or a pandas or polars data frame"


def to_frame(source: Any) -> nw.DataFrame[Any]:
    """Take what holds a table: an index of time stamps becomes a column, what is lazy is collected.

    pandas and polars frames and series, lazy frames, Arrow tables, DuckDB relations, dictionaries of columns.

    Raises:
        DataError: It is not a table, or two columns have one name.

    >>> to_frame({"ds": [1, 2], "y": [3.0, 4.0]}).columns
    ['ds', 'y']
    """
    source = nw.to_native(source, pass_through=True)
    if hasattr(source, "index") and hasattr(source, "reset_index"):
        source = with_names(with_index(source))
    elif not is_polars(source):
        source = converted(source)
    try:
        frame = nw.from_native(source, allow_series=True)
    except TypeError as error:
        raise DataError(f"cannot read series from a {type(source).__name__}: give {ACCEPTED}") from error
    except nw.exceptions.DuplicateError as error:
        raise DataError("the frame has two columns of one name: rename one") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.Series):
        frame = frame.alias(frame.name or "y").to_frame()
    return in_a_library(frame)


def in_a_library(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """A frame of pandas or polars; others become polars'."""
    if not (frame.implementation.is_pandas_like() or frame.implementation.is_polars()):
        frame = nw.from_native(polars().DataFrame(frame.to_native()), eager_only=True)
    return frame


def is_polars(source: Any) -> bool:
    """Whether it comes from polars."""
    return type(source).__module__.partition(".")[0] == "polars"


def with_index(frame: Any) -> Any:
    """A pandas frame or series whose index is not a plain count of rows, with the index as its first columns."""
    index = frame.index
    named = any(name is not None for name in index.names)
    times = str(index.dtype).startswith(("datetime", "period")) if index.nlevels == 1 else True
    if not times and not (named and index.nlevels == 1 and str(index.dtype) not in ("int64",)):
        return frame.to_frame("y" if frame.name is None else frame.name) if hasattr(frame, "to_frame") else frame
    if index.nlevels == 1 and hasattr(frame, "columns") and "ds" in frame.columns:
        return frame
    usual = ["unique_id", "ds"] if index.nlevels == 2 else ["ds"] * index.nlevels
    names = [name if name is not None else other for name, other in zip(index.names, usual, strict=True)]
    if hasattr(frame, "to_frame"):
        frame = frame.to_frame("y" if frame.name is None else frame.name)
    taken = [name for name in names if name in frame.columns]
    if taken:
        return frame.reset_index(drop=True)
    return frame.rename_axis(index=names if len(names) > 1 else names[0]).reset_index()


def with_names(frame: Any) -> Any:
    """A pandas frame whose columns are named by text: 0 as 0, (price, mean) as price/mean, None by its place."""
    if all(isinstance(name, str) for name in frame.columns):
        return frame
    parts = [name if isinstance(name, tuple) else (name,) for name in frame.columns]
    names = ["/".join(str(part) for part in name if part == part and part not in (None, "")) for name in parts]  # noqa: PLR0124 - NaN
    return frame.set_axis([name or f"column_{place}" for place, name in enumerate(names, 1)], axis=1)


def converted(source: Any) -> Any:
    """Another table as a polars frame: a dictionary of columns, an Arrow table, a DuckDB relation."""
    if isinstance(source, dict) or hasattr(source, "__arrow_c_stream__"):
        try:
            return polars().DataFrame(source, strict=False)
        except Exception as error:  # polars raises errors of many kinds here, Rust panics among them
            raise DataError(
                f"cannot read series from this {type(source).__name__} ({error}): give {ACCEPTED}"
            ) from error
    return source


def polars() -> Any:
    """The module polars."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("polars (to take tables that are not pandas frames)", "cli") from error
    return pl
