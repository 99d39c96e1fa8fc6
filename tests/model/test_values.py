from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from tests.model.test_bits import random_weights, windows_and_model
from tests.model.torch_network import tensors, torch_twin

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
from grucast.data.encoding import encode
from grucast.data.panel import make_panel
from grucast.data.windows import last_windows
from grucast.kernels import forecaster, native
from grucast.model.models import RegressionModel
from grucast.model.network import Inputs, Sequences
from grucast.model.outputs.quantiles import Quantiles
from grucast.model.values import LAYERS, NONE, Traced, Values
from grucast.nn import GRU, GRUNet

SHAPES = [
    NetworkConfig(5, layers, bidirectional=both, reset_after=after, head_size=7, patch_size=12 if both else None)
    for layers in (1, 2)
    for both in (False, True)
    for after in (False, True)
]


@pytest.mark.parametrize("shape", SHAPES)
def test_regression_equals_the_torch_network(shape, rng):
    network = GRUNet(3, 5, shape.num_layers, 2, 0.0, shape.bidirectional, shape.reset_after).eval()
    weights = {name: array.numpy() for name, array in network.state_dict().items()}
    x = rng.normal(size=(4, 9, 3)).astype(np.float32)
    got = RegressionModel(3, 2, shape, weights).predict(Sequences(x))
    np.testing.assert_allclose(got, network(torch.from_numpy(x)).detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_regression_of_unequal_lengths_is_that_of_each_alone(shape, rng):
    model = RegressionModel(3, 2, shape, {}, per_step=shape.num_layers == 1)
    weights = random_weights(rng, model)
    o, run = Values(weights, shape), model.definition
    x, lengths = rng.normal(size=(4, 9, 3)).astype(np.float32), np.array([9, 1, 5, 2])
    together = run(o, Sequences(x, lengths))
    for row, length in enumerate(lengths):
        alone = run(o, Sequences(x[row : row + 1, :length]))
        np.testing.assert_array_equal(together[row, :length] if model.per_step else together[row], alone[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_forecast_equals_the_torch_network(shape, rng):
    windows, model = windows_and_model(rng, 9, 6, shape)
    features = model.features(windows.take(np.arange(9)))
    got = model.definition(Values(model.weights, shape), Inputs.of(features))
    wanted = torch_twin(model.definition, model.weights)(tensors(features)).detach().numpy()
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)
    assert got.dtype == np.float32


@pytest.mark.parametrize("shape", SHAPES[::3])
def test_trained_ensemble_forecasts_what_its_torch_networks_do(shape, hourly):
    declared = Covariates(static=("region",))
    shop = hourly.with_columns(region=pl.col("unique_id"))
    training = TrainingConfig(max_steps=20, batch_size=8, ensemble=3)
    model = GRUForecaster(6, 48, 24, covariates=declared, network=shape, training=training).fit(shop).model_
    panel = make_panel(shop, covariates=declared)
    windows = last_windows(panel, encode(panel, model.schema), 48, 6, drop=6)
    x = model.features(windows.take(np.arange(2)))
    twins = [torch_twin(model.definition, own)(tensors(x)).detach().numpy() for own in model.each_weights]
    z = np.mean(twins, axis=0, dtype=np.float64)
    expected = x.restore(model.output.at(Values({}, shape), z, model.factors, model.level))
    np.testing.assert_allclose(model.forecast(windows), expected, rtol=1e-5)


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@pytest.mark.parametrize("known", [0, 5])
@pytest.mark.parametrize("fixed", [0, 3])
@pytest.mark.parametrize("level", [(), (80.0, 95.0)])
@pytest.mark.parametrize("smoothed", [False, True])
def test_the_kernels_head_equals_the_operations(known, fixed, level, smoothed, rng):
    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    output = Quantiles(level)
    shapes = {
        "hidden": (16, 8 + 4 * 6 + fixed),
        "out": (6 * output.size, 16),
        "mix": (4, 16),
        "step_state": (7, 16),
        "step": (7, known),
        "step_out": (output.size, 7),
    }
    weights = {f"{name}.weight": draw(*shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": draw(shape[0]) for name, shape in shapes.items() if name != "step"}
    state, continuations, static, ahead = draw(40, 8), draw(40, 4, 6), draw(40, fixed), draw(40, 6, known)
    unused = ("mix",) * (not smoothed) + LAYERS[3:] * (not known)
    names = [f"{layer}.{part}" for layer in LAYERS if layer not in unused for part in ("weight", "bias")]
    got = forecaster.head(
        state, continuations, static, ahead, [weights.get(name, NONE) for name in names], (40, 6, output.size)
    )
    _, model = windows_and_model(rng, 2, 6, NetworkConfig(8, head_size=16), level=level)
    model = replace(model, smoothed=smoothed)
    o = Values(weights, NetworkConfig())
    wanted = model.definition.head(o, state, continuations, [static], [ahead] if known else [])
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_traced_gates_are_those_of_the_torch_layer(shape, rng):
    model = RegressionModel(3, 2, shape, {})
    weights, x = random_weights(rng, model), rng.normal(size=(4, 9, 3)).astype(np.float32)
    traced = Traced(weights, shape)
    np.testing.assert_allclose(
        model.definition(traced, Sequences(x)), model.definition(Values(weights, shape), Sequences(x)), atol=1e-5
    )
    gru = GRU(3, 5, shape.num_layers, True, True, 0.0, shape.bidirectional, shape.reset_after)
    gru.load_state_dict({k[4:]: torch.from_numpy(v) for k, v in weights.items() if k.startswith("gru.")})
    with torch.no_grad():
        expected = gru.trace(torch.from_numpy(x))
    for got, wanted in zip(traced.gates, expected, strict=True):
        for part, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(part, other.numpy(), atol=1e-5)
