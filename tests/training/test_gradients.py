"""Gradients beside torch's autograd on the same function written with torch's modules."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grucast import Covariates, NetworkConfig
from grucast.model.models import RegressionModel
from grucast.model.network import Inputs, SequenceNetwork, Sequences
from grucast.model.outputs.means import Means
from grucast.model.values import Values
from grucast.nn import GRU
from grucast.training.gradients import Gradients, Memory, Recorded, fold, spread
from tests.model.test_bits import DECLARED, random_weights, windows_and_model
from tests.model.torch_network import tensors, torch_twin


def gradients_of(network, weights, config, inputs, outer, memory=None, threads=1):
    """Values and gradients of the sum of the outputs times `outer`."""
    found = {name: np.full_like(array, np.nan) for name, array in weights.items()}
    slices = {name: array[None] for name, array in found.items()}
    o = Gradients(weights, slices, config, np.random.default_rng(0), threads, memory)
    result = network(o, inputs)
    o.backward(result, outer(result.array))
    return result.array, found


@settings(max_examples=25, deadline=None)
@given(
    layers=st.integers(1, 2),
    bidirectional=st.booleans(),
    reset_after=st.booleans(),
    declared=st.sampled_from(
        [
            DECLARED,
            Covariates(),
            Covariates(past=("temp", "sky")),
            Covariates(future=("offer",)),
            Covariates(static=("size",)),
        ]
    ),
    level=st.sampled_from([(), (80.0, 95.0)]),
    patch=st.sampled_from([None, 1, 4]),
    count=st.integers(1, 40),
)
def test_gradients_of_the_forecaster_are_autograds(layers, bidirectional, reset_after, declared, level, patch, count):
    rng = np.random.default_rng(count)
    shape = {"bidirectional": bidirectional, "reset_after": reset_after, "head_size": 7, "patch_size": patch}
    config = NetworkConfig(5, layers, head_dropout=0, **shape)
    windows, model = windows_and_model(rng, count, 3, config, declared=declared, level=level)
    features = model.features(windows.take(np.arange(count)))
    outer = rng.normal(size=(count, 3, model.output.size)).astype(np.float32)
    forecast, found = gradients_of(model.definition, model.weights, config, Inputs.of(features), lambda _: outer)
    twin = torch_twin(model.definition, model.weights).double()
    wanted = twin({name: t.double() if t.is_floating_point() else t for name, t in tensors(features).items()})
    (wanted * torch.from_numpy(outer)).sum().backward()
    np.testing.assert_allclose(forecast, wanted.detach().numpy(), rtol=1e-4, atol=1e-4)
    for name, parameter in twin.named_parameters():
        scale = max(1.0, float(parameter.grad.abs().max()))
        np.testing.assert_allclose(found[name], parameter.grad.numpy(), rtol=0, atol=2e-4 * scale, err_msg=name)


def ends_of(output, h_n, lengths, ends):
    """What a network reads of torch's outputs and final states of its last layer."""
    state = torch.cat(list(h_n[-1 - (output.shape[2] > h_n.shape[2]) :]), 1)
    there = (torch.arange(output.shape[1]) < torch.from_numpy(lengths)[:, None])[..., None]
    largest = output.masked_fill(~there, -9).amax(1)
    return {"gru": output, "gru_state": state, "gru_summary": torch.cat([state, largest], 1)}[ends]


@pytest.mark.parametrize("ends", ["gru", "gru_state", "gru_summary"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_of_sequences_of_unequal_lengths_are_autograds(bidirectional, ends, rng):
    config = NetworkConfig(4, 2, bidirectional=bidirectional)
    network = SequenceNetwork(config, 3, Means(2), ends)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape, _ in network.parameters()}
    lengths, x = np.array([6, 1, 4, 3, 6]), rng.normal(size=(5, 6, 3)).astype(np.float32)
    value, found = gradients_of(network, weights, config, Sequences(x, lengths), np.ones_like)
    gru = GRU(3, 4, 2, batch_first=True, bidirectional=bidirectional).double()
    fc = torch.nn.Linear(weights["fc.weight"].shape[1], 2).double()
    gru.load_state_dict({k[4:]: torch.from_numpy(v) for k, v in weights.items() if k.startswith("gru.")})
    fc.load_state_dict({k[3:]: torch.from_numpy(v) for k, v in weights.items() if k.startswith("fc.")})
    wanted = fc(ends_of(*gru(torch.from_numpy(x).double(), lengths=torch.from_numpy(lengths)), lengths, ends))
    wanted.sum().backward()
    np.testing.assert_allclose(value, wanted.detach().numpy(), atol=1e-4)
    for prefix, module in (("gru.", gru), ("fc.", fc)):
        for name, parameter in module.named_parameters():
            np.testing.assert_allclose(found[prefix + name], parameter.grad.numpy(), rtol=1e-3, atol=1e-4)


def test_gradient_of_the_largest_is_shared_by_those_that_are_equal():
    outputs = np.array([[[0.5], [-1.0], [0.5]]], np.float32)
    assert spread(np.array([[3.0]]), outputs, np.array([[0.5]])).tolist() == [[[1.5], [0.0], [1.5]]]


OPERATIONS = {
    "relu": lambda o, x: o.relu(x),
    "softplus": lambda o, x: o.softplus(x),
    "add": lambda o, x: o.add(x, o.unsqueeze(o.cut(o.mean(x, 1), 0, 4), 1)),
    "add a constant": lambda o, x: o.add(np.ones((3, 5, 4)), x),
    "subtract": lambda o, x: o.subtract(o.unsqueeze(o.mean(x, 1), 1), x),
    "mean": lambda o, x: o.mean(x, 2),
    "combine": lambda o, x: o.combine(o.mean(x, 2), x),
    "combine constants": lambda o, x: o.combine(o.mean(x, 2), np.ones((3, 5, 4))),
    "cumsum": lambda o, x: o.cumsum(o.relu(x)),
    "cumsum from the end": lambda o, x: o.cumsum(x, reverse=True),
    "cut": lambda o, x: o.cut(x, 1, 3),
    "concat": lambda o, x: o.concat([x, np.ones((3, 5, 2)), o.cut(x, 0, 1)], 2),
    "reshape": lambda o, x: o.reshape(x, (2, -1)),
    "unsqueeze": lambda o, x: o.unsqueeze(x, -1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_derivative_of_an_operation_is_the_difference_quotient(name, rng):
    o, x = Gradients({}, {}, NetworkConfig(), rng), rng.normal(size=(3, 5, 4))
    plain = OPERATIONS[name](Values({}, NetworkConfig()), x)
    outer, leaf = rng.normal(size=plain.shape), Recorded(x)
    result = OPERATIONS[name](o, leaf)
    np.testing.assert_array_equal(result.array, plain)
    o.backward(result, outer)
    for place in [(0, 0, 0), (2, 4, 3), (1, 2, 1)]:
        moved = x.copy()
        moved[place] += 1e-6
        change = ((OPERATIONS[name](Values({}, NetworkConfig()), moved) - plain) * outer).sum()
        assert leaf.gradient[place] == pytest.approx(change / 1e-6, abs=1e-4)


def test_what_holds_no_parameter_is_not_recorded(rng):
    o, x = Gradients({}, {}, NetworkConfig(), rng), rng.normal(size=(3, 5, 4))
    for operation in OPERATIONS.values():
        assert isinstance(operation(o, x), np.ndarray)


def test_dropout_drops_its_share_and_keeps_the_mean(rng):
    o, ones = Gradients({}, {}, NetworkConfig(), rng), Recorded(np.ones((400, 50), np.float32))
    dropped = o.dropout(ones, 0.2)
    assert (dropped.array == 0).mean() == pytest.approx(0.2, abs=0.02)
    assert set(np.unique(dropped.array)) == {np.float32(0), np.float32(1.25)}
    o.backward(dropped, np.ones((400, 50), np.float32))
    np.testing.assert_array_equal(ones.gradient, dropped.array)
    assert o.dropout(ones, 0.0) is ones


@pytest.mark.parametrize("reset_after", [True, False])
def test_bits_depend_neither_on_threads_nor_on_memory_that_was_used_before(reset_after, rng):
    config = NetworkConfig(40, 2, reset_after=reset_after, bidirectional=True)
    model = RegressionModel(9, 2, config, {})
    weights, x = random_weights(rng, model), rng.normal(size=(100, 30, 9)).astype(np.float32)
    memory, runs = Memory(), []
    for threads in (1, 2, 3):
        runs.append(gradients_of(model.definition, weights, config, Sequences(x), np.ones_like, memory, threads))
    for value, found in runs[1:]:
        np.testing.assert_array_equal(value, runs[0][0])
        assert all((found[name] == runs[0][1][name]).all() for name in found)


def test_gradient_of_what_was_broadcast_is_its_sum(rng):
    d = rng.normal(size=(3, 5, 4))
    np.testing.assert_allclose(fold(d, (3, 1, 4)), d.sum(1, keepdims=True))
    assert fold(d, (3, 5, 4)) is d
