import sys
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.panel import make_panel
from grucast.errors import ConfigError, MissingExtraError
from grucast.forecasting.baselines import check_baselines, drift, make_baselines, naive, seasonal_naive


def panel(*series):
    frames = [
        pl.DataFrame({"unique_id": str(name), "ds": range(len(y)), "y": y}, schema_overrides={"y": pl.Float64})
        for name, y in enumerate(series)
    ]
    return make_panel(pl.concat(frames))


@pytest.mark.parametrize("season", [1, 2, 5])
def test_forecast_repeats_the_last_season(season, rng):
    y = rng.normal(size=20)
    wanted = [y[20 - season + k % season] for k in range(7)]
    assert seasonal_naive(panel(y), season, 7)[0].tolist() == wanted


def test_missing_value_is_taken_from_the_season_before():
    y = [1.0, 2.0, 3.0, 4.0, 5.0, None]
    assert seasonal_naive(panel(y), 2, 3)[0].tolist() == [5, 4, 5]


def test_series_shorter_than_a_season_has_no_forecast():
    assert np.isnan(seasonal_naive(panel([1.0, 2.0, 3.0]), 7, 2)).all()


def test_naive_repeats_each_series_last_observed_value():
    assert naive(panel([1, 2, 3], [4, 5, None], [6, 7, 8]), 2).tolist() == [[3, 3], [5, 5], [8, 8]]


def test_drift_continues_the_line_from_first_to_last_observation():
    """Steps count from the last observation, which may lie before the end."""
    found = drift(panel([1, 9, 5], [4, 0, 8, None], [7]), 2)
    assert found.tolist() == [[7, 9], [12, 14], [7, 7]]


@given(start=st.floats(-100, 100), slope=st.floats(-10, 10), size=st.integers(3, 20), h=st.integers(1, 9))
def test_drift_meets_a_line(start, slope, size, h):
    line = start + slope * np.arange(size + h)
    np.testing.assert_allclose(drift(panel(line[:size]), h)[0], line[size:], atol=1e-9)


def test_series_without_a_value_has_no_forecast():
    empty = panel([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]).drop_last(3)
    assert naive(empty, 1).tolist() == [[pytest.approx(np.nan, nan_ok=True)], [1]]
    assert drift(empty, 1).tolist() == [[pytest.approx(np.nan, nan_ok=True)], [1]]


def test_there_is_a_seasonal_naive_for_each_season():
    found = make_baselines(("drift", "seasonal_naive", "naive"), (2, 4))
    assert list(found) == ["Drift", "SeasonalNaive2", "SeasonalNaive4", "Naive"]
    y = np.arange(8.0)
    assert found["SeasonalNaive2"](panel(y), h=3).tolist() == [[6, 7, 6]]
    assert found["SeasonalNaive4"](panel(y), h=3).tolist() == [[4, 5, 6]]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [(("naive", "arima"), "there is no baseline 'arima': choose from naive"), ("naive", "must be a sequence of names")],
)
def test_unknown_baseline_is_refused(names, wanted):
    with pytest.raises(ConfigError, match=wanted):
        check_baselines(names)


@pytest.mark.parametrize("name", ["ets", "theta"])
def test_without_statsforecast_the_error_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[baselines\]"):
        check_baselines((name,))


@pytest.fixture
def stub(monkeypatch):
    """statsforecast's interface: a model that forecasts the sum of what it is given, plus its season."""

    class Model:
        def __init__(self, season_length):
            self.season = season_length

        def forecast(self, y, h):
            if len(y) < 3:
                raise NotImplementedError("tiny datasets")
            np.divide(y, 0.0)  # statsforecast divides by zero too; it must not warn
            return {"mean": np.full(h, y.sum() + 100 * self.season)}

    models = ModuleType("statsforecast.models")
    models.AutoETS = models.AutoTheta = Model
    monkeypatch.setitem(sys.modules, "statsforecast", ModuleType("statsforecast"))
    monkeypatch.setitem(sys.modules, "statsforecast.models", models)


@pytest.mark.parametrize(("name", "column"), [("ets", "AutoETS"), ("theta", "AutoTheta")])
def test_statistical_models_see_each_series_whole_and_a_season_that_it_has_twice(stub, name, column):
    forecast = make_baselines((name,), (2, 4))[column]
    found = forecast(panel([1, None, 3, 4, 5, 6], [1, 1, 1], [5]), h=2)
    np.testing.assert_array_equal(found, [[221, 221], [103, 103], [np.nan, np.nan]])
