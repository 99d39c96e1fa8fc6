"""The operations by torch beside the executors on arrays, and beside modules called directly."""

import numpy as np
import pytest
import torch
from torch import nn

from grucast import NetworkConfig
from grucast.model.network import Inputs, SequenceNetwork, Sequences
from grucast.model.outputs.means import Means
from grucast.model.values import Values
from grucast.nn.operations import LAYERS, TorchOperations, as_tensors, on_threads
from grucast.training.gradients import Gradients
from tests.model.test_bits import DECLARED, windows_and_model

OURS = {True: "grucast.nn.GRU", False: "grucast.nn.GRU, reset_after=False"}
GRUS = [(True, "torch.nn.GRU"), (True, OURS[True]), (False, OURS[False])]
GATES = {"torch.nn.RNN": 1, "torch.nn.LSTM": 4, "torch.nn.GRU": 3}


def empty_like(weights):
    return {name: np.full_like(array, np.nan) for name, array in weights.items()}


def sequence_weights(network, gates, rng):
    shapes = {
        p.name: (p.shape[0] // 3 * gates, *p.shape[1:]) if p.name.startswith("gru.") else p.shape
        for p in network.parameters()
    }
    return {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize(("reset_after", "layer"), GRUS)
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (2, True)])
def test_values_and_gradients_of_the_forecaster_are_those_of_its_own_executors(
    reset_after, layer, layers, bidirectional, rng
):
    shape = {"bidirectional": bidirectional, "reset_after": reset_after, "head_size": 7, "patch_size": 1}
    config = NetworkConfig(5, layers, dropout=0.3, head_dropout=0.4, **shape)
    windows, model = windows_and_model(rng, 12, 3, config, declared=DECLARED, level=(80.0, 95.0))
    inputs, network = Inputs.of(model.features(windows.take(np.arange(12)))), model.definition
    outer = rng.normal(size=(12, 3, 5)).astype(np.float32)
    wanted, found = empty_like(model.weights), empty_like(model.weights)
    slices = {name: array[None] for name, array in wanted.items()}
    own = Gradients(model.weights, slices, config, np.random.default_rng(3))
    recorded = network(own, inputs)
    own.backward(recorded, outer)
    weights = {name: array.copy() for name, array in model.weights.items()}
    o = TorchOperations(weights, found, config, layer, np.random.default_rng(3))
    result = o.record(network, inputs)
    o.backward(result, outer)
    np.testing.assert_allclose(result.detach().numpy(), recorded.array, atol=1e-4)
    np.testing.assert_allclose(o.compute(network, inputs), network(Values(weights, config), inputs), atol=1e-4)
    for name, gradient in wanted.items():
        scale = max(1.0, float(np.abs(gradient).max()))
        np.testing.assert_allclose(found[name], gradient, rtol=0, atol=1e-4 * scale, err_msg=name)


def lstm_by_hand(x, w_ih, w_hh, b_ih, b_hh):
    """Outputs (B, T, H) by the equations, gates i, f, g, o."""
    h = c = np.zeros((len(x), w_hh.shape[1]))
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
        c = 1 / (1 + np.exp(-f)) * c + 1 / (1 + np.exp(-i)) * np.tanh(g)
        h = 1 / (1 + np.exp(-o)) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1)


def rnn_by_hand(x, w_ih, w_hh, b_ih, b_hh):
    """Outputs (B, T, H) by the equation."""
    h, outputs = np.zeros((len(x), w_hh.shape[1])), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh)
        outputs.append(h)
    return np.stack(outputs, 1)


@pytest.mark.parametrize(("layer", "by_hand"), [("torch.nn.LSTM", lstm_by_hand), ("torch.nn.RNN", rnn_by_hand)])
@pytest.mark.parametrize("ends", ["gru", "gru_state", "gru_summary"])
def test_lstm_and_rnn_are_the_equations_in_float64(layer, by_hand, ends, rng):
    network = SequenceNetwork(NetworkConfig(4), 3, Means(2), ends)
    weights = sequence_weights(network, GATES[layer], rng)
    x = rng.normal(size=(5, 7, 3)).astype(np.float32)
    o = TorchOperations(weights, empty_like(weights), network.config, layer, rng)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    steps = by_hand(x.astype(np.float64), *(weights[f"gru.{name}_l0"].astype(np.float64) for name in names))
    read = {"gru": steps, "gru_state": steps[:, -1], "gru_summary": np.hstack([steps[:, -1], steps.max(1)])}[ends]
    wanted = read @ weights["fc.weight"].T.astype(np.float64) + weights["fc.bias"]
    np.testing.assert_allclose(o.compute(network, Sequences(x)), wanted, atol=1e-5)


@pytest.mark.parametrize("layer", GATES)
def test_layers_in_both_directions_are_torchs_module_called_directly(layer, rng):
    config = NetworkConfig(4, 2, bidirectional=True)
    network = SequenceNetwork(config, 3, Means(1))
    weights = sequence_weights(network, GATES[layer], rng)
    o = TorchOperations(weights, gradients := empty_like(weights), config, layer, rng)
    x = rng.normal(size=(5, 7, 3)).astype(np.float32)
    o.backward(o.record(network, Sequences(x)), np.ones((5, 1), np.float32))
    module, fc = LAYERS[layer](3, 4, 2, batch_first=True, bidirectional=True), nn.Linear(8, 1)
    module.load_state_dict({name[4:]: torch.from_numpy(w) for name, w in weights.items() if name.startswith("gru.")})
    fc.load_state_dict({name[3:]: torch.from_numpy(w) for name, w in weights.items() if name.startswith("fc.")})
    _, state = module(torch.from_numpy(x))
    hidden = state[0] if isinstance(state, tuple) else state
    fc(torch.cat([hidden[-2], hidden[-1]], 1)).sum().backward()
    for prefix, own in (("gru.", module), ("fc.", fc)):
        for name, parameter in own.named_parameters():
            np.testing.assert_allclose(gradients[prefix + name], parameter.grad.numpy(), atol=1e-5, err_msg=name)


OPERATIONS = {
    "softplus": lambda o, x: o.softplus(x),
    "subtract": lambda o, x: o.subtract(o.unsqueeze(o.mean(x, 1), 1), x),
    "multiply": lambda o, x: o.multiply(x, 1 / 3),
    "maximum": lambda o, x: o.maximum(x, o.relu(x)),
    "cumsum": lambda o, x: o.cumsum(x),
    "cumsum from the end": lambda o, x: o.cumsum(x, reverse=True),
    "concat": lambda o, x: o.concat([o.cut(x, 1, 3), x], 2),
    "combine": lambda o, x: o.combine(o.mean(x, 2), x),
    "reshape": lambda o, x: o.reshape(x, (2, -1)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_gives_what_it_gives_on_arrays(name, rng):
    network = SequenceNetwork(NetworkConfig(4), 3, Means(1))
    weights, x = sequence_weights(network, 3, rng), rng.normal(size=(3, 5, 4))
    o = TorchOperations(weights, empty_like(weights), network.config, "torch.nn.GRU", rng)
    found = OPERATIONS[name](o, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, OPERATIONS[name](Values({}, NetworkConfig()), x), rtol=1e-6)


def test_weights_share_memory_so_that_a_change_is_computed_with(rng):
    network = SequenceNetwork(NetworkConfig(4), 3, Means(1))
    weights = sequence_weights(network, 4, rng)
    o = TorchOperations(weights, empty_like(weights), network.config, "torch.nn.LSTM", rng)
    for array in weights.values():
        array[...] = 0
    weights["fc.bias"][...] = 7
    assert o.compute(network, Sequences(np.ones((2, 3, 3), np.float32))).tolist() == [[7], [7]]


def test_no_global_generator_is_read(rng):
    network = SequenceNetwork(NetworkConfig(4, 2, dropout=0.5), 3, Means(1))
    weights, before = sequence_weights(network, 3, rng), torch.get_rng_state()
    o = TorchOperations(weights, empty_like(weights), network.config, "torch.nn.GRU", rng)
    o.record(network, Sequences(np.ones((2, 3, 3), np.float32)))
    assert torch.equal(torch.get_rng_state(), before)


def test_inputs_become_tensors_wherever_they_are_held():
    found = as_tensors(Sequences([np.zeros(2), Sequences(np.ones(1))]))
    assert (type(found), type(found.x[1])) == (Sequences, Sequences)
    assert [type(part) for part in (found.x[0], found.x[1].x, found.lengths)] == [
        torch.Tensor,
        torch.Tensor,
        type(None),
    ]


def test_threads_are_as_before_after_the_block():
    before = torch.get_num_threads()
    with on_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
