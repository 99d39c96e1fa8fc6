from datetime import date, datetime

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast.errors import ConfigError
from grucast.plotting.lines import Line, choose, lines_of, short, wall


def lines(frame, *names):
    return lines_of(nw.from_native(frame, eager_only=True), names)


def test_a_gap_is_a_break():
    days = pd.date_range("2024-01-01", periods=30).delete([10, 11, 20])
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": 1.0})
    line = lines(frame, "a")["a"]
    assert (line.times == pd.date_range("2024-01-01", periods=30).to_numpy()).all()
    assert np.flatnonzero(np.isnan(line.values)).tolist() == [10, 11, 20]


def test_weekends_are_no_gap_of_business_days():
    frame = pd.DataFrame({"unique_id": "a", "ds": pd.bdate_range("2024-01-01", periods=30), "y": 1.0})
    assert not np.isnan(lines(frame, "a")["a"].values).any()


def test_points_between_gaps_are_lone():
    line = Line(np.arange(7), np.array([1, np.nan, 2, 3, np.nan, np.nan, 4]))
    assert line.lone.times.tolist() == [0, 6]
    assert Line(np.arange(1), np.ones(1)).lone.times.tolist() == [0]
    assert line.end.values.tolist() == [4]
    assert line.until(4).end.times.tolist() == [3]
    assert line.last(2).times.tolist() == [5, 6]
    assert not len(Line(np.arange(2), np.full(2, np.nan)).end.times)


def test_summary_has_the_least_mean_and_largest_of_each_part(rng):
    values = rng.normal(size=103)
    values[[3, *range(20, 30)]] = np.nan
    low, mean, high = Line(np.arange(103), values).summary(10)
    parts = [pd.Series(values[k : k + 10]) for k in range(0, 103, 10)]
    np.testing.assert_allclose(low.values, [part.min() for part in parts])
    np.testing.assert_allclose(mean.values, [part.mean() for part in parts])
    np.testing.assert_allclose(high.values, [part.max() for part in parts])
    assert mean.times.tolist()[:2] == [5, 15]
    assert len(mean.times) == len(mean.values) == 11


@pytest.mark.parametrize("count", [1, 9, 10, 11, 14, 15, 16, 19])
def test_summary_of_any_length_has_a_time_for_each_part(count):
    low, *_ = Line(np.arange(count), np.ones(count)).summary(10)
    assert len(low.times) == len(low.values)


def test_what_has_no_frequency_is_drawn_as_it_is():
    frame = pl.DataFrame(
        {"unique_id": ["a", "b", "b"], "ds": [date(2024, 1, 1)] * 3, "y": [1.0, None, 2.0]},
    )
    found = lines(frame, "a", "b")
    assert found["a"].values.tolist() == [1.0]
    assert len(found["b"].times) == 2


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_zoned_time_stamps_are_drawn_as_clocks_show_them(library):
    hours = pl.datetime_range(datetime(2024, 7, 1), datetime(2024, 7, 2), "1h", eager=True, time_zone="UTC")
    frame = pl.DataFrame({"unique_id": "a", "ds": hours.dt.convert_time_zone("America/New_York"), "y": 1.0})
    frame = frame.to_pandas() if library == "pandas" else frame
    line = lines(frame, "a")["a"]
    assert line.times[0] == np.datetime64("2024-06-30T20:00")
    assert (wall(nw.from_native(frame, eager_only=True)["ds"]) == line.times).all()


def test_series_are_chosen_by_name_in_the_order_given():
    assert choose(["a", "b", 3], ["3", "a", "a"]) == [3, "a"]
    assert choose(["a", "b"], "b") == ["b"]
    assert choose(range(9), None) == [0, 1, 2, 3]


def test_unknown_series_is_refused_with_some_that_are_there():
    with pytest.raises(ConfigError, match=r"no series 'c' to draw: there are 0, 1, .*, 7, \.\.\."):
        choose(range(9), ["1", "c"])
    with pytest.raises(ConfigError, match="51 series are named"):
        choose(range(60), range(51))
    with pytest.raises(ConfigError, match="0 series are named"):
        choose("ab", [])


def test_long_names_are_cut():
    assert short("a" * 48) == "a" * 48
    assert short("a" * 49) == "a" * 47 + "…"
