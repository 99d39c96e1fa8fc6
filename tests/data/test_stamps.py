from datetime import UTC, date, datetime, timedelta

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import read
from grucast.data.stamps import read_iso, to_times, zone_of
from grucast.errors import DataError


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2024/01/31", datetime(2024, 1, 31)),
        ("2024-01", datetime(2024, 1, 1)),
        ("2024-01-31 13:00", datetime(2024, 1, 31, 13)),
        ("2024-01-31T13:00:05", datetime(2024, 1, 31, 13, 0, 5)),
    ],
)
def test_iso_text_is_read_as_time(library, text, wanted):
    got = nw.from_native(read(library({"ds": [text], "y": [1.0]})))["ds"][0]
    assert datetime.fromisoformat(str(got)) == wanted


def test_dates_without_hours_stay_dates():
    assert read(pl.DataFrame({"ds": ["2024-01-31"], "y": [1.0]}))["ds"].to_list() == [date(2024, 1, 31)]


def test_zoned_text_is_read_as_utc():
    got = read(pl.DataFrame({"ds": ["2024-01-01T02:00+02:00"], "y": [1.0]}))
    assert str(got["ds"][0]) == "2024-01-01 00:00:00+00:00"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC", None])
@pytest.mark.parametrize("library", [pd.Series, pl.Series])
def test_zoned_time_stamps_become_utc(zone, library):
    utc = np.arange("2024-03-30", "2024-04-01", dtype="datetime64[h]").astype("datetime64[us]")
    if library is pd.Series:
        ds = pd.Series(utc).dt.tz_localize(zone and "UTC").dt.tz_convert(zone) if zone else pd.Series(utc)
    else:
        ds = pl.Series(utc).dt.replace_time_zone("UTC").dt.convert_time_zone(zone) if zone else pl.Series(utc)
    series = nw.from_native(ds, series_only=True)
    np.testing.assert_array_equal(to_times(series), utc)
    assert zone_of(series) == (zone if zone and zone != "UTC" else "")


def test_nanoseconds_that_are_whole_microseconds_are_kept_and_others_refused():
    whole = nw.from_native(pd.Series(np.array([0, 5000], "datetime64[ns]")), series_only=True)
    assert to_times(whole).astype(int).tolist() == [0, 5]
    with pytest.raises(DataError, match="finer than a microsecond"):
        to_times(nw.from_native(pd.Series(np.array([0, 5001], "datetime64[ns]")), series_only=True))


def test_offsets_on_both_sides_of_a_change_are_one_line_of_instants():
    texts = ["2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00", "2024-10-27T03:30+01:00"]
    times = read(pl.DataFrame({"ds": texts, "y": [1.0, 2.0, 3.0]}))["ds"]
    assert times.diff().to_list()[1:] == [timedelta(hours=1)] * 2


@pytest.mark.parametrize("dtype", [pl.Int128, pl.UInt128])
def test_integers_wider_than_numpy_has_are_read_or_refused(dtype):
    def times(*values):
        return read(pl.DataFrame({"ds": pl.Series(values, dtype=dtype), "y": 1.0}))["ds"].to_list()

    assert times(1, 2**62) == [1, 2**62]
    assert times(20240131, 20240201) == [date(2024, 1, 31), date(2024, 2, 1)]
    with pytest.raises(DataError, match=f"row 2 of the frame has ds = {2**100}, beyond"):
        times(1, 2**100)


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"])
def test_iso_is_read_as_python_reads_it(written, rng):
    texts = [datetime.fromtimestamp(s, UTC).strftime(written) for s in rng.uniform(-3e10, 2.5e11, 50)]
    assert read_iso(texts).tolist() == [datetime.fromisoformat(text) for text in texts]


@pytest.mark.parametrize(
    "wrong",
    [
        *("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10", "0000-01-01", "2024/02/01", "2024-2-001"),
        *(
            "2024-02-1 ",
            "2024-02-0\0",
            "2024-02-0\u0661",
            "+024-02-01",
            "NaT       ",
            "20240201  ",
            "2024-W05-1",
            "2024-1",
            "",
        ),
    ],
)
def test_what_is_no_day_of_iso_is_left_to_reading(wrong):
    assert read_iso(["2024-01-31", wrong]) is None
    assert read_iso([wrong]) is None


@pytest.mark.parametrize("wrong", ["2024-01-31 24:00", "2024-01-31 10:60", "2024-01-31x10:00", "2024-01-31 10.00"])
def test_what_is_no_minute_of_iso_is_left_to_reading(wrong):
    assert read_iso(["2024-01-31 10:00", wrong]) is None
