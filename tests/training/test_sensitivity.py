"""Derivatives of a forecast beside difference quotients in double precision, and beside torch's autograd."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grucast import Covariates, NetworkConfig
from grucast.data import features
from grucast.kernels import native
from grucast.training.sensitivity import sensitivity_of, slopes_of
from tests.model.test_bits import windows_and_model
from tests.model.torch_network import tensors, torch_twin

SHAPES = {
    "one layer": {},
    "two layers, both ways": {"num_layers": 2, "bidirectional": True},
    "reset before": {"reset_after": False},
    "patches": {"patch_size": 8},
    "dropout": {"num_layers": 2, "dropout": 0.5, "head_dropout": 0.5},
}


class Double:
    """NumPy, but what it calls single precision is double."""

    float32 = np.float64

    def __getattr__(self, name):
        return getattr(np, name)


def one_window(rng, shape, row=0, **options):
    windows, model = windows_and_model(rng, 3, 5, NetworkConfig(5, head_size=7, **shape), **options)
    return windows.take(np.array([row])), model


def in_double(monkeypatch):
    """From here on all is computed by NumPy in double precision."""
    monkeypatch.setattr(features, "np", Double())
    monkeypatch.setattr(native, "available", lambda: False)


def doubled(model):
    return replace(model, weights={name: array.astype(np.float64) for name, array in model.weights.items()})


def medians(model, window):
    free = window._replace(nonnegative=np.zeros(1, bool))
    return model.unsettled(free, model.level)[0, :, len(model.level)]


def quotient(model, window, part, place, step):
    """How the medians change with one number of a window, by central differences."""
    moved = []
    for sign in (1, -1):
        array = getattr(window, part).astype(np.float64)
        array[place] += sign * step
        moved.append(medians(model, window._replace(**{part: array})))
    return (moved[0] - moved[1]) / (2 * step)


def differences(model, window, scale):
    steps = [quotient(model, window, "history", (0, t), 1e-6 * scale) for t in range(window.history.shape[1])]
    return np.where(np.isnan(window.history), np.nan, np.stack(steps, 1))


def is_near(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * np.nanmax(np.abs(wanted)))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("members", [1, 3])
def test_sensitivity_is_the_difference_quotient_of_the_whole_forecast(name, members, rng, monkeypatch):
    window, model = one_window(rng, SHAPES[name], members=members)
    found = sensitivity_of(model, window).values
    in_double(monkeypatch)
    is_near(found, differences(doubled(model), window, model.features(window).scale[0, 0]))


@pytest.mark.parametrize("seasons", [(1,), (4,), (24,), (4, 12), (48,)])
@pytest.mark.parametrize("smoothed", [True, False])
def test_sensitivity_holds_for_any_seasons_and_for_earlier_versions(seasons, smoothed, rng, monkeypatch):
    window, model = one_window(rng, {}, declared=Covariates(), seasons=seasons)
    if not smoothed:
        network = replace(model, smoothed=False).definition
        weights = {p.name: rng.normal(0, 0.3, p.shape).astype(np.float32) for p in network.parameters()}
        model = replace(model, smoothed=False, weights=weights)
    found = sensitivity_of(model, window).values
    in_double(monkeypatch)
    is_near(found, differences(doubled(model), window, model.features(window).scale[0, 0]))


def cut(kind, history):
    """A window of a kind that is seldom."""
    if kind == "short history":
        history[:, :30] = np.nan
    elif kind == "younger than a season":
        history[:, :-9] = np.nan
    elif kind == "nothing of late":
        history[:, -10:] = np.nan
    elif kind == "one value":
        history[:, np.arange(48) != 40] = np.nan
    elif kind == "spike":
        history[0, 20] = 1e5 * np.nanmax(np.abs(history))
    elif kind == "far from zero":
        history += 1000 * np.nanmax(np.abs(history))
    return history


@pytest.mark.parametrize(
    "kind", ["short history", "younger than a season", "nothing of late", "one value", "spike", "far from zero"]
)
def test_sensitivity_holds_in_windows_that_are_seldom(kind, rng, monkeypatch):
    window, model = one_window(rng, {})
    history = cut(kind, window.history.copy())
    if kind == "one value":
        history[0, 40] = -3.0
    window = window._replace(history=history)
    found = sensitivity_of(model, window).values
    if kind == "spike":
        assert np.isnan(found[:, 20]).all()
        history[0, 20] = np.nan
    in_double(monkeypatch)
    is_near(found, differences(doubled(model), window, model.features(window).scale[0, 0]))


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_window_of_equal_values_has_no_derivative(value, rng):
    window, model = one_window(rng, {})
    found = sensitivity_of(model, window._replace(history=np.full((1, 48), value)))
    assert np.isnan(found.values).all()
    assert (found.covariates["price"][:, 48:] == 0).all()  # its scale is 0, so it is forecast as it is


def test_sensitivity_of_covariates_is_the_difference_quotient(rng, monkeypatch):
    window, model = one_window(rng, {"patch_size": 4})
    numbers = window.numbers.copy()
    numbers[0, [3, 47, 49], 1] = np.nan
    window = window._replace(numbers=numbers)
    found = sensitivity_of(model, window).covariates
    assert list(found) == ["temp", "price", "size"]
    in_double(monkeypatch)
    model = doubled(model)
    columns = model.schema.known
    for place, name in enumerate(("temp", "price")):
        steps = range(48 if name == "temp" else 53)
        own = np.stack([quotient(model, window, "numbers", (0, t, place), 1e-5) for t in steps], 1)
        wanted = np.where(np.isnan(numbers[0, steps, place]), np.nan, own / columns[name].scale)
        is_near(found[name][:, steps], wanted)
    assert np.isnan(found["temp"][:, 48:]).all()
    own = quotient(model, window, "static_numbers", (0, 0), 1e-5) / columns["size"].scale
    is_near(found["size"], own)


@pytest.mark.parametrize("name", SHAPES)
def test_slopes_of_the_network_are_autograds(name, rng):
    window, model = one_window(rng, SHAPES[name])
    seen = model.features(window)
    _, slopes = slopes_of(model, model.weights, seen)
    twin = torch_twin(model.definition, model.weights).double()
    x = {key: t.double() if t.is_floating_point() else t for key, t in tensors(seen).items()}
    leaves = {key: x[key].requires_grad_() for key in slopes._fields}
    forecast = twin(x)
    for step in range(5):
        wanted = torch.autograd.grad(forecast[0, step, 2], list(leaves.values()), retain_graph=True)
        for key, own in zip(leaves, wanted, strict=True):
            np.testing.assert_allclose(getattr(slopes, key)[step], own[0].numpy(), rtol=1e-3, atol=1e-4, err_msg=key)


def test_sensitivity_does_not_depend_on_how_many_steps_are_computed_at_once(rng, monkeypatch):
    window, model = one_window(rng, {}, members=2)
    whole = sensitivity_of(model, window)
    monkeypatch.setattr("grucast.model.models.CHUNK", 2)
    monkeypatch.setattr("grucast.data.slopes.CELLS", 100)
    parts = sensitivity_of(model, window)
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-4, atol=1e-6)
