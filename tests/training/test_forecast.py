import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import mean_pinball_loss
from tests.conftest import TINY

from grucast import GRUForecaster, TrainingConfig
from grucast.data import fingerprint
from grucast.errors import CheckpointError, DataError
from grucast.training import forecast as training
from grucast.training.forecast import Batch, interval_widths, pinball_loss, require_widths, spread
from grucast.training.loop import train
from grucast.training.state import State


def make_batch(target, observed, weight=1.0):
    weights = torch.full((len(target), 1), weight)
    return Batch(None, torch.from_numpy(target), torch.from_numpy(observed), weights)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.975])
def test_loss_of_one_quantile_is_sklearns(p, rng):
    y, forecast = rng.normal(size=(2, 6, 4))
    batch = make_batch(y, np.ones_like(y))
    got = pinball_loss(torch.from_numpy(forecast)[..., None], batch, torch.tensor([p], dtype=torch.float64))
    assert got.item() == pytest.approx(mean_pinball_loss(y.ravel(), forecast.ravel(), alpha=p))


def test_unobserved_targets_do_not_count(rng):
    y, forecast = rng.normal(size=(2, 6, 4))
    observed = (rng.random((6, 4)) < 0.5).astype(float)
    losses = []
    for noise in (0, 1e6):
        batch = make_batch(y + noise * (1 - observed), observed)
        losses.append(pinball_loss(torch.from_numpy(forecast)[..., None], batch, torch.tensor([0.5])).item())
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("size", "most", "wanted"), [(0, 5, []), (3, 5, [0, 1, 2]), (101, 3, [0, 50, 100])])
def test_spread_is_even_and_has_both_ends(size, most, wanted):
    assert spread(size, most).tolist() == wanted


def test_weighted_median_loss_is_the_scaled_error(rng):
    y, forecast = rng.normal(size=(2, 6, 4))
    batch = make_batch(y, np.ones_like(y), weight=1 / 0.3)
    got = 2 * pinball_loss(torch.from_numpy(forecast)[..., None], batch, torch.tensor([0.5], dtype=torch.float64))
    assert got.item() == pytest.approx(np.abs(y - forecast).mean() / 0.3)


def test_widths_give_intervals_their_coverage(rng):
    y, observed = rng.normal(size=(400, 5)), (rng.random((400, 5)) < 0.8).astype(float)
    bounds = torch.tensor([-9.0, -0.1, 0.0, 0.2, 5.0], dtype=torch.float64).expand(400, 5, 5)
    narrow, wide = interval_widths(bounds, make_batch(y, observed), (80.0, 95.0), 1e9)
    for width, low, high, percent in ((narrow, -0.1, 0.2, 80), (wide, -9.0, 5.0, 95)):
        inside = (low * width <= y) & (y <= high * width)
        assert inside[observed > 0].mean() == pytest.approx(percent / 100, abs=0.01)


def test_one_period_moves_the_widths_half_as_far_as_many(rng):
    y = rng.normal(size=(400, 5))
    bounds = torch.tensor([-0.5, 0.0, 0.5], dtype=torch.float64).expand(400, 5, 3)
    one, many = (interval_widths(bounds, make_batch(y, np.ones_like(y)), (80.0,), p)[0] for p in (1.0, 1e9))
    assert one == pytest.approx(many**0.5, rel=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_weighted_quantile_counts_each_value_as_often_as_it_weighs(share, rng):
    values, weights = rng.normal(size=200), rng.integers(1, 6, 200)
    repeated = np.quantile(np.repeat(values, weights), share, method="inverted_cdf")
    assert training.weighted_quantile(values, weights, share) == repeated


def test_widths_are_finite_when_an_interval_has_no_width():
    bounds = torch.zeros(10, 5, 3)
    for y in (np.zeros((10, 5)), np.ones((10, 5))):
        assert np.isfinite(interval_widths(bounds, make_batch(y, np.ones_like(y)), (80.0,), 1.0)).all()


def test_held_out_values_are_learned_from_last_and_only_then(hourly, monkeypatch):
    reaches, phases = [], []

    def watched(windows, index, model):
        reaches.append(windows.ends[index].max() + windows.h)
        return make(windows, index, model)

    make = training.make_batch
    monkeypatch.setattr(training, "make_batch", watched)
    monkeypatch.setattr(training, "train", lambda *args: phases.extend(args[3]) or train(*args))
    one = hourly.filter(unique_id="a")
    GRUForecaster(6, 48, 24, training=TrainingConfig(max_steps=20, batch_size=64)).fit(one, val_size=60)
    _, validation, *steps = reaches  # the first gives the network its sizes
    assert validation == len(one)
    assert [phase.steps for phase in phases] == [12, 8]
    assert max(steps[:12]) <= len(one) - 60
    assert max(steps[12:]) > len(one) - 60


@pytest.mark.parametrize(("val_size", "steps", "share"), [(0, 1, 1), (12, 1, 1), (12, 3, 0.5)])
def test_step_is_adamws_with_decay_and_on_what_was_held_out_at_half_the_rate(
    hourly, monkeypatch, val_size, steps, share
):
    seen, rate = [], 0.1

    def watched(network, loss, *rest):
        def look():
            seen.append([(w.detach().clone(), w.grad) for w in network.parameters()])

        history = train(network, lambda phase: look() or loss(phase), *rest)
        look()
        return history

    monkeypatch.setattr(training, "train", watched)
    config = TrainingConfig(max_steps=steps, batch_size=8, learning_rate=rate, schedule="constant")
    GRUForecaster(6, 48, 24, network=TINY["network"], training=config).fit(hourly, val_size=val_size)
    assert len(seen) == steps + 1
    for (before, _), (after, gradient) in zip(*seen[-2:], strict=True):
        move = gradient / (gradient.abs() + 1e-8) + 0.01 * before  # Adam's first step: its moments are the gradient's
        torch.testing.assert_close(after, before - share * rate * move, rtol=1e-5, atol=1e-7)


def test_data_are_hashed_once_a_fit(hourly, monkeypatch, tmp_path):
    hashed, parts = [], fingerprint.parts
    monkeypatch.setattr(fingerprint, "parts", lambda panel: hashed.append(panel) or parts(panel))
    GRUForecaster(6, 48, 24, **TINY).fit(hourly, checkpoint_dir=tmp_path)
    assert len(hashed) == 1


def test_loss_of_an_ensemble_is_the_mean_of_its_members(rng):
    y, forecast = rng.normal(size=(6, 4)), torch.from_numpy(rng.normal(size=(3, 6, 4, 1)))
    batch, median = make_batch(y, np.ones_like(y)), torch.tensor([0.5], dtype=torch.float64)
    single = [pinball_loss(member, batch, median).item() for member in forecast]
    assert pinball_loss(forecast, batch, median).item() == pytest.approx(np.mean(single))


def test_training_gives_the_same_bits_on_any_number_of_threads(hourly):
    config, trained, before = TrainingConfig(max_steps=4, batch_size=181), [], torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            trained.append(GRUForecaster(24, 24, 24, training=config).fit(hourly))
    finally:
        torch.set_num_threads(before)
    one, two = trained
    assert one.history_ == two.history_
    assert all((one.model_.weights[name] == two.model_.weights[name]).all() for name in one.model_.weights)


def test_widths_of_other_intervals_are_refused(fitted):
    require_widths(State(), fitted.model_)
    require_widths(State(widths=(1.0, 1.1)), fitted.model_)
    with pytest.raises(CheckpointError, match="3 widths, not 2: begin anew"):
        require_widths(State(widths=(1.0, 1.1, 1.2)), fitted.model_)


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
