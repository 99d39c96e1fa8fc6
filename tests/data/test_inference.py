from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.frequency import Frequency
from grucast.data.inference import find_frequency

ALIASES = {
    "s": "s", "10s": "10s", "5min": "5min", "15min": "15min", "30min": "30min", "90min": "90min", "h": "h", "6h": "6h",
    "D": "D", "2D": "2D", "B": "B", "W": "W", "W-WED": "W", "7D": "W", "2W": "2W",
    "MS": "MS", "ME": "ME", "2MS": "2MS", "QS": "QS", "QE": "QE", "QS-FEB": "QS", "QE-NOV": "QE",
    "BMS": "BMS", "BME": "BME", "2BME": "2BME", "BQS": "BQS", "BQE": "BQE", "SMS": "SMS", "SME": "SME",
    "6MS": "6MS", "6ME": "6ME", "YS": "YS", "YE": "YE", "YS-APR": "YS", "YE-JUN": "YE", "YE-FEB": "YE", "2YS": "2Y",
}  # fmt: skip


def found(times, zone=""):
    return find_frequency(times, np.array([0, len(times)]), ["a"], zone)


def stamps(times):
    return np.asarray(times).astype("datetime64[us]")


@pytest.mark.parametrize("first", ["2023-01-31", "1959-10-30 17:30", "2096-02-29"])
@pytest.mark.parametrize("alias", ALIASES)
def test_pandas_ranges_are_recognised_and_continued(alias, first):
    times = stamps(pd.date_range(first, periods=60, freq=alias))
    seen = found(times[:30])
    assert seen.name == {"2YS": "24MS"}.get(alias, ALIASES[alias])
    np.testing.assert_array_equal(seen.times(times[0], np.arange(60)), times)
    np.testing.assert_array_equal(seen.positions(times, times[0]), np.arange(60))


@pytest.mark.parametrize("day", [1, 15, 28, 29, 30, 31])
@pytest.mark.parametrize("interval", ["1mo", "3mo", "6mo", "1y"])
def test_day_of_month_is_kept_and_clipped_in_short_months_as_polars_does(interval, day):
    first, last = datetime(2023, 1, day, 6), datetime(2053, 1, 1)
    step = int(interval[0]) * (12 if interval.endswith("y") else 1)
    months = pl.Series([first]).repeat_by(300).explode().dt.offset_by(pl.Series([f"{step * k}mo" for k in range(300)]))
    times = stamps(months.filter(months < last))
    for begin in range(4):  # also where a short month comes first
        seen = found(times[begin : begin + 14])
        np.testing.assert_array_equal(seen.times(times[begin], np.arange(len(times) - begin)), times[begin:])
        np.testing.assert_array_equal(seen.positions(times[begin:], times[begin]), np.arange(len(times) - begin))


@given(step=st.integers(1, 1000), start=st.integers(-(10**6), 10**6))
def test_integer_times_keep_their_step(step, start):
    seen = found(start + step * np.arange(5))
    assert seen == Frequency("integer", step)
    assert seen.times(np.int64(start), np.array([7]))[0] == start + 7 * step


def test_gaps_do_not_hide_the_frequency():
    hours = np.array([0, 1, 2, 5, 6, 7, 30, 31], "timedelta64[h]")
    times = np.datetime64("2024-01-01", "us") + hours
    assert found(times).name == "h"


@pytest.mark.parametrize(
    ("alias", "seasons"),
    [("h", (24, 168)), ("30min", (48, 336)), ("D", (7,)), ("7D", (52,)), ("MS", (12,)), ("QE", (4,)), ("YS", ()),
     ("B", (5,)), ("6MS", (2,)), ("BME", (12,)), ("SMS", (24,))],
)  # fmt: skip
def test_seasons_are_the_usual_ones(alias, seasons):
    assert found(stamps(pd.date_range("2024-01-01", periods=12, freq=alias))).seasons == seasons


@pytest.mark.parametrize(("days", "name"), [(12, "B"), (7, "D")])
def test_business_days_need_two_weekends_to_show(days, name):
    assert found(stamps(pd.bdate_range("2024-01-01", periods=days))).name == name


def test_one_saturday_makes_business_days_daily():
    times = pd.bdate_range("2024-01-01", periods=60).union([pd.Timestamp("2024-02-03")])
    assert found(stamps(times)).name == "D"
