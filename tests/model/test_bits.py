"""A forecast is the same bits whatever is computed beside it, and wherever."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grucast import Covariates, NetworkConfig
from grucast.data.encoding import Schema, encode, fit_schema
from grucast.data.panel import make_panel
from grucast.data.windows import Windows, last_windows
from grucast.kernels import targets
from grucast.model.file import save_model
from grucast.model.models import ForecastModel, RegressionModel, parameters_of
from grucast.model.network import Sequences

DECLARED = Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region"))


def many_series(rng, count, steps=60):
    """Hourly series with covariates of each role, holes in all of them."""
    rows = count * steps
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(count)], steps),
            "ds": np.tile(np.datetime64("2024-02-20", "us") + np.arange(steps) * np.timedelta64(1, "h"), count),
            "y": rng.normal(size=rows) * np.repeat(10 ** rng.uniform(-3, 6, count), steps),
            "temp": rng.normal(size=rows),
            "sky": rng.choice(["clear", "rain"], rows),
            "price": rng.normal(size=rows),
            "offer": rng.choice(["yes", "no"], rows),
            "size": np.repeat(rng.normal(size=count), steps),
            "region": np.repeat(rng.choice(["north", "south"], count), steps),
        }
    )
    seen = rng.uniform(size=rows) < 0.8
    seen[steps - 1 :: steps] = True
    return frame.with_columns(pl.when(pl.Series(seen)).then(pl.col("y", "temp", "sky", "offer")))


def windows_and_model(rng, count, h, shape, *, declared=DECLARED, seasons=(4, 24), members=1, level=(80.0, 95.0)):
    """Last windows of random series, and a model of random weights."""
    panel = make_panel(many_series(rng, count), covariates=declared)
    schema = fit_schema(panel, declared, ("day",) if declared.temporal else ())
    windows = last_windows(panel, encode(panel, schema), 48, h, drop=h)
    return windows, random_model(windows, schema, shape, seasons=seasons, members=members, level=level)


def random_model(windows: Windows, schema: Schema, shape, *, seasons, members, level) -> ForecastModel:
    settings = (windows.h, windows.input_size, seasons, level, windows.panel.frequency, False, (1.1,) * len(level))
    model, rng = ForecastModel(*settings, shape, {}, schema, members, smoothed=True), np.random.default_rng(3)
    return replace(model, weights=random_weights(rng, model))


def random_weights(rng, model):
    """Weights none of which is zero, as those of the last layers would be that training starts from."""
    return {p.name: (rng.normal(size=p.shape) / 3).astype(np.float32) for p in parameters_of(model)}


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(2, 70),
    h=st.integers(1, 9),
    hidden=st.integers(1, 70),
    layers=st.integers(1, 2),
    bidirectional=st.booleans(),
    reset_after=st.booleans(),
    covariates=st.booleans(),
    members=st.sampled_from([1, 2, 9]),
    level=st.sampled_from([(), (80.0,), (80.0, 95.0)]),
    seed=st.integers(0, 9),
)
@example(2, 1, 4, 1, False, True, False, 9, (), 0)  # one number a member: np.mean would add in another order
def test_forecast_of_a_series_is_the_same_bits_in_any_batch(  # noqa: PLR0917
    count, h, hidden, layers, bidirectional, reset_after, covariates, members, level, seed
):
    rng = np.random.default_rng(seed)
    shape = NetworkConfig(hidden, layers, bidirectional=bidirectional, reset_after=reset_after, head_size=2 * hidden)
    declared = DECLARED if covariates else Covariates()
    windows, model = windows_and_model(rng, count, h, shape, declared=declared, members=members, level=level)
    whole = model.forecast(windows, level and (50.0, 80.0, 99.0))
    assert np.isfinite(whole).all()
    start = int(rng.integers(0, count))
    for some in (np.arange(count)[::-1], np.arange(start, count), np.array([start]), np.array([0])):
        part = replace(windows, ends=windows.ends[some], series=windows.series[some])
        np.testing.assert_array_equal(model.forecast(part, level and (50.0, 80.0, 99.0)), whole[some])


@pytest.mark.parametrize("reset_after", [True, False])
def test_prediction_of_a_sequence_is_the_same_bits_in_any_batch(rng, reset_after):
    model = RegressionModel(3, 5, NetworkConfig(20, 2, bidirectional=True, reset_after=reset_after), {})
    model = replace(model, weights=random_weights(rng, model))
    x = rng.normal(size=(40, 12, 3))
    whole = model.predict(Sequences(x))
    for size in (1, 3, 17):
        cut = [model.predict(Sequences(x[i : i + size])) for i in range(0, 40, size)]
        np.testing.assert_array_equal(np.concatenate(cut), whole)


CHILD = """
import hashlib, sys
import grucast
from grucast.kernels.native import target
forecaster = grucast.load(sys.argv[1] + "/m.safetensors")
forecast = forecaster.predict(sys.argv[1] + "/d.parquet", future=sys.argv[1] + "/f.parquet")
print(target(), hashlib.sha256(forecast.drop("unique_id", "ds").to_numpy().tobytes()).hexdigest())
"""


@pytest.mark.skipif(not targets(), reason="the extension was not built")
def test_forecast_is_the_same_bits_on_any_threads_and_on_all_targets_that_fuse(rng, tmp_path):
    _, model = windows_and_model(rng, 70, 6, NetworkConfig(40, head_size=64))
    save_model(model, tmp_path / "m.safetensors")
    frame = many_series(rng, 70, 66)
    last = pl.int_range(pl.len()).over("unique_id") >= 60
    frame.filter(~last).write_parquet(tmp_path / "d.parquet")
    frame.filter(last).write_parquet(tmp_path / "f.parquet")
    digests = set()
    for name in targets():
        for threads in ("1", "3"):
            child = os.environ | {"GRUCAST_TARGET": name, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
            run = subprocess.run(
                [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, check=True, env=child
            )
            target, digest = run.stdout.split()
            assert target == name
            digests.add((name == "baseline", digest))
    assert len(digests) == len({name == "baseline" for name in targets()})
