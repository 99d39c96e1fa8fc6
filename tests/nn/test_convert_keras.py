import itertools

import numpy as np
import pytest
import torch

from grucast.errors import ConfigError, MismatchError, ShapeError
from grucast.kernels.reference import sigmoid
from grucast.nn import GRU, convert_keras, from_keras, to_keras
from tests.differences import assert_near

NAMES = ("num_layers", "bidirectional", "bias", "reset_after")
KINDS = [dict(zip(NAMES, kind, strict=True)) for kind in itertools.product([1, 2], *[[False, True]] * 3)]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)


def constant(reset_after=True, bias=True):
    """Weights of the layers in Keras' own tests."""
    kernels = [np.full((4, 9), 0.01, "float32"), np.full((3, 9), 0.02, "float32")]
    return [*kernels, np.full((2, 9) if reset_after else 9, 0.03, "float32")] if bias else kernels


def draw(rng, reset_after, inputs=4, size=3):
    shapes = (inputs, 3 * size), (size, 3 * size), (2, 3 * size) if reset_after else (3 * size,)
    return [rng.normal(size=shape) for shape in shapes]


def last_state(x, kernel, recurrent, bias, reset_after):
    """The layer's equations in Keras' layout, gates in the order update, reset, candidate."""
    size = len(recurrent)
    for_input, for_state = bias if reset_after else (bias, np.zeros(3 * size))
    hidden = np.zeros((len(x), size))
    for step in x.swapaxes(0, 1):
        xz, xr, xh = np.split(step @ kernel + for_input, 3, axis=1)
        hz, hr, hh = np.split(hidden @ recurrent + for_state, 3, axis=1)
        update, reset = sigmoid(xz + hz), sigmoid(xr + hr)
        product = reset * hh if reset_after else (reset * hidden) @ recurrent[:, 2 * size :]
        hidden = update * hidden + (1 - update) * np.tanh(xh + product)
    return hidden


@pytest.mark.parametrize(
    ("kind", "step", "expected"),
    [
        ({}, 1, [0.5217289, 0.6371659, 0.39384964]),
        ({}, -1, [0.24406259, 0.611516, 0.3928808]),
        ({"reset_after": False}, 1, [0.51447755, 0.6426879, 0.40208298]),
        ({"bias": False}, 1, [0.49988455, 0.64701194, 0.4103359]),
    ],
)
def test_numbers_of_keras_own_test_hold(kind, step, expected):
    # keras/src/layers/rnn/gru_test.py, test_correctness, Keras 3.15; three equal units.
    x = torch.arange(72, dtype=torch.float32).reshape(3, 6, 4)
    gru = from_keras(constant(**kind), kind.get("reset_after", True))
    _, h_n = gru(x[:, ::step] if step == 1 else x.flip(1))
    np.testing.assert_allclose(h_n[0].detach(), np.repeat(expected, 3).reshape(3, 3), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("reset_after", [True, False])
def test_random_weights_give_keras_equations(rng, reset_after):
    weights, x = draw(rng, reset_after), rng.normal(size=(5, 6, 4))
    _, h_n = from_keras(weights, reset_after)(torch.from_numpy(x))
    assert_near(h_n[0].detach(), last_state(x, *weights, reset_after), "Keras' equations in NumPy")


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_backward_weights_come_after_the_forward_weights(rng, reset_after):
    forward, backward = draw(rng, reset_after), draw(rng, reset_after)
    x = rng.normal(size=(5, 6, 4))
    _, h_n = from_keras([*forward, *backward], reset_after)(torch.from_numpy(x))
    assert_near(h_n[0].detach(), last_state(x, *forward, reset_after), "Keras' equations in NumPy")
    assert_near(h_n[1].detach(), last_state(x[:, ::-1], *backward, reset_after), "Keras' equations in NumPy")


@EVERY_KIND
def test_weights_survive_the_way_there_and_back(kind):
    gru, x = GRU(4, 3, batch_first=True, dtype=torch.float64, **kind), torch.randn(5, 6, 4, dtype=torch.float64)
    again = from_keras(to_keras(gru), kind["reset_after"])
    assert repr(again) == repr(gru)
    torch.testing.assert_close(again(x), gru(x), rtol=0, atol=1e-15)


def test_arrays_are_those_that_set_weights_takes():
    layers = to_keras(GRU(4, 3, 2, bidirectional=True, reset_after=False))
    shapes = [[array.shape for array in layer] for layer in layers]
    assert shapes == [[(4, 9), (3, 9), (9,)] * 2, [(6, 9), (3, 9), (9,)] * 2]
    assert {array.dtype for layer in layers for array in layer} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("weights", "reset_after", "error", "words"),
    [
        ([], True, ConfigError, "came with 0 arrays"),
        (constant()[:1], True, ConfigError, "came with 1 arrays"),
        ([constant(), constant(bias=False)], True, ConfigError, "came with 2 and 3 arrays"),
        (constant(), False, ShapeError, r"bias of reset_after=False came with shape \(2, 9\), wanted \(9\)"),
        (constant(False), True, ShapeError, r"bias of reset_after=True came with shape \(9,\), wanted \(2, 9\)"),
        ([constant()[0].T, *constant()[1:]], True, ShapeError, r"^kernel came with shape \(9, 4\), wanted \(any, 9\)"),
        ([constant()[0], constant()[1].T], True, ShapeError, r"recurrent_kernel came with shape \(9, 3\)"),
        ([constant(), constant()], True, ShapeError, "weight_ih_l1"),
    ],
)
def test_weights_that_do_not_fit_are_an_error(weights, reset_after, error, words):
    with pytest.raises(error, match=words):
        from_keras(weights, reset_after)


def test_keras_2_is_not_run(monkeypatch):
    monkeypatch.setitem(convert_keras.sys.modules, "keras", object())
    assert repr(from_keras(constant())) == "GRU(4, 3, batch_first=True)"


class Keras:
    """As much of Keras as verifying needs, answering with zeros."""

    __version__ = "0"

    class ops:
        convert_to_tensor = staticmethod(lambda array, dtype: array.astype(dtype))
        convert_to_numpy = staticmethod(np.asarray)

    class layers:
        class GRU:
            def __init__(self, units, **_):
                self.units = units

            def build(self, shape):
                pass

            def set_weights(self, weights):
                pass

            def __call__(self, x, initial_state):
                return np.zeros((*x.shape[:2], self.units), "float32"), *initial_state


def test_layer_that_keras_computes_otherwise_is_refused(monkeypatch):
    monkeypatch.setitem(convert_keras.sys.modules, "keras", Keras)
    for convert in (
        lambda **options: from_keras(constant(), **options),
        lambda **options: to_keras(GRU(4, 3), **options),
    ):
        with pytest.raises(MismatchError, match="Keras 0 computes something else"):
            convert()
        convert(verify=False)
