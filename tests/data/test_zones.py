import numpy as np
import pandas as pd
import pytest

from grucast.data.zones import clock_changes, to_local, to_utc
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


def test_clocks_of_berlin_change_on_the_last_sundays_of_march_and_october():
    changes, offsets = clock_changes(
        "Europe/Berlin", *(int(np.datetime64(d, "D").astype(int)) for d in ("2024-01-01", "2027-12-31"))
    )
    wanted = [
        "2024-03-31",
        "2024-10-27",
        "2025-03-30",
        "2025-10-26",
        "2026-03-29",
        "2026-10-25",
        "2027-03-28",
        "2027-10-31",
    ]
    np.testing.assert_array_equal(changes, np.array([f"{day}T01:00" for day in wanted], "datetime64[us]"))
    assert (offsets / np.timedelta64(1, "h")).tolist() == [1.0, 2.0] * 4 + [1.0]


def test_fixed_offsets_are_zones():
    assert to_local(np.array(["2024-01-01"], "datetime64[us]"), "UTC+02:30")[0] == np.datetime64("2024-01-01T02:30")


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "UTC+99:99", "tzfile"])
def test_unknown_zone_is_refused(name):
    with pytest.raises(DataError, match="time zone"):
        to_local(np.array(["2024-01-01"], "datetime64[us]"), name)
