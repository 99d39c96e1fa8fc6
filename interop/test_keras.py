"""The layer against keras.layers.GRU, in the backend that KERAS_BACKEND names."""

import itertools

import keras
import numpy as np
import pytest
import torch
from tests.differences import assert_near

from grucast.errors import MismatchError
from grucast.nn import GRU, convert_keras, from_keras, to_keras

NAMES = ("num_layers", "bidirectional", "bias", "reset_after")
KINDS = [dict(zip(NAMES, kind, strict=True)) for kind in itertools.product([1, 2], *[[False, True]] * 3)]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)
SIZES = [(1, 1, 1, 1), (3, 7, 4, 5), (16, 20, 3, 33)]  # B, T, I, H
KERAS = f"Keras {keras.__version__} ({keras.backend.backend()})"

# Keras' own calls of its backends warn.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(20140601)


def keras_layers(inputs, size, num_layers, bidirectional, bias, reset_after):
    """Built layers, each with the weights that Keras draws, and random biases."""
    layers = []
    for k in range(num_layers):
        layer = keras.layers.GRU(
            size,
            use_bias=bias,
            reset_after=reset_after,
            bias_initializer=keras.initializers.RandomNormal(seed=k),
            return_sequences=True,
        )
        layers.append(keras.layers.Bidirectional(layer) if bidirectional else layer)
        layers[-1].build((None, None, inputs if k == 0 else size * (1 + bidirectional)))
    return layers


def outputs(layers, x, **options):
    for layer in layers:
        x = layer(x, **options)
    return keras.ops.convert_to_numpy(x)


@EVERY_KIND
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_layers_of_keras_give_their_outputs_here(rng, kind, sizes):
    batch, steps, inputs, size = sizes
    layers = keras_layers(inputs, size, **kind)
    weights = [layer.get_weights() for layer in layers]
    gru = from_keras(weights if len(weights) > 1 else weights[0], kind["reset_after"])
    x = rng.normal(size=(batch, steps, inputs)).astype("float32")
    with torch.no_grad():
        assert_near(gru(torch.from_numpy(x))[0], outputs(layers, x), KERAS)


@EVERY_KIND
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_layers_of_ours_give_their_outputs_in_keras(rng, kind, sizes):
    batch, steps, inputs, size = sizes
    gru, layers = GRU(inputs, size, batch_first=True, **kind), keras_layers(inputs, size, **kind)
    weights = to_keras(gru)
    for layer, arrays in zip(layers, weights if len(layers) > 1 else [weights], strict=True):
        layer.set_weights(arrays)
    x = rng.normal(size=(batch, steps, inputs)).astype("float32")
    with torch.no_grad():
        assert_near(gru(torch.from_numpy(x))[0], outputs(layers, x), KERAS)


@pytest.mark.parametrize("reset_after", [True, False])
def test_lengths_are_a_mask_of_keras(rng, reset_after):
    [layer] = keras_layers(4, 5, 1, False, True, reset_after)
    x, lengths = rng.normal(size=(3, 6, 4)).astype("float32"), np.array([6, 1, 4])
    mask = np.arange(6) < lengths[:, None]
    output, h_n = from_keras(layer.get_weights(), reset_after)(torch.from_numpy(x), lengths=lengths)
    theirs = outputs([layer], x, mask=keras.ops.convert_to_tensor(mask))
    assert_near(output.detach(), theirs * mask[..., None], KERAS)
    assert_near(h_n[0].detach(), theirs[:, -1], KERAS)


def test_another_order_of_gates_is_refused(monkeypatch):
    [layer] = keras_layers(4, 5, 1, False, True, True)
    monkeypatch.setattr(convert_keras, "swap_gates", lambda array: array)
    with pytest.raises(MismatchError, match="Keras"):
        from_keras(layer.get_weights())
    with pytest.raises(MismatchError, match="Keras"):
        to_keras(GRU(4, 5))
