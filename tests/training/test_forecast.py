import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.data import fingerprint
from grucast.data.covariates import Covariates
from grucast.data.encoding import Schema, encode
from grucast.data.features import make_features
from grucast.data.panel import make_panel
from grucast.data.spikes import without_spikes
from grucast.data.weighting import weighed
from grucast.data.windows import make_windows
from grucast.errors import CheckpointError, DataError
from grucast.kernels import targets
from grucast.model.models import ForecastModel
from grucast.model.outputs.quantiles import Quantiles
from grucast.training import forecast as training
from grucast.training import task as lessons
from grucast.training.forecast import require_factors
from grucast.training.loop import train
from grucast.training.state import State
from grucast.training.task import make_batch, spread
from tests.conftest import TINY


@pytest.mark.parametrize(("size", "most", "wanted"), [(0, 5, []), (3, 5, [0, 1, 2]), (101, 3, [0, 50, 100])])
def test_spread_is_even_and_has_both_ends(size, most, wanted):
    assert spread(size, most).tolist() == wanted


def batch_of(hourly, change=lambda y: y):
    """All windows of series, some of whose values are missing."""
    panel = make_panel(hourly.with_columns(y=pl.when(pl.int_range(pl.len()) % 7 > 0).then(change(pl.col("y")))))
    model = model_of(panel)
    windows = make_windows(panel, encode(panel, model.schema), 48, 6)
    return make_batch(windows, np.arange(len(windows)), model), windows


def test_median_loss_is_the_scaled_error_of_what_is_observed(hourly, rng):
    batch, windows = batch_of(hourly)
    window = windows.take(np.arange(len(windows)))
    features = make_features(window, Schema(), (24,))
    forecast = rng.normal(size=(len(windows), 6, 1)).astype(np.float32)
    seen, errors = ~np.isnan(window.future), np.abs(window.future - features.restore(forecast)[..., 0])
    mase = 1 / (features.scale * np.maximum(features.naive_error, 0.1))
    percentage = 1 / np.maximum(np.abs(features.centre), 0.1 * features.scale)
    shares = [
        share * (errors * weight)[seen].mean() / (features.scale * weight).mean()
        for share, weight in ((0.6, mase), (0.4, percentage))
    ]
    loss, _ = Quantiles(()).loss(forecast, batch.target, batch.weight)
    assert 2 * loss.sum() == pytest.approx(sum(shares), rel=1e-5)


def test_shortened_window_weighs_in_the_unit_of_y_what_the_whole_one_does(hourly):
    panel = make_panel(hourly)
    model = ForecastModel(6, 48, (24,), (80.0,), panel.frequency, False, (1.0,), NetworkConfig(), {})
    windows = make_windows(panel, encode(panel, model.schema), 48, 6)
    index, first = np.arange(60, 100), np.arange(40) + 8
    whole, short = make_batch(windows, index, model), make_batch(windows, index, model, first)
    assert (short.inputs.steps[:, :, 1] == (np.arange(48) >= first[:, None])).all()
    np.testing.assert_allclose(
        short.weight * np.ptp(short.target, 1, keepdims=True),
        whole.weight * np.ptp(whole.target, 1, keepdims=True),
        rtol=1e-4,
    )


def test_some_windows_are_drawn_shortened_and_none_is_held_out_so(hourly, monkeypatch):
    shown = []
    make = lessons.make_batch
    monkeypatch.setattr(lessons, "make_batch", lambda *args: shown.append(args[3:]) or make(*args))
    settings = TrainingConfig(max_steps=5, batch_size=1000)
    GRUForecaster(6, 48, 24, network=TINY["network"], training=settings).fit(hourly, val_size=60)
    held, known, *drawn = shown
    assert held == known == ()
    assert np.mean(np.array(drawn) > 0) == pytest.approx(0.1, abs=0.02)


def test_every_window_may_be_drawn(hourly, rng, monkeypatch):
    shown = []
    monkeypatch.setattr(lessons, "make_batch", lambda _windows, index, _model: shown.extend(index))
    panel = make_panel(hourly.filter(unique_id="a"))
    task = lessons.Task.of(panel, model_of(panel), TrainingConfig(batch_size=5000))
    task.draw(task.windows, 1)(rng)
    np.testing.assert_array_equal(np.unique(shown), np.arange(len(task.windows)))


@pytest.mark.parametrize(("weights", "rates"), [({}, [1, 0.5]), ({"out.bias": np.zeros(1)}, [0.5, 0.5])])
def test_what_was_learned_before_is_trained_on_at_half_the_rate(hourly, weights, rates):
    panel = make_panel(hourly)
    task = lessons.Task.of(panel, replace(model_of(panel), weights=weights), TrainingConfig())
    assert [phase.rate for phase in task.phases(10, 60)] == rates


def test_what_is_held_out_counts_in_horizons(hourly):
    panel = make_panel(hourly)
    task = lessons.Task.of(panel, model_of(panel), TrainingConfig())
    first, _ = task.phases(10, 60)
    assert first.calibrate.periods == 60 / task.model.h


def test_flat_windows_weigh_nothing_and_no_target_of_theirs_is_too_far(hourly):
    steps = pl.int_range(pl.len()).over("unique_id")
    panel = make_panel(hourly.with_columns(y=pl.when(steps < 100).then(1e-20).otherwise(1e20)))
    model = ForecastModel(6, 48, (24,), (80.0,), panel.frequency, False, (1.0,), NetworkConfig(), {})
    windows = make_windows(panel, encode(panel, model.schema), 48, 6)
    batch = make_batch(windows, np.arange(len(windows)), model)
    history = without_spikes(windows.take(np.arange(len(windows))).history)
    moved = np.nanmin(history, 1) < np.nanmax(history, 1)
    assert ((batch.weight > 0).any(1) == moved).all()
    assert np.isfinite(batch.target).all()


def test_weights_of_what_is_not_observed_are_zero(hourly):
    batch, windows = batch_of(hourly)
    missing = np.isnan(windows.take(np.arange(len(windows))).future)
    assert missing.any()
    np.testing.assert_array_equal(batch.weight == 0, missing)
    assert np.isfinite(batch.target).all()


def test_each_rows_error_counts_as_its_weight_says(hourly):
    columns = Covariates(past=("w",))
    panel = make_panel(hourly.with_columns(w=1 + pl.int_range(pl.len()) % 5), covariates=columns)
    plain, other = (
        make_batch(make_windows(each, encode(each, Schema()), 48, 6), np.arange(9), model_of(each))
        for each in (panel, weighed(panel, "w"))
    )
    steps = np.arange(9)[:, None] + np.arange(6)
    ends = 24 + steps  # windows begin when half of their history is there
    np.testing.assert_allclose(other.weight / plain.weight, (1 + ends % 5) / 3, rtol=1e-5)


def model_of(panel):
    return ForecastModel(6, 48, (24,), (80.0,), panel.frequency, False, (1.0,), NetworkConfig(), {})


def test_held_out_values_are_learned_from_last_and_only_then(hourly, monkeypatch):
    reaches, phases = [], []

    def watched(windows, index, *others):
        reaches.append(windows.ends[index].max() + windows.h)
        return make(windows, index, *others)

    make = lessons.make_batch
    monkeypatch.setattr(lessons, "make_batch", watched)
    monkeypatch.setattr(training, "train", lambda *args: phases.extend(args[2]) or train(*args))
    one = hourly.filter(unique_id="a")
    GRUForecaster(6, 48, 24, training=TrainingConfig(max_steps=20, batch_size=64)).fit(one, val_size=60)
    validation, _, *steps = reaches
    assert validation == len(one)
    assert [phase.steps for phase in phases] == [12, 8]
    assert max(steps[:12]) <= len(one) - 60
    assert max(steps[12:]) > len(one) - 60


@pytest.mark.parametrize(("val_size", "steps", "share"), [(0, 1, 1), (12, 1, 1), (12, 3, 0.5)])
def test_step_is_adamws_with_decay_and_on_what_was_held_out_at_half_the_rate(
    hourly, monkeypatch, val_size, steps, share
):
    seen, rate = [], 0.1

    def watched(members, *args):
        def look(*step):
            before = members.weights.copy()
            loss = take_step(*step)
            seen.append((before, members._gradients.copy(), members.weights.copy()))
            return loss

        take_step, members.step = members.step, look
        return train(members, *args)

    monkeypatch.setattr(training, "train", watched)
    config = TrainingConfig(max_steps=steps, batch_size=8, learning_rate=rate, schedule="constant")
    GRUForecaster(6, 48, 24, network=TINY["network"], training=config).fit(hourly, val_size=val_size)
    assert len(seen) == steps
    before, gradient, after = seen[-1]
    move = gradient / (np.abs(gradient) + 1e-8) + 0.01 * before  # Adam's first step: its moments are the gradient's
    np.testing.assert_allclose(after, before - share * rate * move, rtol=1e-5, atol=1e-6)


def test_data_are_hashed_once_a_fit(hourly, monkeypatch, tmp_path):
    hashed, parts = [], fingerprint.parts
    monkeypatch.setattr(fingerprint, "parts", lambda panel: hashed.append(panel) or parts(panel))
    GRUForecaster(6, 48, 24, **TINY).fit(hourly, checkpoint_dir=tmp_path)
    assert len(hashed) == 1


CHILD = """
import sys, hashlib
import polars as pl
from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
network, training = NetworkConfig(20, 2, bidirectional=True, dropout=0.1), TrainingConfig(max_steps=6, ensemble=2)
covariates = Covariates(past=("load",), static=("kind",))
forecaster = GRUForecaster(6, 48, 24, covariates=covariates, network=network, training=training)
model = forecaster.fit(sys.argv[1]).model_
content = b"".join(weight.tobytes() for weight in model.weights.values())
print(hashlib.sha256(content + repr((forecaster.history_, model.factors)).encode()).hexdigest())
assert "torch" not in sys.modules
"""


@pytest.mark.skipif(not targets(), reason="the extension was not built")
def test_training_gives_the_same_bits_on_any_number_of_threads_and_every_target_that_fuses(hourly, tmp_path):
    load, kind = (
        pl.col("y").shift(1).fill_null(0),
        pl.when(pl.col("unique_id") == "a").then(pl.lit("x")).otherwise(pl.lit("z")),
    )
    hourly.with_columns(load=load, kind=kind).write_parquet(tmp_path / "d.parquet")
    digests = set()
    for target in (name for name in targets() if name != "baseline"):
        for threads in ("1", "2", "3"):
            child = os.environ | {"GRUCAST_TARGET": target, "OMP_NUM_THREADS": threads}
            command = [sys.executable, "-c", CHILD, str(tmp_path / "d.parquet")]
            digests.add(subprocess.run(command, capture_output=True, text=True, check=True, env=child).stdout)
    assert len(digests) == 1


def test_factors_of_other_intervals_are_refused(fitted):
    state = State.of(1)
    for factors in ((), (1.0, 1.1)):
        state.factors = factors
        require_factors(state, fitted.model_)
    state.factors = (1.0, 1.1, 1.2)
    with pytest.raises(CheckpointError, match="3 factors, not 2: begin anew"):
        require_factors(state, fitted.model_)
    state.factors, state.dependence = (), (0.1,) * 6
    with pytest.raises(CheckpointError, match="6 steps, not below 6: begin anew"):
        require_factors(state, fitted.model_)


@pytest.mark.parametrize("spike", [1e35, 1e100])
def test_spike_that_no_loss_bears_is_named_with_its_series(spike, rng):
    values = {name: rng.normal(size=100) * 1e-9 for name in "abc"}
    values["b"][90] = spike
    hours = np.datetime64("2024-01-01", "us") + np.arange(100) * np.timedelta64(1, "h")
    frame = pl.concat([pl.DataFrame({"unique_id": name, "ds": hours, "y": y}) for name, y in values.items()])
    forecaster = GRUForecaster(4, 24, 24, training=TrainingConfig(max_steps=20))
    with pytest.raises(DataError, match=r"series 'b' has y = 1e\+\d+ at 2024-01-04 18:00:00, more than 1e\+30 times"):
        forecaster.fit(frame)
    frame = frame.with_columns(y=pl.when(pl.col("y") > 1).then(1e18).otherwise("y"))
    assert np.isfinite(forecaster.fit(frame).predict()["GRU"].to_numpy()).all()
