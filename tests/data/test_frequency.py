import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.frequency import Frequency, infer_frequency

ALIASES = {
    "s": "s", "5min": "5min", "30min": "30min", "h": "h", "6h": "6h", "D": "D", "7D": "W", "2W": "2W",
    "MS": "MS", "ME": "ME", "QS": "QS", "QE": "QE", "YS": "YS", "YE": "YE", "2MS": "2MS",
}  # fmt: skip


@pytest.mark.parametrize("alias", ALIASES)
def test_pandas_ranges_are_recognised_and_continued(alias):
    times = pd.date_range("2023-01-31 00:00", periods=40, freq=alias).to_numpy().astype("datetime64[us]")
    seen = infer_frequency(times[:30])
    assert seen.name == ALIASES[alias]
    np.testing.assert_array_equal(seen.times(times[0], np.arange(40)), times)
    np.testing.assert_array_equal(seen.positions(times, times[0]), np.arange(40))


@given(step=st.integers(1, 1000), start=st.integers(-(10**6), 10**6))
def test_integer_times_keep_their_step(step, start):
    seen = infer_frequency(start + step * np.arange(5))
    assert seen == Frequency("integer", step)
    assert seen.times(np.int64(start), np.array([7]))[0] == start + 7 * step


def test_gaps_do_not_hide_the_frequency():
    hours = np.array([0, 1, 2, 5, 6, 7, 30, 31], "timedelta64[h]")
    times = np.datetime64("2024-01-01", "us") + hours
    assert infer_frequency(times).name == "h"


def test_time_off_the_grid_has_a_fractional_position():
    hourly = Frequency("duration", 3600 * 10**6)
    start = np.datetime64("2024-01-01", "us")
    assert hourly.positions(start + np.timedelta64(90, "m"), start) == 1.5


def test_other_day_of_month_has_a_fractional_position():
    monthly, start = Frequency("month", 1), np.datetime64("2024-01-01", "us")
    assert monthly.positions(np.array(["2024-02-02"], "datetime64[us]"), start) % 1 == 0.5


@pytest.mark.parametrize(
    ("alias", "seasons"),
    [("h", (24, 168)), ("30min", (48, 336)), ("D", (7,)), ("7D", (52,)), ("MS", (12,)), ("QE", (4,)), ("YS", ())],
)
def test_seasons_are_the_usual_ones(alias, seasons):
    times = pd.date_range("2024-01-01", periods=9, freq=alias).to_numpy().astype("datetime64[us]")
    assert infer_frequency(times).seasons == seasons


def test_integer_times_have_no_season():
    assert Frequency("integer", 1).seasons == ()
