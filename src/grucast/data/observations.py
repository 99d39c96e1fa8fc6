"""Observations as they arrive, one by one: checked, and side by side as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Column, Covariate
from grucast.data.frequency import LARGEST_TIME, Times
from grucast.data.kinds import read_covariate, to_covariate
from grucast.data.reading.intake import COUNTER
from grucast.data.reading.missing import LARGEST_Y
from grucast.data.reading.origin import Origin
from grucast.data.scalars import brief, is_nothing, listed, to_float
from grucast.data.stamps import BOUNDS, is_zoned, outside, to_times, zone_of
from grucast.data.table import Table
from grucast.errors import DataError

LONGEST_STAMP = 100  # characters of a time stamp
HERE = Origin(("the observations",))
FIRST, LAST = BOUNDS


@dataclass(frozen=True)
class Observations:
    """N rows of any series.

    Attributes:
        ids: Name of each row's series, (N,).
        times: int64, or datetime64[us] in UTC, (N,).
        y: Target, NaN where missing, (N,).
        covariates: Columns besides it, (N,) each.
        zone: Time zone of the time stamps, UTC where they said how far they are from it; None if they had none.
    """

    ids: Sequence[Any]
    times: Times
    y: NDArray[np.float64]
    covariates: Mapping[str, Covariate]
    zone: str | None = None

    @classmethod
    def of_rows(
        cls, rows: Sequence[Mapping[str, Any]], known: Mapping[str, Column], time_format: str | None = None
    ) -> "Observations":
        """Read mappings such as {"unique_id": "a", "ds": "2024-01-31 13:00", "y": 1.5}.

        Without unique_id a row belongs to the one series that `grucast.read` calls "series". None and NaN are missing.

        Raises:
            DataError: A row lacks a value, or has one that cannot be used.
        """
        times = [read_time(pick(row, "ds"), time_format) for row in rows]
        if len({time.dtype for time in times}) > 1:
            raise DataError("some rows have integers as ds and some dates: give all alike")
        return cls(
            [read_id(row.get("unique_id", "series")) for row in rows],
            np.array(times),
            np.array([read_y(pick(row, "y")) for row in rows]),
            {name: to_covariate(name, [pick(row, name) for row in rows], column) for name, column in known.items()},
            "UTC" if all(has_zone(row["ds"]) for row in rows) else None,
        )

    @classmethod
    def of_columns(
        cls, columns: Mapping[str, Any], known: Mapping[str, Column], time_format: str | None = None
    ) -> "Observations":
        """Read columns of one length, {"unique_id": [...], "ds": [...], "y": [...]}; arrays are the quickest.

        Raises:
            DataError: A column is missing, or has a value that cannot be used.
        """
        require_columns(columns)
        times, y = to_array(pick(columns, "ds")), to_array(pick(columns, "y"))
        if times.dtype.kind == "i" and time_format not in (None, COUNTER):
            from grucast.data.reading.times import read_codes

            times = read_codes(times, HERE, "ds", time_format).times
        whole = to_whole(times)
        if whole is None or y.dtype.kind not in "if":
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            return cls.of_rows(rows, known, time_format)
        if (np.abs(y) > LARGEST_Y).any():
            raise DataError(
                f"y = {y[np.abs(y) > LARGEST_Y][0]:g} is infinite or beyond {LARGEST_Y:g}: correct it or leave it NaN"
            )
        ids = read_ids(columns.get("unique_id", ("series",) * len(y)))
        covariates = {name: to_covariate(name, list(pick(columns, name)), column) for name, column in known.items()}
        return cls(ids, whole, y.astype(np.float64), covariates)

    @classmethod
    def of_frame(cls, frame: Any, known: Mapping[str, Column]) -> "Observations":
        """Take the rows of a frame as `grucast.read` returns it, or of its table."""
        data, ids, ds, target = Table.of(frame)
        covariates = {name: read_covariate(data, name, column) for name, column in known.items()}
        zone = (zone_of(ds) or "UTC") if is_zoned(ds) else None
        return cls(ids.to_list(), to_times(ds), target.to_numpy().astype(np.float64), covariates, zone)


def pick(row: Mapping[str, Any], name: str) -> Any:
    """A value of a row, which must have it."""
    if not isinstance(row, Mapping):
        wanted = '{"unique_id": "a", "ds": "2024-01-31", "y": 1.5}'
        raise DataError(f"an observation is a mapping such as {wanted}, not {brief(row)}")
    if name not in row:
        raise DataError(f"there is no {name!r}, only {listed(row) or 'an empty mapping'}")
    return row[name]


def require_columns(columns: Mapping[str, Any]) -> None:
    """Columns have one length, which is not 0."""
    lengths: dict[int | None, str] = {}
    for name, values in columns.items():
        lengths.setdefault(length_of(values), name)
    if None in lengths:
        odd = lengths[None]
        raise DataError(f"{brief(odd)} is not a column but {brief(columns[odd])}: give a list or an array")
    if len(lengths) > 1:
        (one, name), (other, another), *_ = lengths.items()
        raise DataError(f"the columns differ in length: {brief(name)} has {one:,} rows, {brief(another)} {other:,}")
    if not any(lengths):
        raise DataError(f"there are no rows, only columns: {listed(columns) or 'none'}")


def length_of(column: Any) -> int | None:
    """How many values a list or an array has; None of anything else."""
    if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__getitem__"):
        return None
    try:
        return len(column)
    except TypeError:  # an array of no axes
        return None


def to_array(column: Any) -> NDArray[Any]:
    """A column as an array; as one of type object where its values are not single values of one type."""
    try:
        array = np.asarray(column)
    except (TypeError, ValueError, OverflowError):
        array = np.empty((0, 0))
    return array if array.ndim == 1 else np.empty(len(column), object)


def to_whole(times: NDArray[Any]) -> Times | None:
    """An array of integers, or of dates, as int64 or datetime64[us]; None where one has no place there."""
    if times.dtype.kind == "i":
        return None if (np.abs(times.astype(np.float64)) > LARGEST_TIME).any() else times.astype(np.int64)
    if times.dtype.kind != "M" or outside(times).any():
        return None
    whole = times.astype("M8[us]")
    return whole if (whole == times).all() else None


def read_ids(column: Any) -> list[Any]:
    """The names of series, each read once however often it comes."""
    names = column.tolist() if isinstance(column, np.ndarray) else list(column)
    try:
        distinct = dict.fromkeys(names)
    except TypeError:  # a list among them
        return [read_id(name) for name in names]
    known = {name: read_id(name) for name in distinct}
    return [known[name] for name in names]


def read_row(row: Mapping[str, Any], time_format: str | None = None) -> tuple[str | int, Any, float]:
    """The name of its series, its time and its target.

    Raises:
        DataError: One of them cannot be used.
    """
    time = read_time(pick(row, "ds"), time_format)
    return read_id(row.get("unique_id", "series")), time, read_y(pick(row, "y"))


def read_id(name: Any) -> str | int:
    """The name of a series."""
    if isinstance(name, np.integer):
        return int(name)
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise DataError(f"unique_id = {brief(name)} names no series: give text or an integer")
    return name


def read_time(time: Any, time_format: str | None = None) -> Any:
    """An integer as int64, a date or datetime as datetime64 in UTC; text and codes (202401) as the format says."""
    counted = isinstance(time, int | np.integer) and not isinstance(time, bool) and abs(int(time)) <= LARGEST_TIME
    if (counted and time_format not in (None, COUNTER)) or (isinstance(time, str) and len(time) <= LONGEST_STAMP):
        stamp = read_text(str(time), time_format)
        stamp = None if isinstance(stamp, np.datetime64) and outside(stamp) else stamp  # by its offset from UTC
    elif counted:
        return np.int64(time)
    else:
        stamp = to_stamp(time) if isinstance(time, date | np.datetime64) else None
    if stamp is None:
        wanted = "an integer up to 2**62, or a date or time of the years 1 to 9999 such as 2024-01-31 13:00"
        raise DataError(f"ds = {brief(time)} is not a time stamp: give {wanted}, to the microsecond")
    return stamp


@lru_cache(maxsize=1024)  # a stream reads each twice, and many series have one time
def read_text(text: str, time_format: str | None) -> Any:
    """A time stamp that is written."""
    from grucast.data.reading.times import read_stamps

    return read_stamps([text], HERE, "ds", time_format).times[0]


def to_stamp(time: date | np.datetime64) -> Any:
    """A date or time as datetime64 in UTC; None if it is not of the years 1 to 9999, or finer than a microsecond."""
    if isinstance(time, np.datetime64):
        if time.dtype == BOUNDS.dtype:  # as in what a stream gives back; `to_whole` takes ten times as long
            return time if FIRST <= time <= LAST else None
        whole = to_whole(np.array([time]))
        return None if whole is None else whole[0]
    if isinstance(time, datetime) and time.tzinfo:
        try:
            time = time.astimezone(UTC).replace(tzinfo=None)
        except (OverflowError, ValueError):  # pandas has the latter
            return None
    there = time == time and time.year <= 9999  # noqa: PLR0124 - NaT alone is not itself
    return np.datetime64(time, "us") if there and not getattr(time, "nanosecond", 0) else None


def has_zone(time: Any) -> bool:
    """Whether a time stamp says how far it is from UTC."""
    if isinstance(time, str):
        return time[10:].rstrip().endswith(("Z", "z")) or "+" in time[10:] or "-" in time[10:]
    return isinstance(time, datetime) and time.tzinfo is not None


def read_y(y: Any) -> float:
    """The target, NaN if it is missing."""
    value = y if isinstance(y, float) else np.nan if is_nothing(y) else to_float(y)
    if value is None:
        raise DataError(f"y = {brief(y)} is not a number: give null where it is missing")
    if abs(value) > LARGEST_Y:
        raise DataError(f"y = {value:g} is infinite or beyond {LARGEST_Y:g}: correct it, or give null")
    return value
