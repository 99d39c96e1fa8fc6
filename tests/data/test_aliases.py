import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast.data.aliases import parse_frequency
from grucast.data.frequency import Frequency
from grucast.data.panel import make_panel
from grucast.errors import ConfigError, DataError

NOW = {  # aliases that pandas had until its version 2.2, or that polars has, and what pandas calls them now
    "S": "s", "T": "min", "1m": "min", "15m": "15min", "30T": "30min", "H": "h", "1h": "h", "1d": "D", "d": "D",
    "1w": "W-MON", "1W": "W-MON", "w-fri": "W-FRI", "M": "ME", "1mo": "MS", "Q": "QE", "1q": "QS",
    "Y": "YE", "A": "YE", "y": "YE", "AS": "YS", "1y": "YS", "BM": "BME", "SM": "SME", "qs-feb": "QS-FEB",
}  # fmt: skip
SAME = [
    "s", "10s", "min", "15min", "h", "6h", "D", "2D", "B", "W", "2W", "W-SUN", "W-WED", "W-SAT", "MS", "ME", "2MS",
    "QS", "QE", "QS-FEB", "QE-NOV", "YS", "YE", "YS-APR", "YE-JUN", "BMS", "BME", "2BME", "SMS", "SME",
]  # fmt: skip
ALIASES = {**{alias: alias for alias in SAME}, **NOW}


def frame(times):
    return pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0})


@pytest.mark.parametrize("first", ["2023-01-31 17:30", "1959-10-30", "2096-02-29"])
@pytest.mark.parametrize("alias", ALIASES)
def test_stamps_that_pandas_makes_lie_on_the_grid_of_their_alias(alias, first):
    times = pd.date_range(first, periods=60, freq=ALIASES[alias]).to_numpy().astype("datetime64[us]")
    frequency = parse_frequency(alias)
    np.testing.assert_array_equal(frequency.positions(times, times[0]), np.arange(60))
    np.testing.assert_array_equal(frequency.times(times[0], np.arange(60)), times)
    panel = make_panel(frame(times), frequency)
    assert len(panel.values) == 60
    assert type(panel.frequency) is Frequency  # what a model keeps binds no other data


@pytest.mark.parametrize(
    ("count", "unit"), [(1, "m"), (15, "m"), (1, "h"), (1, "d"), (1, "w"), (1, "mo"), (2, "mo"), (1, "q"), (1, "y")]
)
def test_stamps_that_polars_makes_lie_on_the_grid_of_their_interval(count, unit):
    start = pd.Timestamp("2024-01-15 06:00").to_pydatetime()
    times = pl.Series([start] * 30).dt.offset_by(pl.Series([f"{count * k}{unit}" for k in range(30)]))
    times = times.to_numpy().astype("datetime64[us]")
    np.testing.assert_array_equal(parse_frequency(f"{count}{unit}").times(times[0], np.arange(30)), times)


def test_whole_number_counts_integers():
    assert parse_frequency("10") == Frequency("integer", 10)


@pytest.mark.parametrize("text", ["m", "ms", "0", "-1D", "2B", "2SMS", "W-FOO", "MS-FEB", "1h30min", "fortnightly", ""])
def test_other_text_is_refused_with_what_is_taken(text):
    with pytest.raises(ConfigError, match=r"freq \(--freq\) = .*give one of s, min, h, D, W"):
        parse_frequency(text)


@pytest.mark.parametrize(
    ("alias", "stamped", "wanted"),
    [
        ("W-FRI", "W-THU", "2024-01-04, which is not a Friday"),
        ("ME", "MS", "2024-01-01, which is not a month end"),
        ("MS", "ME", "2024-01-31, which is not a month start"),
        ("QE", "QS", "2024-01-01, which is not a quarter end"),
        ("QS-FEB", "QS", "2024-01-01, which is in none of the months"),
        ("YS-APR", "YS", "2024-01-01, which is in none of the months"),
        ("BME", "ME", "2024-03-31, which is not a month end on a business day"),
        ("SMS", "SME", "2024-01-31, which is not on the 1st or 15th of a month"),
        ("B", "D", "2024-01-06 00:00:00 is not a whole number of steps of B"),
    ],
)
def test_stamps_elsewhere_than_stated_are_named(alias, stamped, wanted):
    with pytest.raises(DataError, match=wanted):
        make_panel(frame(pd.date_range("2024-01-01", periods=12, freq=stamped)), parse_frequency(alias))


@pytest.mark.parametrize("alias", ["M", "1mo"])
@pytest.mark.parametrize("stamped", ["MS", "ME"])
def test_months_without_a_day_take_any(alias, stamped):
    panel = make_panel(frame(pd.date_range("2024-01-01", periods=12, freq=stamped)), parse_frequency(alias))
    assert (panel.frequency.name, panel.missing) == (stamped, 0)


def test_stated_step_is_kept_where_the_data_would_show_another():
    weekly = frame(pd.date_range("2024-01-01", periods=9, freq="W"))
    assert (
        make_panel(weekly, parse_frequency("D"), any_gaps=True).frequency.name,
        make_panel(weekly).frequency.name,
    ) == ("D", "W")


def test_steps_of_time_do_not_count_integers():
    with pytest.raises(DataError, match="the frequency D counts time, but ds holds integers, such as 2001"):
        make_panel(frame([2001, 2002, 2003]), parse_frequency("D"))
    with pytest.raises(DataError, match="the frequency 10 counts integers, but ds holds dates, such as 2024-01-01"):
        make_panel(frame(pd.date_range("2024-01-01", periods=3)), parse_frequency("10"))
