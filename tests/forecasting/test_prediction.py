from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig, load
from grucast.errors import ConfigError, DataError, HorizonWarning
from grucast.forecasting.prediction import carried_on, widened
from tests.conftest import TINY
from tests.model.test_dependence import ar1

MOSTLY_ZERO = pl.when(pl.int_range(pl.len()) % 24 < 14).then(0.0).otherwise("y")


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


def test_numbers_that_nobody_can_wait_for_are_refused_before_the_work(fitted):
    with pytest.raises(ConfigError, match="samples=10001 asks for a column each: give 10,000 at the most"):
        fitted.predict(samples=10_001)
    with pytest.raises(ConfigError, match=r"more than 100 times the 6 steps .* train with a larger h"):
        fitted.predict(h=601)


def test_model_that_does_not_know_the_dependence_says_so(hourly):
    for settings, val_size in (({}, 0), ({"level": ()}, None)):
        forecaster = GRUForecaster(6, 48, 24, **settings, **TINY).fit(hourly, val_size)
        with pytest.raises(ConfigError, match="train it anew, with levels"):
            forecaster.predict(samples=2)


def test_horizon_of_one_step_has_samples(hourly):
    forecast = GRUForecaster(1, 48, 24, **TINY).fit(hourly).predict(samples=2)
    assert np.isfinite(paths(forecast)).all()


def further(forecaster, *given, **settings):
    with pytest.warns(HorizonWarning, match="goes beyond the 6 steps"):
        return forecaster.predict(*given, **settings)


def test_shorter_horizon_is_the_first_rows(fitted):
    whole, short = fitted.predict(samples=2), fitted.predict(h=4, samples=2)
    assert short.equals(whole.group_by("unique_id", maintain_order=True).head(4))


@pytest.mark.parametrize("level", [None, (50, 90), ()])
def test_longer_horizon_begins_with_the_trained_one(fitted, level):
    first = further(fitted, h=20, level=level).group_by("unique_id", maintain_order=True).head(6)
    wanted = fitted.predict(level=level)
    assert first.select("unique_id", "ds").equals(wanted.select("unique_id", "ds"))
    np.testing.assert_allclose(first.drop("unique_id", "ds").to_numpy(), wanted.drop("unique_id", "ds").to_numpy())


@pytest.mark.parametrize("change", [pl.col("y"), pl.col("y") - 10, MOSTLY_ZERO])
def test_longer_horizon_goes_on_from_the_medians_as_if_they_had_come(fitted, hourly, change):
    history = hourly.with_columns(y=change)
    got = further(fitted, history, h=15)["GRU"].to_numpy().reshape(2, 15)
    for first in (0, 6, 12):
        next_ones = fitted.predict(history)
        np.testing.assert_array_equal(
            got[:, first : first + 6], next_ones["GRU"].to_numpy().reshape(2, 6)[:, : 15 - first]
        )
        history = pl.concat([history, next_ones.select("unique_id", "ds", y="GRU")]).sort("unique_id", "ds")


def test_further_errors_add_up_as_those_of_a_random_walk():
    steps = np.sqrt(np.arange(1, 13))
    walk = np.stack([-steps, 0 * steps, steps], axis=-1).reshape(1, 3, 4, 3)
    own = walk[:, 0]
    second = widened(own, own)
    np.testing.assert_allclose(second, walk[:, 1])
    np.testing.assert_allclose(widened(own, second), walk[:, 2])


def test_further_paths_are_those_of_a_random_walk(rng):
    spread = np.sqrt(np.arange(1, 7))  # of the steps of a walk forecast one by one
    quantiles = np.stack([-spread, 0 * spread, spread], axis=-1)[None]
    scores = carried_on(rng.normal(size=(1, 6, 200_000)), quantiles, 1)[0]
    found = np.cov(scores * spread[:, None])
    np.testing.assert_allclose(found, np.minimum.outer(np.arange(1, 7), np.arange(1, 7)), atol=0.05)


def test_further_paths_carry_on_the_largest_of_the_errors_before(rng):
    spread = np.array([1.0, 3.0, 2.0, 2.0, 4.0])  # the second step is wide each time
    quantiles = np.stack([-spread, 0 * spread, spread], axis=-1)[None]
    found = np.corrcoef(carried_on(rng.normal(size=(1, 5, 100_000)), quantiles, 3)[0])
    assert found[1, 4] == pytest.approx(3 / 4, abs=0.02)
    assert found[2, 3] == pytest.approx(1, abs=0.02)


def test_further_intervals_are_never_narrower(fitted):
    forecast = further(fitted, h=24)
    for level in (80, 95):
        width = (forecast[f"GRU-hi-{level}"] - forecast[f"GRU-lo-{level}"]).to_numpy().reshape(2, 4, 6)
        assert (np.diff(width, axis=1) > 0).all()


def test_further_forecasts_and_samples_are_not_negative_where_no_value_was(fitted, hourly):
    days = hourly.with_columns(y=(pl.col("y") / pl.col("y").mean().over("unique_id") - 1).clip(0))
    drawn = further(fitted, days, h=30, samples=20).drop("unique_id", "ds").to_numpy()
    assert drawn.min() == 0
    assert drawn.shape == (60, 25)


def test_further_samples_have_the_forecast_as_their_distribution(fitted):
    forecast = further(fitted, h=14, samples=3000)
    inside = (paths(forecast) > forecast["GRU-lo-80"].to_numpy()[:, None]) & (
        paths(forecast) < forecast["GRU-hi-80"].to_numpy()[:, None]
    )
    assert inside.mean(axis=1) == pytest.approx(np.full(28, 0.8), abs=0.04)


def test_future_must_reach_as_far_as_the_forecast(hourly):
    priced = hourly.with_columns(price=pl.int_range(pl.len()) % 5)
    history = priced.group_by("unique_id", maintain_order=True).head(460)
    forecaster = GRUForecaster(6, 48, 24, covariates=Covariates(future=("price",)), **TINY).fit(history)
    assert len(further(forecaster, future=priced, h=20)) == 40
    with pytest.raises(DataError, match="give all 21 steps"):
        further(forecaster, future=priced, h=21)
    short = priced.filter(pl.col("ds") <= history["ds"].max() + pl.duration(hours=3))
    near, whole = forecaster.predict(future=short, h=3), forecaster.predict(future=priced)
    assert near.equals(whole.group_by("unique_id", maintain_order=True).head(3))


@pytest.mark.parametrize("h", [0, 2.0, "6", True])
def test_horizon_must_be_a_number_of_steps(fitted, h):
    with pytest.raises(ConfigError, match="h must be a whole number of at least 1"):
        fitted.predict(h=h)
