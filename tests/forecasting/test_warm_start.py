from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster, TrainingConfig, load
from grucast.errors import CheckpointError, ConfigError, DataError, NotFittedError
from tests.conftest import TINY

STEADY = TrainingConfig(max_steps=1, batch_size=8, learning_rate=1e-12)


@pytest.fixture
def loaded(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    return load(tmp_path / "model")


@pytest.fixture
def later(hourly):
    """The same series later, and no longer positive."""
    return hourly.with_columns(ds=pl.col("ds") + pl.duration(days=20), y=pl.col("y") - 10)


def test_warm_start_begins_with_the_weights_of_the_model(loaded, later):
    before = loaded.model_
    loaded.training = STEADY
    after = loaded.fit(later, warm_start=True).model_
    for name, weight in before.weights.items():
        np.testing.assert_allclose(after.weights[name], weight, atol=1e-9)


def test_warm_start_learns_where_a_new_fit_of_as_many_steps_does_not(hourly):
    training = TrainingConfig(max_steps=60, batch_size=32)
    forecaster = GRUForecaster(6, 48, 24, training=training).fit(hourly)
    new = forecaster.clone().fit(hourly, val_size=0)
    forecaster.fit(hourly, val_size=0, warm_start=True)
    assert np.mean(forecaster.history_[:10]) < 0.9 * np.mean(new.history_[:10])


def test_shape_of_the_model_stays(loaded, later):
    before = loaded.model_
    after = loaded.fit(later.head(480), warm_start=True).model_
    kept = ("h", "input_size", "seasons", "level", "schema", "frequency", "network", "reading")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert before.nonnegative
    assert not after.nonnegative
    assert after.trained_on.series == 1
    assert after.trained_on.fingerprint != before.trained_on.fingerprint


def test_factors_stay_where_nothing_is_held_out(loaded, later):
    loaded._model = replace(loaded.model_, factors=(1.5, 2.5))
    assert loaded.fit(later, val_size=0, warm_start=True).model_.factors == (1.5, 2.5)
    assert loaded.fit(later, val_size=12, warm_start=True).model_.factors != (1.5, 2.5)


def test_forecasts_go_on_from_the_new_data(loaded, later):
    forecast = loaded.fit(later, warm_start=True).predict()
    assert forecast["ds"].min() == later["ds"].max() + pl.select(pl.duration(hours=1)).item()


def test_interrupted_warm_start_is_resumed_to_the_same_bits(fitted, later, tmp_path):
    def interrupt(progress):
        if progress.step == 2:
            raise KeyboardInterrupt

    fitted.save(tmp_path / "model")
    folder, whole = tmp_path / "kept", load(tmp_path / "model").fit(later, warm_start=True)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path / "model").fit(later, None, folder, False, interrupt, 1, warm_start=True)
    resumed = load(tmp_path / "model").fit(later, None, folder, True, warm_start=True)
    for name, weight in whole.model_.weights.items():
        np.testing.assert_array_equal(resumed.model_.weights[name], weight)
    with pytest.raises(CheckpointError, match="start was"):
        whole.fit(later, None, folder, True, warm_start=True)


def test_data_that_do_not_suit_are_refused(loaded, later):
    daily = later.with_columns(ds=pl.datetime(2000, 1, 1) + pl.duration(days=pl.int_range(480).over("unique_id")))
    with pytest.raises(DataError, match="479 jumps of 24 steps of h"):
        loaded.fit(daily, warm_start=True)
    with pytest.raises(DataError, match="longest series has 6 steps"):
        loaded.fit(later.group_by("unique_id").head(6), warm_start=True)


def test_covariates_of_the_model_must_be_there(hourly):
    covariates = Covariates(future=("price",))
    priced = hourly.with_columns(price=pl.col("y") % 3)
    forecaster = GRUForecaster(6, 48, 24, covariates=covariates, **TINY).fit(priced)
    with pytest.raises(DataError, match="price"):
        forecaster.fit(hourly, warm_start=True)
    assert forecaster.fit(priced.with_columns(price=pl.col("price") * 2), warm_start=True).model_.schema.columns[
        0
    ].scale == pytest.approx(priced["price"].std(ddof=0))


def test_there_must_be_a_model_of_as_many_networks(loaded, hourly):
    with pytest.raises(NotFittedError, match="not fitted"):
        GRUForecaster(6).fit(hourly, warm_start=True)
    loaded.training = TrainingConfig(ensemble=3)
    with pytest.raises(ConfigError, match="ensemble=3, but the model to go on from has 1 networks"):
        loaded.fit(hourly, warm_start=True)
