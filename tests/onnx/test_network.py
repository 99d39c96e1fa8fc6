import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.onnx.pieces import compute

from grucast.model.config import NetworkConfig
from grucast.model.models import at_levels
from grucast.model.runtime import non_crossing
from grucast.onnx import network as piece


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_final_state_is_that_of_torch(layers, both, rng):
    torch.manual_seed(3)
    gru = torch.nn.GRU(4, 5, layers, batch_first=True, bidirectional=both)
    weights = {f"gru.{name}": value.detach().numpy() for name, value in gru.named_parameters()}
    shape = NetworkConfig(hidden_size=5, num_layers=layers, bidirectional=both)
    x = rng.normal(size=(3, 9, 4)).astype(np.float32)
    (got,) = compute(lambda g, x: [piece.final_state(g, x, shape, weights)], x=x)
    final = gru(torch.from_numpy(x))[1].detach().numpy()
    np.testing.assert_allclose(got, np.concatenate(final[-2:] if both else final[-1:], axis=1), atol=1e-6)


def test_gates_are_in_the_operators_order():
    np.testing.assert_array_equal(piece.update_first(np.repeat([1, 2, 3], 2)), [2, 2, 1, 1, 3, 3])


@pytest.mark.parametrize("count", [1, 5])
def test_quantiles_are_those_of_numpy(count, rng):
    raw = rng.normal(0, 30, (3, 4, count)).astype(np.float32)
    base = rng.normal(size=(3, 4)).astype(np.float32)
    (got,) = compute(lambda g, base, raw: [piece.non_crossing(g, base, raw, count // 2)], base=base, raw=raw)
    np.testing.assert_allclose(got, non_crossing(base, raw), rtol=1e-5, atol=1e-5)


@given(arrays(np.float64, (2, 3), elements=st.floats(0, 10)), st.tuples(*[st.floats(0, 3)] * 3))
def test_widths_stretch_intervals_as_in_numpy(distances, widths):
    far = distances.cumsum(1)
    z = np.concatenate([-far[:, ::-1], np.zeros((2, 1)), 2 * far], axis=1)[:, None] + 1
    (got,) = compute(lambda g, z: [piece.calibrated(g, z, widths)], z=z)
    level = (50.0, 80.0, 95.0)
    np.testing.assert_allclose(got, at_levels(z, level, widths, level), atol=1e-12)
