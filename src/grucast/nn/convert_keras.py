"""Weights from and to keras.layers.GRU, as its get_weights and set_weights have them.

A layer in one direction has

    kernel            (I, 3H)     weight_ih, transposed, its gates in the order update, reset, candidate
    recurrent_kernel  (H, 3H)     weight_hh, likewise
    bias              (2, 3H)     with reset_after: bias_ih, then bias_hh
                      (3H,)       without: bias_ih + bias_hh, since only their sum matters there
"""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from grucast.errors import ConfigError
from grucast.nn.convert import Array, build, layers_of, read_array, require_same, swap_gates
from grucast.nn.gru import GRU

KerasWeights = list[Array]  # of one layer, in one or both directions


def from_keras(weights: Sequence[Any], reset_after: bool = True, verify: bool = True) -> GRU:
    """A GRU with the weights of a keras.layers.GRU, of Keras' Bidirectional around one, or of several in a row.

    It takes (B, T, I), as Keras does. Keras' Bidirectional joins both directions here only with merge_mode="concat",
    and where Keras has a mask, this layer has `lengths`. The activations must be Keras' own, tanh and sigmoid.

    Args:
        weights: `layer.get_weights()`: kernel, recurrent kernel and, unless use_bias=False, bias; of a Bidirectional
            those of the backward layer after those of the forward layer. A list of such lists is a stack.
        reset_after: As the Keras layer was made; True is Keras' own choice.
        verify: Whether both run on the same random numbers, where Keras is imported already.

    Raises:
        ConfigError: The list has another length, or types other than float32 and float64.
        ShapeError: An array does not fit; a bias (3H,) belongs to reset_after=False.
        DataError: A weight is NaN or infinite.
        MismatchError: Keras computes something else.

    Source: keras.io/api/layers/recurrent_layers/gru.

    >>> import numpy as np
    >>> from grucast.nn import from_keras
    >>> from_keras([np.ones((4, 9)), np.ones((3, 9)), np.ones((2, 9))])
    GRU(4, 3, batch_first=True)
    """
    stacked = len(weights) > 0 and isinstance(weights[0], list | tuple)
    layers = [list(layer) for layer in weights] if stacked else [list(weights)]
    counts = {len(layer) for layer in layers}
    if len(counts) != 1 or not counts <= {2, 3, 4, 6}:
        raise ConfigError(
            f"a layer came with {' and '.join(map(str, sorted(counts)))} arrays, wanted kernel, recurrent kernel "
            "and bias: 3, or 2 without bias, twice as many in both directions, as many in each layer of a stack"
        )
    bidirectional = counts.pop() > 3
    parts = [_from_keras_order(half, reset_after) for layer in layers for half in _halves(layer, bidirectional)]
    gru = build(parts, bidirectional, reset_after, batch_first=True)
    if verify:
        _verify_by_keras(gru, layers)
    return gru


def to_keras(gru: GRU, verify: bool = True) -> KerasWeights | list[KerasWeights]:
    """The weights of a GRU as keras.layers.GRU takes them in set_weights.

    Args:
        gru: The layer; the Keras layer needs its `reset_after`, and `use_bias=gru.bias`.
        verify: Whether both run on the same random numbers, where Keras is imported already.

    Returns:
        Kernel, recurrent kernel and bias; of both directions, those of the backward layer come last, as Bidirectional
        takes them. Of more than one layer, a list of such lists.

    Raises:
        ConfigError: The layer is not float32 or float64.
        MismatchError: Keras computes something else.

    >>> from grucast.nn import GRU, to_keras
    >>> [array.shape for array in to_keras(GRU(4, 3))]
    [(4, 9), (3, 9), (2, 9)]
    """
    layers = [[array for part in layer for array in _to_keras_order(part, gru.reset_after)] for layer in layers_of(gru)]
    if verify:
        _verify_by_keras(gru, layers)
    return layers if gru.num_layers > 1 else layers[0]


def _halves(layer: Sequence[Any], bidirectional: bool) -> list[Sequence[Any]]:
    half = len(layer) // 2
    return [layer[:half], layer[half:]] if bidirectional else [layer]


def _from_keras_order(arrays: Sequence[Any], reset_after: bool) -> KerasWeights:
    size = read_array("recurrent_kernel", arrays[1], (None, None)).shape[0]
    recurrent = read_array("recurrent_kernel", arrays[1], (size, 3 * size))
    part = [swap_gates(read_array("kernel", arrays[0], (None, 3 * size)).T), swap_gates(recurrent.T)]
    if len(arrays) == 2:
        return part
    wanted = (2, 3 * size) if reset_after else (3 * size,)
    bias = read_array(f"the bias of reset_after={reset_after}", arrays[2], wanted)
    biases = bias if reset_after else (bias, np.zeros_like(bias))
    return [*part, *(swap_gates(row) for row in biases)]


def _to_keras_order(part: KerasWeights, reset_after: bool) -> KerasWeights:
    weight_ih, weight_hh, *biases = (swap_gates(array) for array in part)
    kernels = [np.ascontiguousarray(weight_ih.T), np.ascontiguousarray(weight_hh.T)]
    if not biases:
        return kernels
    return [*kernels, np.stack(biases) if reset_after else biases[0] + biases[1]]


def _verify_by_keras(gru: GRU, layers: Sequence[KerasWeights]) -> None:
    # Importing Keras takes seconds and settles its backend, which is the user's choice.
    keras: Any = sys.modules.get("keras")
    if hasattr(keras, "ops"):  # Keras 2 has the same weights, and no such name
        require_same(gru, partial(_run_keras, keras, gru, layers), f"Keras {keras.__version__}")


def _run_keras(keras: Any, gru: GRU, layers: Sequence[KerasWeights], x: Array, initial: Array) -> tuple[Array, Array]:
    dtype = "float32"  # some of its backends have nothing else
    count = 2 if gru.bidirectional else 1
    inputs, finals = keras.ops.convert_to_tensor(x.swapaxes(0, 1), dtype), []
    for i, weights in enumerate(layers):
        layer = keras.layers.GRU(
            gru.hidden_size,
            use_bias=gru.bias,
            reset_after=gru.reset_after,
            return_sequences=True,
            return_state=True,
            dtype=dtype,
        )
        layer = keras.layers.Bidirectional(layer, dtype=dtype) if gru.bidirectional else layer
        layer.build(inputs.shape)
        layer.set_weights(weights)
        states = [keras.ops.convert_to_tensor(h, dtype) for h in initial[i * count : (i + 1) * count]]
        inputs, *final = layer(inputs, initial_state=states)
        finals += [keras.ops.convert_to_numpy(h) for h in final]
    return keras.ops.convert_to_numpy(inputs).swapaxes(0, 1), np.stack(finals)
