from datetime import timedelta, timezone

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from dateutil import tz

from grucast import read
from grucast.data.panel import make_panel
from grucast.data.reading.origin import Origin
from grucast.data.reading.stamping import stamp
from grucast.errors import DataError

HERE = Origin(("f.csv",))


def stamps(columns, time, library=pl.DataFrame):
    return stamp(nw.from_native(library(columns), eager_only=True), time, HERE, None).stamps


@pytest.mark.parametrize("library", [pl.DataFrame, pd.DataFrame])
def test_year_month_day_hour_and_minute_make_a_time(library):
    times = pd.date_range("2023-12-31 20:00", periods=40, freq="15min")
    columns = {
        "year": times.year,
        "month": times.month_name(),
        "day": times.day,
        "hour": times.hour,
        "minute": times.minute,
    }
    got = stamps({name: list(values) for name, values in columns.items()}, list(columns), library)
    assert (got.times == times.to_numpy()).all()


def test_a_day_that_does_not_exist_is_named():
    with pytest.raises(DataError, match=r"row 2 of f\.csv has year = 2023, mm = 2, dd = 30: there is no such time"):
        stamps({"year": [2023, 2023], "mm": [2, 2], "dd": [28, 30]}, ["year", "mm", "dd"])


@pytest.mark.parametrize(("clock", "wanted"), [("25:00", "not a time of day"), ("noon", "not a time of day")])
def test_a_clock_that_does_not_exist_is_named(clock, wanted):
    with pytest.raises(DataError, match=rf"row 2 of f\.csv has t = '{clock}', .*{wanted}"):
        stamps({"d": ["2024-01-01"] * 2, "t": ["06:00", clock]}, ["d", "t"])


def test_a_row_without_a_time_is_named():
    with pytest.raises(DataError, match=r"row 2 of f\.csv has no d \(1 such rows\)"):
        stamps({"d": ["2024-01-01", None]}, ["d"])


def test_floats_that_are_integers_are_read_as_such():
    assert str(stamps({"d": [202401.0, 202412.0, 202501.0]}, ["d"]).times[0])[:10] == "2024-01-01"


def test_periods_are_their_starts():
    periods = pd.period_range("2024-01", periods=3, freq="M")
    assert str(stamps({"d": periods}, ["d"], pd.DataFrame).times[1])[:10] == "2024-02-01"


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", tz.gettz("Europe/Berlin"), timezone(timedelta(hours=1), "own")], ids=str
)
@pytest.mark.parametrize("alias", ["h", "D"])
def test_objects_that_are_time_stamps_of_one_zone_keep_it(alias, zone):
    times = pd.date_range("2024-03-20", periods=30, freq=alias, tz=zone)
    frame = pd.DataFrame({"ds": pd.Series(list(times), dtype=object), "y": 1.0})
    got = read(frame)["ds"]
    assert got.tolist() == times.tolist()
    assert got.dt.strftime("%H:%M").tolist() == times.strftime("%H:%M").tolist()


def test_objects_of_several_offsets_ask_for_their_zone():
    days = pd.date_range("2024-03-20", periods=30, tz="Europe/Berlin")
    offsets = [day.to_pydatetime().replace(tzinfo=timezone(day.utcoffset())) for day in days]
    frame = pd.DataFrame({"ds": pd.Series(offsets, dtype=object), "y": 1.0})
    with pytest.raises(DataError, match="give their time zone with time_zone="):
        make_panel(read(frame))
    assert read(frame, time_zone="Europe/Berlin")["ds"].tolist() == days.tolist()
