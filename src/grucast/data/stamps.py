"""Columns of time stamps: read from text, checked, and as arrays in UTC."""

from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Times
from grucast.errors import DataError

WANTED = "integers, dates or ISO 8601 datetimes"
LARGEST = 2**62  # differences of larger integers could overflow
FIRST_DATE, LAST_DATE = 1900_01_01, 2100_12_31  # integers that may be dates without separators


def to_times(ds: nw.Series[Any]) -> Times:
    """Time stamps as int64 or, in UTC, as datetime64[us].

    Raises:
        DataError: They are finer than a microsecond.
    """
    if ds.dtype.is_integer():
        return ds.to_numpy().astype(np.int64, copy=False)
    native = ds.to_native()
    if hasattr(native.dtype, "tz"):  # pandas: narwhals does not know zones such as America/New_York
        ds = nw.from_native(native.dt.tz_convert(None), series_only=True)
    elif getattr(ds.dtype, "time_zone", None) is not None:
        ds = ds.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    times = ds.to_numpy()
    whole = times.astype("datetime64[us]", copy=False)
    if times.dtype == "datetime64[ns]" and (whole != times).any():
        raise DataError("ds has time stamps finer than a microsecond: round them, or count them as integers")
    return whole


def zone_of(ds: nw.Series[Any]) -> str:
    """The zone of zoned time stamps; "" for UTC and for time stamps without zone."""
    zone = getattr(ds.to_native().dtype, "tz", None) or getattr(ds.dtype, "time_zone", None)
    return "" if zone is None or str(zone) == "UTC" else str(zone)


def parse_times(ds: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Check that time stamps are integers, dates or datetimes; read them where they are ISO 8601 text.

    Text with offsets from UTC, equal or not, is read as UTC.

    Raises:
        DataError: They are of another type, ambiguous, or beyond what can be counted.
    """
    if ds.dtype.is_integer():
        large = ds.dtype in (nw.Int128, nw.UInt128)  # NumPy has no such integers
        refuse_dates_in_integers(np.array(ds.to_list(), object) if large else ds.to_numpy(), name)
        return ds.cast(nw.Int64) if large or ds.dtype == nw.UInt64 else ds
    if ds.dtype in (nw.Date, nw.Datetime) or hasattr(ds.to_native().dtype, "tz"):
        return ds
    if ds.dtype in (nw.Categorical, nw.Enum):
        ds = ds.cast(nw.String)
    if ds.dtype not in (nw.String, nw.Object):
        kind = ds.to_native().dtype
        hint = "; turn periods into time stamps with .dt.to_timestamp()" if "period" in str(kind) else ""
        raise DataError(f"column ds of {name} holds {kind}: give {WANTED}{hint}")
    return read_text(ds, name)


def refuse_dates_in_integers(times: NDArray[Any], name: str) -> None:
    """Refuse integers too large to subtract, and those that are dates such as 20240131."""
    beyond = (times > LARGEST) | (times < -LARGEST)
    if beyond.any():
        row = int(beyond.argmax())
        raise DataError(f"row {row + 1} of {name} has ds = {times[row]}, beyond 2**62: give smaller integers or dates")
    times = times.astype(np.int64, copy=False)
    if times.min(initial=FIRST_DATE) < FIRST_DATE or times.max(initial=FIRST_DATE) > LAST_DATE:
        return
    month, day = times // 100 % 100, times % 100
    if ((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all():
        wanted = f"{times[0] // 10000}-{month[0]:02}-{day[0]:02}"
        raise DataError(f"column ds of {name} has dates written as integers, such as {times[0]}: write {wanted}")


def read_text(ds: nw.Series[Any], name: str) -> nw.Series[Any]:
    """Time stamps written as text; each distinct text is read once."""
    texts = [str(value) for value in ds.to_list()]
    known = dict.fromkeys(texts)
    parsed = {text: parse_time(text, texts, name) for text in known}
    zones = {time.tzinfo for time in parsed.values()}
    if len(zones) > 1:
        raise DataError(f"column ds of {name} has time stamps with a time zone and without: give all one")
    backend = ds.implementation
    dates = backend.is_polars() and all(len(text.strip()) <= len("2024-01-31") for text in known)
    dtype = nw.Date() if dates else nw.Datetime("us", "UTC" if zones == {UTC} else None)
    return nw.new_series(
        "ds", [parsed[text].date() if dates else parsed[text] for text in texts], dtype, backend=backend
    )


def parse_time(text: str, texts: list[str], name: str) -> datetime:
    """Read year first, as ISO 8601 has it; other orders of day and month are ambiguous."""
    iso = text.strip().replace("/", "-")
    try:
        time = datetime.fromisoformat(f"{iso}-01" if len(iso) == len("2024-01") else iso)
        return time.astimezone(UTC) if time.tzinfo else time
    except (ValueError, OverflowError) as error:
        wanted = "a time stamp with the year first, such as 2024-01-31 or 2024-01-31 13:00"
        raise DataError(f"row {texts.index(text) + 1} of {name} has ds = {text!r}: give {wanted}") from error
