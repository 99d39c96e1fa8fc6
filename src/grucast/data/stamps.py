"""Columns of time stamps as arrays in UTC."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Times
from grucast.data.wording import show_day
from grucast.data.zones import name_of
from grucast.errors import DataError

ISO = "0000-00-00 00:00:00.000000"  # 0 is any digit
ISO_LENGTHS = {10, 16, 19, *range(21, 27)}  # a day, to the minute, to the second, parts of it
BOUNDS = np.array(["0001-01-01", "9999-12-31T23:59:59.999999"], "datetime64[us]")  # those of Python's datetime


def to_times(ds: nw.Series[Any]) -> Times:
    """Time stamps as int64 or, in UTC, as datetime64[us].

    Raises:
        DataError: They are finer than a microsecond, or not of the years 1 to 9999.
    """
    if ds.dtype.is_integer():
        return ds.to_numpy().astype(np.int64, copy=False)
    native = ds.to_native()
    if hasattr(native.dtype, "tz"):  # pandas: narwhals does not know zones such as America/New_York
        ds = nw.from_native(native.dt.tz_convert(None), series_only=True)
    elif getattr(ds.dtype, "time_zone", None) is not None:
        ds = ds.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    times = ds.to_numpy()
    times = times.astype("datetime64[us]") if times.dtype == object else times
    for edge in (times.min(), times.max()) if len(times) else ():
        if outside(edge):
            raise DataError(f"ds has {show_day(edge)}, which is not of the years 1 to 9999: correct it")
    whole = times.astype("datetime64[us]", copy=False)
    if times.dtype == "datetime64[ns]" and (whole != times).any():
        raise DataError("ds has time stamps finer than a microsecond: round them, or count them as integers")
    return whole


def read_iso(texts: Sequence[str]) -> Times | None:
    """Time stamps as ISO 8601 writes them, without a zone and all to the same digit; None for any others.

    >>> read_iso(["2024-01-31 13:00", "2024-01-31T14:00"]).astype("M8[h]")
    array(['2024-01-31T13', '2024-01-31T14'], dtype='datetime64[h]')
    >>> read_iso(["2024-02-30"]), read_iso(["31.01.2024"])
    (None, None)
    """
    length = len(texts[0]) if texts else 0
    if length not in ISO_LENGTHS or set(map(len, texts)) != {length}:
        return None
    letters = np.frombuffer("".join(texts).encode("latin-1", "replace"), np.uint8).reshape(-1, length)
    given = np.where((letters >= ord("0")) & (letters <= ord("9")), np.uint8(ord("0")), letters)
    if length > 10:
        given[given[:, 10] == ord("T"), 10] = ord(" ")
    if (given != np.frombuffer(ISO[:length].encode(), np.uint8)).any():
        return None
    try:
        times = np.array(texts, "datetime64[us]")
    except ValueError:  # no such day or hour
        return None
    return None if outside(times).any() else times


def outside(times: Any) -> NDArray[np.bool_]:
    """Which dates, of any precision, are not of the years 1 to 9999; NaT is not."""
    if np.datetime_data(times.dtype)[0] not in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us"):
        return np.asarray(np.isnat(times))  # what is finer does not reach so far
    first, last = BOUNDS.astype(times.dtype)
    return np.asarray(~((times >= first) & (times <= last)))


def zone_of(ds: nw.Series[Any]) -> str:
    """The zone of zoned time stamps; "" for UTC and for time stamps without zone."""
    name = name_of(zone) if (zone := own_zone(ds)) is not None else ""
    return "" if name == "UTC" else name


def is_zoned(ds: nw.Series[Any]) -> bool:
    """Whether time stamps have a zone."""
    return own_zone(ds) is not None


def own_zone(ds: nw.Series[Any]) -> Any:
    """The zone as the column's library has it, None where there is none; narwhals does not know all of pandas'."""
    return getattr(ds.to_native().dtype, "tz", None) or getattr(ds.dtype, "time_zone", None)
