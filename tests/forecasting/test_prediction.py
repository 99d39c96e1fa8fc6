from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, NetworkConfig, TrainingConfig, load
from grucast.errors import ConfigError
from tests.conftest import TINY
from tests.model.test_dependence import ar1


def paths(forecast):
    """The samples of a frame (rows, S)."""
    return forecast.select(pl.col("^GRU-sample-.*$")).to_numpy()


def test_samples_come_after_the_usual_columns(fitted):
    forecast = fitted.predict(samples=3)
    usual = fitted.predict()
    assert forecast.columns == [*usual.columns, "GRU-sample-1", "GRU-sample-2", "GRU-sample-3"]
    assert forecast.select(usual.columns).equals(usual)
    assert fitted.predict(samples=3).equals(forecast)


def test_samples_have_the_forecast_as_their_distribution(fitted):
    forecast = fitted.predict(samples=4000, level=(50, 80, 95))
    drawn = paths(forecast)
    for level in (50, 80, 95):
        inside = (drawn > forecast[f"GRU-lo-{level}"].to_numpy()[:, None]) & (
            drawn < forecast[f"GRU-hi-{level}"].to_numpy()[:, None]
        )
        assert inside.mean(axis=1) == pytest.approx(np.full(12, level / 100), abs=0.04)
    assert (drawn < forecast["GRU"].to_numpy()[:, None]).mean(axis=1) == pytest.approx(np.full(12, 0.5), abs=0.04)


def test_samples_of_a_series_do_not_depend_on_the_others(fitted, hourly):
    alone = fitted.predict(hourly.filter(unique_id="b"), samples=5)
    assert alone.equals(fitted.predict(samples=5).filter(unique_id="b"))


def test_loaded_model_draws_the_same_samples(fitted, hourly, tmp_path):
    fitted.save(tmp_path / "model")
    assert load(tmp_path / "model").predict(hourly, samples=5).equals(fitted.predict(samples=5))


def test_samples_are_never_negative_where_no_value_was(fitted, hourly):
    days = hourly.with_columns(y=(pl.col("y") / pl.col("y").mean().over("unique_id") - 1).clip(0))  # 0 at night
    assert paths(fitted.predict(days, samples=200)).min() == 0
    first = pl.col("ds") == pl.col("ds").min()
    assert paths(fitted.predict(days.with_columns(y=pl.when(first).then(-1).otherwise("y")), samples=200)).min() < 0


def test_series_without_a_value_have_no_samples(fitted, hourly):
    late = pl.col("ds") > hourly["ds"].min() + pl.duration(hours=400)
    gone = hourly.with_columns(y=pl.when((pl.col("unique_id") == "a") & late).then(None).otherwise("y"))
    with pytest.warns(match="their forecasts are NaN"):
        drawn = paths(fitted.predict(gone, samples=2))
    assert np.isnan(drawn).all(axis=1).tolist() == [True] * 6 + [False] * 6


def test_intervals_of_totals_cover_what_they_say(rng):
    """Errors that follow each other: independent steps would make the intervals of totals far too narrow."""
    y = 20 + np.sin(np.arange(120) * 2 * np.pi / 7) + ar1(rng, 0.95, 200, 120)
    frame = pl.DataFrame(
        {"unique_id": np.repeat(np.arange(200), 120), "ds": np.tile(np.arange(120), 200), "y": y.ravel()}
    )
    history, totals = frame.filter(pl.col("ds") < 113), y[:, 113:].sum(axis=1)
    settings = {"network": NetworkConfig(hidden_size=8), "training": TrainingConfig(max_steps=60, batch_size=128)}
    forecaster = GRUForecaster(7, 21, 7, **settings).fit(history)

    def coverage():
        drawn = paths(forecaster.predict(samples=300)).reshape(200, 7, 300).sum(axis=1)
        low, high = np.quantile(drawn, (0.1, 0.9), axis=1)
        return np.mean((totals > low) & (totals < high))

    assert coverage() == pytest.approx(0.8, abs=0.08)
    forecaster._model = replace(forecaster.model_, dependence=())
    assert coverage() < 0.6


@pytest.mark.parametrize("samples", [0, -1, 1.5, "many", True])
def test_number_of_samples_must_be_one(fitted, samples):
    with pytest.raises(ConfigError, match="samples must be a whole number of at least 1"):
        fitted.predict(samples=samples)


def test_model_that_does_not_know_the_dependence_says_so(hourly):
    for settings, val_size in (({}, 0), ({"level": ()}, None)):
        forecaster = GRUForecaster(6, 48, 24, **settings, **TINY).fit(hourly, val_size)
        with pytest.raises(ConfigError, match="train it anew, with levels"):
            forecaster.predict(samples=2)


def test_horizon_of_one_step_has_samples(hourly):
    forecast = GRUForecaster(1, 48, 24, **TINY).fit(hourly).predict(samples=2)
    assert np.isfinite(paths(forecast)).all()
