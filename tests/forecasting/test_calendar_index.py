"""Time stamps of forecasts over changes of clocks, leap days and ends of months: exact, in any library."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import GRUForecaster, load
from tests.conftest import TINY

CHANGES = {  # local days on which clocks change
    "Europe/Berlin": "2024-03-31 2024-10-27 2025-03-30 2025-10-26 2026-03-29 2026-10-25 2027-03-28 2027-10-31",
    "America/New_York": "2024-03-10 2024-11-03 2025-03-09 2025-11-02 2026-03-08 2026-11-01 2027-03-14 2027-11-07",
    "Australia/Lord_Howe": "2024-04-07 2024-10-06 2025-04-06 2025-10-05 2026-04-05 2026-10-04 2027-04-04 2027-10-03",
}
TABLE = [(zone, day) for zone, days in CHANGES.items() for day in days.split()]


@pytest.fixture(scope="module")
def models():
    """A forecaster for each frequency."""
    first = {
        "h": "2024-01-01",
        "D": pd.Timestamp("2024-01-01", tz="Europe/Berlin"),
        "ME": "2019-01-31",
        "MS": "2019-01-01",
    }
    return {
        alias: GRUForecaster(h=48 if alias == "h" else 4, input_size=12, season_length=4, **TINY).fit(
            frame(pd.date_range(start, periods=60, freq=alias))
        )
        for alias, start in first.items()
    }


def frame(times):
    return pd.DataFrame({"unique_id": "a", "ds": times, "y": 10 + np.sin(np.arange(len(times)))})


@pytest.mark.parametrize(("zone", "day"), TABLE)
def test_table_names_days_of_another_length(zone, day):
    midnights = pd.date_range(day, periods=2, tz=zone)
    assert midnights[1] - midnights[0] != pd.Timedelta("24h")


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("alias", ["h", "D"])
@pytest.mark.parametrize(("zone", "day"), TABLE)
def test_forecast_passes_a_change_of_clocks_exactly(models, zone, day, alias, library):
    h = models[alias].h
    before = pd.Timestamp(day) - pd.Timedelta(days=31)
    times = pd.date_range(before, periods=31 * 24 + h if alias == "h" else 30 + h, freq=alias, tz=zone)
    history = frame(times[:-h])
    if library is pl.DataFrame:
        history = pl.DataFrame(history.to_dict("list")).with_columns(pl.col("ds").dt.convert_time_zone(zone))
    assert times[-h - 1] < pd.Timestamp(day, tz=zone) < times[-2]
    got, wanted = models[alias].predict(history)["ds"], pd.Series(times[-h:])
    if library is pl.DataFrame:
        assert got.dtype.time_zone == zone
        assert got.to_list() == wanted.to_list()
    else:
        assert str(got.dt.tz) == zone
        assert (got == wanted).all()


ENDS = {
    "leap day": ("D", "2024-02-26", "2024-02-27 2024-02-28 2024-02-29 2024-03-01"),
    "leap day just observed": ("D", "2024-02-29", "2024-03-01 2024-03-02 2024-03-03 2024-03-04"),
    "no leap day": ("D", "2025-02-26", "2025-02-27 2025-02-28 2025-03-01 2025-03-02"),
    "no leap day in 2100": ("D", "2100-02-26", "2100-02-27 2100-02-28 2100-03-01 2100-03-02"),
    "end of a year": ("D", "2026-12-30", "2026-12-31 2027-01-01 2027-01-02 2027-01-03"),
    "ends of months in a leap year": ("ME", "2023-12-31", "2024-01-31 2024-02-29 2024-03-31 2024-04-30"),
    "ends of months": ("ME", "2024-12-31", "2025-01-31 2025-02-28 2025-03-31 2025-04-30"),
    "ends of months after a leap day": ("ME", "2024-02-29", "2024-03-31 2024-04-30 2024-05-31 2024-06-30"),
    "first days of months": ("MS", "2024-01-01", "2024-02-01 2024-03-01 2024-04-01 2024-05-01"),
}


@pytest.mark.parametrize("name", ENDS)
def test_forecast_passes_leap_days_and_ends_of_months_exactly(models, name):
    alias, last, wanted = ENDS[name]
    got = models[alias].predict(frame(pd.date_range(end=last, periods=30, freq=alias)))["ds"]
    assert got.to_list() == [pd.Timestamp(day) for day in wanted.split()]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_forecast_stream_and_saved_model_keep_to_opening_hours(tmp_path, zone):
    hours = pd.offsets.CustomBusinessHour(start="09:00", end="17:00", weekmask="Mon Tue Wed Thu Fri Sat")
    times = pd.date_range("2024-03-04", periods=180, freq=hours).tz_localize(zone)  # clocks change on the 31st
    history, wanted = frame(times[:-20]), list(times[-20:])
    fitted = GRUForecaster(h=20, **TINY).fit(history)
    assert fitted.predict()["ds"].to_list() == wanted
    fitted.save(tmp_path / "m.safetensors")
    stream = load(tmp_path / "m.safetensors").stream()
    assert stream.update_many(history)["ds"].to_list() == wanted
    stream.save(tmp_path / "s.safetensors")
    stream.load(tmp_path / "s.safetensors")
    after = stream.update({"unique_id": "a", "ds": wanted[0].to_pydatetime(), "y": 10.0})["ds"]
    assert after[:19].tolist() == [time.tz_convert(None) if zone else time for time in wanted[1:]]
