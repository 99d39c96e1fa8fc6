"""Forecasts have the level and the unit of the series at hand, whatever those of the training data were."""

import numpy as np
import pandas as pd
import pytest

from grucast import GRUForecaster, NetworkConfig, TrainingConfig

DAYS = pd.date_range("2024-01-01", periods=200)
SMALL = NetworkConfig(hidden_size=8, head_size=32)


def make(steps=20):
    return GRUForecaster(2, network=SMALL, training=TrainingConfig(max_steps=steps))


def frame(y, name="series"):
    return pd.DataFrame({"unique_id": name, "ds": DAYS[-np.size(y) :] if np.size(y) > 1 else DAYS, "y": y})


def dead(sold, step):
    """A series that sold once."""
    return np.where(np.arange(200) == step, sold, 0.0)


def numbers(forecast):
    return forecast.filter(like="GRU").to_numpy()


@pytest.fixture(scope="module")
def of_noise():
    return make().fit(frame(10 * (1 + np.random.default_rng(0).random(200))))


@pytest.mark.parametrize("value", [5.0, 0.0, -3.0, 0.1, 1e-6, 1e12])
def test_constant_is_forecast_as_that_constant_by_a_network_of_noise(value, of_noise):
    forecast = of_noise.predict(frame(value))
    assert (numbers(forecast) == value).all()
    assert of_noise.stream().update_many(frame(value)).equals(forecast)
    assert (numbers(of_noise.predict(frame(value), level=(99.9,))) == value).all()


@pytest.mark.parametrize(("count", "width"), [(2, 10), (4, 2.5), (7, 0.32), (8, 0)])
def test_interval_narrows_with_each_equal_value(count, width, of_noise):
    forecast = of_noise.predict(frame(np.full(count, 5.0)))
    assert ((forecast["GRU-hi-80"] - forecast["GRU-lo-80"]) <= width).all()
    assert ((forecast["GRU-hi-80"] > forecast["GRU-lo-80"]) == (count < 8)).all()


@pytest.mark.parametrize("value", [5.0, 0.0, -1e6])
def test_constant_trained_alone_is_forecast_as_that_constant(value):
    assert (numbers(make().fit(frame(value)).predict()) == value).all()


def test_network_of_a_constant_has_intervals_for_what_moves(rng):
    forecast = make().fit(frame(5.0)).predict(frame(rng.normal(size=200)))
    assert (forecast["GRU-hi-80"] - forecast["GRU-lo-80"] > 0.5).all()


@pytest.mark.parametrize("unit", [1e-3, 1, 1e6])
def test_dead_series_of_a_panel_stays_near_zero_in_its_own_unit(unit, rng):
    alive = [frame(rng.poisson(3, 200) * 1.0, f"alive {k}") for k in range(4)]
    steps = {"dead": 3, "of late": 150, "latest": 187}
    panel = pd.concat(alive + [frame(dead(unit, step), name) for name, step in steps.items()])
    forecast = make().fit(panel).predict().set_index("unique_id")
    for name in steps:
        assert (np.abs(numbers(forecast.loc[name])) <= unit).all()
    assert (numbers(forecast.loc["dead"]) == 0).all()


def test_small_movement_on_a_large_level_is_forecast():
    wave = 1e9 + np.sin(0.9 * np.arange(202))
    forecast = make(100).fit(frame(wave[:200])).predict()
    np.testing.assert_allclose(forecast["GRU"], wave[200:], rtol=0, atol=0.3)


def weekly(y, name):
    return pd.DataFrame({"unique_id": name, "ds": pd.date_range(end="2023-01-02", periods=len(y), freq="7D"), "y": y})


def test_new_series_that_rises_is_forecast_from_where_it_is(rng):
    wave = 1 + 0.2 * np.sin(2 * np.pi * np.arange(156) / 52)
    old = [weekly(100 * (k + 1) * (wave + 0.1 * rng.normal(size=156)), f"old {k}") for k in range(20)]
    panel = pd.concat([*old, weekly(np.linspace(100, 700, 13), "new")])
    forecast = GRUForecaster(4, network=SMALL, training=TrainingConfig(max_steps=60)).fit(panel).predict()
    new = forecast[forecast["unique_id"] == "new"]
    assert new["GRU"].between(620, 850).all()
    assert (new["GRU-hi-80"] > 700).all()


@pytest.mark.parametrize("size", [1, 100])
def test_hours_that_are_mostly_zero_have_a_median_of_zero_and_upper_quantiles_as_observed(size, rng):
    hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    data = pd.DataFrame({"unique_id": "a", "ds": hours, "y": size * rng.poisson(0.22, 1000)})
    forecaster = GRUForecaster(24, 48, 24, network=SMALL, training=TrainingConfig(max_steps=150)).fit(data)
    forecast = forecaster.predict()
    assert (forecast[["GRU-lo-80", "GRU-lo-95"]] == 0).all(axis=None)
    assert (forecast["GRU"] == 0).mean() > 0.7
    assert forecast["GRU-hi-80"].median() == size
    assert forecast["GRU-hi-95"].between(size, 4 * size).all()
    assert (forecast.filter(like="GRU") % size == 0).all(axis=None)
    assert forecaster.stream().update_many(data).equals(forecast)
    assert (forecaster.predict(level=(90,))["GRU-hi-90"] % size == 0).all()
    paths = forecaster.predict(samples=20).filter(like="sample").to_numpy() / size
    assert ((paths >= 0) & (paths == np.round(paths))).all()


@pytest.mark.parametrize("step", [187, 193, 199])
def test_value_of_a_thousand_times_the_level_does_not_move_the_forecast(step, rng, of_noise):
    y = 10 * (1 + rng.random(200))
    wanted, y[step] = of_noise.predict(frame(y)), 1e4
    assert np.abs(numbers(of_noise.predict(frame(y))) - numbers(wanted)).max() < 5
    learned = make(50).fit(frame(y))
    assert learned.predict()["GRU"].between(10, 20).all()
    assert learned.stream().update_many(frame(y)).equals(learned.predict())


def test_two_values_of_a_thousand_times_the_level_are_no_spikes(of_noise):
    y = np.append(np.linspace(9, 11, 198), [1e4, 1e4])
    (explanation,) = of_noise.explain(frame(y)).values()
    assert explanation.scale > 100
