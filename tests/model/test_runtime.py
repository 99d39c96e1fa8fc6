import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
from grucast.data.encoding import encode, fit_schema
from grucast.data.features import make_features
from grucast.data.panel import make_panel
from grucast.data.windows import last_windows
from grucast.kernels import native
from grucast.model.models import at_levels
from grucast.model.runtime import HEAD, NONE, forecast_quantiles, head, non_crossing, regress
from grucast.nn import networks
from grucast.training.loop import to_arrays

SHAPES = [
    NetworkConfig(hidden_size=5, num_layers=layers, bidirectional=both, reset_after=after, head_size=7)
    for layers in (1, 2)
    for both in (False, True)
    for after in (False, True)
]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(3)


@pytest.mark.parametrize("shape", SHAPES)
def test_regression_equals_the_torch_network(shape, rng):
    network = networks.GRUNet(3, 5, shape.num_layers, 2, 0.0, shape.bidirectional, shape.reset_after).eval()
    x = rng.normal(size=(4, 9, 3)).astype(np.float32)
    got = regress(x, shape, to_arrays(network))
    np.testing.assert_allclose(got, network(torch.from_numpy(x)).detach().numpy(), atol=1e-6)


@pytest.fixture
def shop(hourly):
    """Series with covariates of each role, numbers and text."""
    rows = len(hourly)
    return hourly.with_columns(
        temp=pl.int_range(rows) % 7,
        sky=pl.Series(["clear", "rain", None] * (rows // 3)),
        price=pl.int_range(rows) % 5 / 2,
        offer=pl.Series(["yes", "no"] * (rows // 2)),
        size=pl.col("unique_id").replace_strict({"a": 1.0, "b": 3.0}),
        region=pl.col("unique_id"),
    )


@pytest.fixture
def features(shop):
    """Windows of them."""
    declared = Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region"))
    panel = make_panel(shop, covariates=declared)
    schema = fit_schema(panel, declared, ("day",))
    windows = last_windows(panel, encode(panel, schema), 30, 6, drop=6)
    return make_features(windows.take(np.arange(2)), schema, (24,)), schema


@pytest.mark.parametrize("shape", SHAPES)
def test_forecast_equals_the_torch_network(shape, features):
    x, schema = features
    inputs = networks.Inputs(*(torch.from_numpy(getattr(x, name)) for name in networks.Inputs._fields))
    network = networks.ForecastNetwork(inputs, 5, schema, shape).eval()
    for last in (network.out, network.step_out):  # they start at zero, which would hide the rest
        torch.nn.init.normal_(last.weight)
    got = forecast_quantiles(x, 1, shape, to_arrays(network))
    np.testing.assert_allclose(got, network(inputs).detach().numpy(), atol=2e-5)
    assert got.dtype == np.float32


@pytest.mark.parametrize("shape", SHAPES[::3])
def test_trained_ensemble_forecasts_what_its_torch_networks_do(shape, shop):
    declared = Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region"))
    training = TrainingConfig(max_steps=20, batch_size=8, ensemble=3)
    forecaster = GRUForecaster(6, 48, 24, covariates=declared, network=shape, training=training).fit(shop)
    model, panel = forecaster.model_, make_panel(shop, covariates=declared)
    windows = last_windows(panel, encode(panel, model.schema), 48, 6, drop=6)
    x = make_features(windows.take(np.arange(2)), model.schema, model.seasons)
    inputs = networks.Inputs(*(torch.from_numpy(getattr(x, name)) for name in networks.Inputs._fields))
    ensemble = networks.Ensemble(networks.ForecastNetwork(inputs, 5, model.schema, shape) for _ in range(3)).eval()
    ensemble.load_state_dict({name: torch.from_numpy(values) for name, values in model.weights.items()})
    expected = x.restore(at_levels(ensemble(inputs).detach().numpy(), model.level, model.widths, model.level))
    np.testing.assert_allclose(model.forecast(windows), expected, rtol=1e-5)


@given(arrays(np.float32, (2, 3, 5), elements=st.floats(-100, 100, width=32)))
def test_quantiles_never_cross(raw):
    forecast = non_crossing(np.zeros((2, 3), np.float32), raw)
    assert (np.diff(forecast, axis=-1) >= 0).all()
    np.testing.assert_array_equal(forecast[..., 2], raw[..., 2])


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@pytest.mark.parametrize("known", [0, 5])
@pytest.mark.parametrize("fixed", [0, 3])
def test_the_kernels_head_equals_numpys(known, fixed, rng):
    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    shapes = {
        "hidden": (16, 8 + 4 * 6 + fixed),
        "out": (6 * 5, 16),
        "step_state": (7, 16),
        "step": (7, known),
        "step_out": (5, 7),
    }
    weights = {f"{name}.weight": draw(*shape) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": draw(shape[0]) for name, shape in shapes.items() if name != "step"}
    arguments = draw(40, 8), draw(40, 4, 6), draw(40, fixed), draw(40, 6, known)
    names = HEAD if known else HEAD[:4]
    got = native.head(*arguments, [weights.get(name, NONE) for name in names], (40, 6, 5))
    np.testing.assert_allclose(got, head(*arguments, weights), rtol=1e-5, atol=1e-5)
