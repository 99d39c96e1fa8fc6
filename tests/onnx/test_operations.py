import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.onnx.pieces import compute

from grucast.model.config import NetworkConfig
from grucast.model.outputs.quantiles import Quantiles
from grucast.model.values import Values
from grucast.onnx.operations import Graph, update_first

PLAIN = NetworkConfig()


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_steps_and_final_states_are_those_of_torch(layers, both, rng):
    torch.manual_seed(3)
    gru = torch.nn.GRU(4, 5, layers, batch_first=True, bidirectional=both)
    weights = {f"gru.{name}": value.detach().numpy() for name, value in gru.named_parameters()}
    shape = NetworkConfig(hidden_size=5, num_layers=layers, bidirectional=both)
    x = rng.normal(size=(3, 9, 4)).astype(np.float32)

    def run(last):
        def build(g, x):
            o = Graph(g, weights, shape)
            for layer in range(layers - 1):
                x = o.gru(x, layer)
            return [getattr(o, last)(x, layers - 1)]

        return compute(build, x=x)[0]

    steps, state = run("gru"), run("gru_state")
    output, final = (value.detach().numpy() for value in gru(torch.from_numpy(x)))
    np.testing.assert_allclose(steps, output, atol=1e-6)
    np.testing.assert_allclose(state, np.concatenate(final[-2:] if both else final[-1:], axis=1), atol=1e-6)


def test_gates_are_in_the_operators_order():
    np.testing.assert_array_equal(update_first(np.repeat([1, 2, 3], 2)), [2, 2, 1, 1, 3, 3])


OPERATIONS = {
    "relu": lambda o, x, _: o.relu(x),
    "softplus": lambda o, x, _: o.softplus(x),
    "add": lambda o, x, y: o.add(x, o.unsqueeze(y, 1)),
    "subtract": lambda o, x, y: o.subtract(o.unsqueeze(y, 1), x),
    "maximum": lambda o, x, y: o.maximum(x, o.unsqueeze(y, 1)),
    "mean": lambda o, x, _: o.mean(x, 1),
    "cumsum": lambda o, x, _: o.cumsum(x),
    "cumsum from the end": lambda o, x, _: o.cumsum(x, reverse=True),
    "cut": lambda o, x, _: o.cut(x, 1, 3),
    "concat": lambda o, x, _: o.concat([x, x], 2),
    "concat one": lambda o, x, _: o.reshape(o.concat([x], 2), (4, 5)),
    "reshape": lambda o, x, _: o.reshape(x, (2, -1)),
    "linear": lambda o, x, _: o.linear(x, "a"),
    "linear of two axes, without bias": lambda o, _, y: o.linear(y, "b"),
    "dropout": lambda o, x, _: o.relu(o.dropout(x, 0.5)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_that_of_arrays(name, rng):
    weights = {
        "a.weight": rng.normal(size=(3, 5)).astype(np.float32),
        "a.bias": rng.normal(size=3).astype(np.float32),
        "b.weight": rng.normal(size=(2, 5)).astype(np.float32),
    }
    x, y = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.normal(size=(3, 5)).astype(np.float32)
    (got,) = compute(lambda g, x, y: [OPERATIONS[name](Graph(g, weights, PLAIN), x, y)], x=x, y=y)
    np.testing.assert_allclose(got, OPERATIONS[name](Values(weights, PLAIN), x, y), rtol=1e-5, atol=1e-6)


def test_vectors_of_categories_are_those_of_arrays(rng):
    weights, codes = {"embed.1.weight": rng.normal(size=(4, 3)).astype(np.float32)}, rng.integers(4, size=(2, 5))
    (got,) = compute(lambda g, codes: [Graph(g, weights, PLAIN).embed(codes, 1)], codes=codes)
    np.testing.assert_array_equal(got, Values(weights, PLAIN).embed(codes, 1))


@pytest.mark.parametrize("level", [(), (80.0, 95.0)])
def test_quantiles_are_those_of_numpy(level, rng):
    output = Quantiles(level)
    raw = rng.normal(0, 30, (3, 4, output.size)).astype(np.float32)
    base = rng.normal(size=(3, 4)).astype(np.float32)
    (got,) = compute(lambda g, base, raw: [output.predict(Graph(g, {}, PLAIN), raw, base)], base=base, raw=raw)
    np.testing.assert_allclose(got, output.predict(Values({}, PLAIN), raw, base), rtol=1e-5, atol=1e-5)


@given(arrays(np.float64, (2, 3), elements=st.floats(0, 10)), st.tuples(*[st.floats(0, 3)] * 3))
def test_factors_stretch_intervals_as_in_numpy(distances, factors):
    far = distances.cumsum(1)
    z = np.concatenate([-far[:, ::-1], np.zeros((2, 1)), 2 * far], axis=1)[:, None] + 1
    output = Quantiles((50.0, 80.0, 95.0))
    (got,) = compute(lambda g, z: [output.calibrated(Graph(g, {}, PLAIN), z, factors)], z=z)
    np.testing.assert_allclose(got, output.calibrated(Values({}, PLAIN), z, factors), atol=1e-12)
