"""Rows that count more or less in training."""

import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
from grucast.errors import CheckpointError, ConfigError, DataError
from tests.conftest import TINY


def make(**settings):
    return GRUForecaster(6, 48, 24, **{**TINY, **settings})


def weights_of(forecaster):
    return np.concatenate([weight.ravel() for weight in forecaster.model_.weights.values()])


def test_weights_that_are_all_alike_change_no_bits(fitted, hourly):
    other = make().fit(hourly.with_columns(w=pl.lit(7)), sample_weight="w")
    np.testing.assert_array_equal(weights_of(other), weights_of(fitted))
    assert other.model_.factors == fitted.model_.factors
    assert other.covariates == Covariates()
    assert other.predict().equals(fitted.predict())


def test_what_counts_nothing_is_not_learned_from(hourly):
    """Series b is wild and counts nothing: what comes out is what series a alone would teach."""
    settings = {"network": NetworkConfig(hidden_size=8), "training": TrainingConfig(max_steps=60, batch_size=64)}
    wild = np.random.default_rng(1).normal(size=len(hourly)) * 5000
    is_b = pl.col("unique_id") == "b"
    frame = hourly.with_columns(
        y=pl.when(is_b).then(pl.Series(wild)).otherwise("y"), w=pl.when(is_b).then(0).otherwise(1)
    )

    def width(**given):
        ahead = make(**settings).fit(frame, **given).predict().filter(unique_id="a")
        return (ahead["GRU-hi-80"] - ahead["GRU-lo-80"]).mean()

    assert width(sample_weight="w") < 0.8 * width()


def test_late_rows_that_count_nothing_leave_nothing_to_calibrate_by(hourly):
    late = pl.col("ds") > hourly["ds"].max() - pl.duration(hours=100)
    weights = pl.when(late).then(0.0).otherwise(1.0)
    factors = set()
    for change in (0, 1000):  # which those rows' windows do not see, but would be tested by
        frame = hourly.with_columns(pl.when(late).then(pl.col("y") + change).otherwise("y"), w=weights)
        factors.add((forecaster := make().fit(frame, 48, sample_weight="w")).model_.factors)
    assert len(factors) == 1
    assert forecaster.model_.dependence is None


def test_training_goes_on_with_weights(fitted, hourly):
    frame = hourly.with_columns(w=pl.int_range(pl.len()) % 3)
    assert np.isfinite(weights_of(fitted.fit(frame, warm_start=True, sample_weight="w"))).all()
    with pytest.raises(DataError, match="there is no column 'w'"):
        fitted.fit(hourly, warm_start=True, sample_weight="w")


def test_run_with_other_weights_is_not_resumed(hourly, tmp_path):
    frame = hourly.with_columns(w=pl.int_range(pl.len()) % 3)
    make().fit(frame, checkpoint_dir=tmp_path, sample_weight="w")
    with pytest.raises(CheckpointError, match="the data differ"):
        make().fit(frame.with_columns(w=pl.col("w") ** 2), checkpoint_dir=tmp_path, resume=True, sample_weight="w")


def test_covariate_is_no_weight(hourly):
    frame = hourly.with_columns(w=pl.int_range(pl.len()) % 3)
    with pytest.raises(ConfigError, match="no covariate either, not 'w'"):
        make(covariates=Covariates(past=("w",))).fit(frame, sample_weight="w")
