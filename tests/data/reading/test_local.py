import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import read
from grucast.data.reading.local import to_utc_in_order
from grucast.errors import DataError

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("backward", [False, True])
def test_half_hours_of_two_years_come_back_from_what_the_clocks_show(zone, backward):
    utc = pd.date_range("2019-01-01", "2020-12-31", freq="30min", tz="UTC")
    local = utc.tz_convert(zone).tz_localize(None).to_numpy().astype("M8[us]")
    order = slice(None, None, -1) if backward else slice(None)
    resolved = to_utc_in_order(local[order], np.zeros(len(local), np.int64), zone)
    np.testing.assert_array_equal(resolved.instants, utc.tz_localize(None).to_numpy().astype("M8[us]")[order])
    assert resolved.extra.size == 0


def test_each_series_has_its_own_repeated_hour():
    night = np.array(["2019-10-27T02:00", "2019-10-27T02:00"] * 2, "M8[us]")
    resolved = to_utc_in_order(night, np.array([0, 0, 1, 1]), "Europe/Berlin")
    assert (np.diff(resolved.instants.reshape(2, 2)) == np.timedelta64(1, "h")).all()


def clock(day, first=0, last=23):
    return [f"{day} {hour:02}:00" for hour in range(first, last + 1)]


def test_an_hour_that_clocks_show_twice_needs_its_zone_and_is_then_resolved():
    frame = pl.DataFrame({"Ortszeit": [*clock("2019-10-27", 0, 2), *clock("2019-10-27", 2, 9)], "kWh": 1.5})
    with pytest.raises(DataError, match=r"2019-10-27 02:00.*time.zone"):
        read(frame)
    got = read(frame, time_zone="Europe/Berlin")
    assert str(got.schema["ds"]) == "Datetime(time_unit='us', time_zone='Europe/Berlin')"
    assert got["ds"].dt.convert_time_zone("UTC").diff().drop_nulls().unique().to_list() == [pd.Timedelta("1h")]


def test_an_hour_that_clocks_skip_is_left_out_if_it_has_no_value():
    frame = pl.DataFrame({"t": clock("2019-03-31"), "y": [1.0, 2, None, *range(21)]})
    assert len(read(frame, time_zone="Europe/Berlin")) == 23
    with pytest.raises(DataError, match=r"row 3 .* clocks skip"):
        read(frame.with_columns(y=1.0), time_zone="Europe/Berlin")


def test_instants_become_local_months():
    months = pd.date_range("2018-10-01", periods=18, freq="MS", tz="Europe/Berlin").tz_convert("UTC")
    got = read(
        pl.DataFrame({"m": [f"{month:%Y-%m-%dT%H:%M:%SZ}" for month in months], "y": range(18)}),
        time_zone="Europe/Berlin",
    )
    assert got["ds"].dt.day().unique().to_list() == [1]


def test_a_zone_that_is_not_known_is_refused():
    with pytest.raises(DataError, match="Mars/Base"):
        read(pl.DataFrame({"t": clock("2019-03-31"), "y": 1.0}), time_zone="Mars/Base")


def test_shops_are_told_apart_in_the_night_when_clocks_go_back():
    times = [*clock("2019-10-26"), *clock("2019-10-27", 0, 2), *clock("2019-10-27", 2, 23)]
    frame = pl.DataFrame({"t": times * 2, "shop": ["a"] * 49 + ["b"] * 49, "sold": [k * 1.5 for k in range(98)]})
    got = read(frame, time_zone="Europe/Berlin")
    assert got.group_by("unique_id").len().sort("unique_id").rows() == [("a", 49), ("b", 49)]
    assert got.select("unique_id", "ds").is_unique().all()
