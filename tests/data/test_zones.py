from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from dateutil import tz

from grucast import read
from grucast.data import zones
from grucast.data.panel import make_panel
from grucast.data.zones import changes_around, find_zone, name_of, to_local, to_utc
from grucast.errors import DataError

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]


@pytest.mark.parametrize("zone", ZONES)
def test_local_time_is_that_of_pandas_over_a_century(zone):
    utc = pd.date_range("1951-01-01", "2051-01-01", freq="307min", tz="UTC")
    local = to_local(utc.tz_localize(None).to_numpy().astype("datetime64[us]"), zone)
    np.testing.assert_array_equal(local, utc.tz_convert(zone).tz_localize(None).to_numpy())


@pytest.mark.parametrize("zone", ZONES)
def test_utc_of_local_time_is_that_of_pandas(zone):
    local = pd.date_range("2024-01-01", "2026-01-01", freq="15min")
    wanted = local.tz_localize(zone, ambiguous=np.ones(len(local), bool), nonexistent="NaT").tz_convert(None).to_numpy()
    got = to_utc(local.to_numpy().astype("datetime64[us]"), zone)
    np.testing.assert_array_equal(got[~np.isnat(wanted)], wanted[~np.isnat(wanted)])


def test_a_change_soon_after_a_time_is_seen_whatever_the_block_of_days():
    local = np.array(["2010-03-11T00:00"], "M8[us]")
    expected = pd.Series(local).dt.tz_localize("Antarctica/Davis").dt.tz_convert("UTC").dt.tz_localize(None)
    assert (to_utc(local, "Antarctica/Davis") == expected.to_numpy()).all()


def test_clocks_of_berlin_change_on_the_last_sundays_of_march_and_october():
    changes, offsets = changes_around(np.arange("2024-01-01", "2028-01-01", dtype="datetime64[D]"), "Europe/Berlin")
    march = ["2024-03-31", "2025-03-30", "2026-03-29", "2027-03-28"]
    october = ["2024-10-27", "2025-10-26", "2026-10-25", "2027-10-31"]
    wanted = sorted(f"{day}T01:00" for day in (*march, *october))
    assert (changes[:8] == np.array(wanted, "datetime64[us]")).all()
    assert (offsets[:9] / np.timedelta64(1, "h")).tolist() == [1.0, 2.0] * 4 + [1.0]


@pytest.mark.parametrize("zone", ZONES)
def test_times_millennia_apart_are_read_without_those_between(zone):
    years, months = (2, 1492, 1900, 2024, 2501, 9998), (1, 3, 7, 11)
    times = [datetime(year, month, 7, 12, tzinfo=UTC) for year in years for month in months]
    stamps = np.array([time.replace(tzinfo=None) for time in times], "datetime64[us]")
    wanted = [time.astimezone(ZoneInfo(zone)) for time in times]
    np.testing.assert_array_equal(to_local(stamps, zone), np.array([t.replace(tzinfo=None) for t in wanted], "M8[us]"))
    np.testing.assert_array_equal(to_utc(to_local(stamps, zone), zone), stamps)


@pytest.fixture
def asked(monkeypatch):
    """The seconds about which the time zone database is asked."""
    seconds = []
    monkeypatch.setattr(zones, "offset_at", lambda second, _: seconds.append(second) or 3600)
    yield seconds
    zones.clock_changes.cache_clear()
    zones.changes_within.cache_clear()


def test_zone_database_is_asked_only_near_the_times_and_once(asked):
    times = np.array(["0002-05-05", "2024-01-01", "9998-05-05"], "datetime64[us]")
    to_local(times, "Europe/Vaduz")
    assert len(asked) < 500
    to_local(np.arange("2100", "9999", dtype="datetime64[D]").astype("datetime64[us]"), "Europe/Vaduz")
    assert len(asked) < 200_000  # a question a day of four centuries
    count = len(asked)
    to_local(times, "Europe/Vaduz")
    assert len(asked) == count


def test_fixed_offsets_are_zones():
    assert to_local(np.array(["2024-01-01"], "datetime64[us]"), "UTC+02:30")[0] == np.datetime64("2024-01-01T02:30")


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "UTC+99:99", "tzfile"])
def test_unknown_zone_is_refused(name):
    with pytest.raises(DataError, match="time zone"):
        to_local(np.array(["2024-01-01"], "datetime64[us]"), name)


class Pytz(tzinfo):
    """A zone as pytz has it."""

    zone = "Europe/Berlin"


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (UTC, "UTC"),
        (timezone(timedelta(0), "Z"), "UTC"),
        (timezone(timedelta(hours=1)), "UTC+01:00"),
        (timezone(timedelta(hours=1), "CET"), "UTC+01:00"),
        (timezone(-timedelta(hours=3, minutes=30), "Newfoundland"), "UTC-03:30"),
        (tz.tzutc(), "UTC"),
        (tz.tzoffset("CET", 3600), "UTC+01:00"),
        (tz.gettz("Europe/Berlin"), "Europe/Berlin"),
        (ZoneInfo("Europe/Berlin"), "Europe/Berlin"),
        (Pytz(), "Europe/Berlin"),
        ("+01:00", "+01:00"),
    ],
)
def test_zone_of_any_library_has_a_name_by_which_it_is_found(zone, name):
    assert name_of(zone) == name
    assert find_zone(name)


@pytest.mark.parametrize("freq", ["h", "D", "B", "MS"])
@pytest.mark.parametrize(
    "zone",
    [tz.tzutc(), tz.tzoffset(None, 3600), tz.gettz("Europe/Berlin"), timezone(timedelta(hours=1), "CET")],
    ids=str,
)
def test_series_of_any_zone_are_continued_as_pandas_does(zone, freq):
    times = pd.date_range("2024-03-01", periods=42, freq=freq, tz=zone)
    frame = pd.DataFrame({"unique_id": "a", "ds": times[:40], "y": 1.0})
    panel = make_panel(frame)
    np.testing.assert_array_equal(panel.times(np.array([1, 2]))[0], times[40:].tz_convert(None).to_numpy())


def test_steps_are_filled_in_any_zone():
    times = pd.date_range("2024-03-01", periods=40, freq="D", tz=timezone(timedelta(hours=1), "own"))
    frame = pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0})
    assert read(frame.drop(index=[5, 6]), fill=0)["ds"].tolist() == times.tolist()
