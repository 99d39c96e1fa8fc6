from dataclasses import replace

import numpy as np
import pytest
import torch

from grucast import NetworkConfig
from grucast.forecasting.explain import explain_windows
from grucast.nn import GRU
from tests.model.test_bits import windows_and_model

SHAPES = [
    NetworkConfig(hidden_size=5, num_layers=layers, bidirectional=both, reset_after=after, head_size=7)
    for layers in (1, 2)
    for both in (False, True)
    for after in (False, True)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_gates_are_those_of_the_torch_layer(shape, rng):
    windows, model = windows_and_model(rng, 3, 6, shape)
    features = model.features(windows.take(np.arange(3)))
    embedded = [model.weights[f"embed.{place}.weight"][features.codes[..., place]] for place in range(2)]
    x = np.concatenate([features.inputs, *embedded], 2)
    gru = GRU(x.shape[2], 5, shape.num_layers, True, True, 0.0, shape.bidirectional, shape.reset_after)
    gru.load_state_dict({k[4:]: torch.from_numpy(v) for k, v in model.weights.items() if k.startswith("gru.")})
    with torch.no_grad():
        expected = gru.trace(torch.from_numpy(x))
    for row, explanation in enumerate(explain_windows(model, windows)):
        for got, wanted in zip(explanation.gates, expected, strict=True):
            for part, other in zip(got, wanted, strict=True):
                np.testing.assert_allclose(part, other[row].numpy(), atol=1e-5)


def test_window_scale_and_seasons_are_those_of_the_series(rng):
    windows, model = windows_and_model(rng, 2, 6, NetworkConfig(4, head_size=4))
    panel = windows.panel
    first, other = explain_windows(model, windows)
    np.testing.assert_array_equal(other.values, panel.series(1)[-54:-6])
    np.testing.assert_array_equal(other.observed, ~np.isnan(other.values))
    assert other.times[-1] == panel.times(np.array([-6]))[1, 0]
    assert (np.diff(np.append(other.times, other.ahead)) == np.timedelta64(1, "h")).all()
    assert len(other.ahead) == 6
    assert list(other.continuations) == [4, 24]
    for season, places in ((4, [40, 36, 44]), (24, [0, 24])):
        wanted = [np.nanmean(other.values[np.array(places) + k % season]) for k in range(6)]
        np.testing.assert_allclose(other.continuations[season][1], wanted, rtol=1e-6, atol=1e-6 * other.scale)
    assert first.scale != other.scale


def test_continuations_scale_with_the_series(rng):
    windows, model = windows_and_model(rng, 1, 6, NetworkConfig(4, head_size=4))
    larger = replace(windows, panel=replace(windows.panel, values=windows.panel.values * 1000))
    one, other = explain_windows(model, windows)[0], explain_windows(model, larger)[0]
    np.testing.assert_allclose(other.continuations[24], one.continuations[24] * 1000, rtol=1e-6)
    assert (other.centre, other.scale) == pytest.approx((one.centre * 1000, one.scale * 1000))
    np.testing.assert_allclose(other.gates[0].hidden, one.gates[0].hidden, atol=1e-5)


@pytest.mark.parametrize(("patch", "steps"), [(1, 10), (12, 120)])
def test_memory_length_is_that_of_a_leaky_unit_in_steps_of_the_series(patch, steps, rng):
    windows, model = windows_and_model(rng, 1, 6, NetworkConfig(4, head_size=4, patch_size=patch))
    explanation = explain_windows(model, windows)[0]
    constant = explanation.gates[0]._replace(update=np.full((48 // patch, 4), 0.9, np.float32))
    leaky = replace(explanation, gates=(constant,))
    assert leaky.memory_length[0] == pytest.approx([steps] * 4)
    assert leaky.memory[0] == pytest.approx([10] * 4)  # in steps of the GRU


def test_median_is_what_the_model_forecasts(rng):
    windows, model = windows_and_model(rng, 3, 6, NetworkConfig(4, head_size=4), members=2)
    wanted = model.forecast_unbounded(windows)[..., 2]
    for own, explanation in zip(wanted, explain_windows(model, windows), strict=True):
        np.testing.assert_allclose(explanation.median, own, rtol=1e-4, atol=1e-5 * explanation.scale)


def test_median_is_the_weighed_continuations_where_the_head_adds_nothing(rng):
    windows, model = windows_and_model(rng, 1, 6, NetworkConfig(4, head_size=4))
    quiet = {name: array * (not name.startswith(("out.", "step_out."))) for name, array in model.weights.items()}
    (explanation,) = explain_windows(replace(model, weights=quiet), windows)
    parts = np.concatenate([*explanation.continuations.values(), explanation.levels])
    np.testing.assert_allclose(explanation.levels[0], explanation.values[explanation.observed][-1], rtol=1e-5)
    wanted = explanation.centre + explanation.mix @ (parts - explanation.centre)
    np.testing.assert_allclose(explanation.median, wanted, rtol=1e-5, atol=1e-5 * explanation.scale)


def test_each_member_of_an_ensemble_has_its_gates(rng):
    windows, model = windows_and_model(rng, 1, 6, NetworkConfig(4, head_size=4), members=3)
    gates = explain_windows(model, windows)[0].gates
    assert len(gates) == 3
    assert (gates[0].update != gates[1].update).any()
