import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast import NetworkConfig
from grucast.model.runtime import forecast_quantiles, non_crossing, regress
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


@pytest.mark.parametrize("shape", SHAPES)
def test_forecast_equals_the_torch_network(shape, rng):
    network = networks.ForecastNetwork(channels=3, continuations=2, h=6, quantiles=5, config=shape).eval()
    torch.nn.init.normal_(network.out.weight)  # it starts at zero, which would hide the GRU
    inputs, continuations = (rng.normal(size=s).astype(np.float32) for s in ((4, 9, 3), (4, 2, 6)))
    got = forecast_quantiles(inputs, continuations, shape, to_arrays(network))
    wanted = network(torch.from_numpy(inputs), torch.from_numpy(continuations)).detach().numpy()
    np.testing.assert_allclose(got, wanted, atol=2e-5)
    assert got.dtype == np.float32


@given(arrays(np.float32, (2, 3, 5), elements=st.floats(-100, 100, width=32)))
def test_quantiles_never_cross(raw):
    forecast = non_crossing(np.zeros((2, 3), np.float32), raw)
    assert (np.diff(forecast, axis=-1) >= 0).all()
    np.testing.assert_array_equal(forecast[..., 2], raw[..., 2])
