"""The GRU as its equations, in NumPy: the truth that every other implementation is compared with."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32 or float64, as given


class Step(NamedTuple):
    """Gates and state of one time step, each (B, H)."""

    reset: Array
    update: Array
    candidate: Array
    hidden: Array


class Weights(NamedTuple):
    """Parameters of one layer and direction, gates in the order reset, update, candidate."""

    weight_ih: Array  # (3H, I)
    weight_hh: Array  # (3H, H)
    bias_ih: Array  # (3H,)
    bias_hh: Array  # (3H,)


def sigmoid(x: Array) -> Array:
    """The logistic function 1 / (1 + exp(-x)), exact in both tails and without overflow."""
    result: Array = np.exp(-np.logaddexp(0, -x))
    return result


@np.errstate(invalid="ignore")  # BLAS raises this flag over numbers that are none of ours (numpy/numpy#24067)
def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """A linear layer, y = x W' + b, with x (B, I), W (O, I) and b (O,).

    Each row is a product of its own: BLAS would round a row differently in another batch.

    >>> linear(np.ones((1, 2)), np.ones((3, 2)), np.array([0.0, 1.0, 2.0]))
    array([[2., 3., 4.]])
    """
    y: Array = (x[:, None] @ weight.T)[:, 0]
    return y if bias is None else y + bias


def gru_step(x: Array, hidden: Array, weights: Weights, reset_after: bool = True) -> Step:
    r"""One step of the gated recurrent unit.

        reset     = sigmoid(x W_ir + b_ir + h W_hr + b_hr)
        update    = sigmoid(x W_iz + b_iz + h W_hz + b_hz)
        candidate = tanh(x W_in + b_in + reset * (h W_hn + b_hn))     reset_after, as torch and cuDNN
        candidate = tanh(x W_in + b_in + (reset * h) W_hn + b_hn)     else, as published
        h'        = update * h + (1 - update) * candidate

    Args:
        x: Input of this step, (B, I).
        hidden: State before it, (B, H).
        weights: Parameters of the layer.
        reset_after: Whether the reset gate acts after the recurrent product or before it.

    Source: Cho et al. 2014, arXiv:1406.1078; Chung et al. 2014, arXiv:1412.3555.

    >>> import numpy as np
    >>> one, weights = np.ones((1, 1)), Weights(np.ones((3, 1)), np.ones((3, 1)), np.zeros(3), np.zeros(3))
    >>> round(float(gru_step(one, one, weights).hidden[0, 0]), 4)
    0.9946
    """
    size = hidden.shape[1]
    w_hidden, b_hidden = weights.weight_hh[2 * size :], weights.bias_hh[2 * size :]
    gates_x = linear(x, weights.weight_ih, weights.bias_ih)  # (B, 3H)
    gates_h = linear(hidden, weights.weight_hh[: 2 * size], weights.bias_hh[: 2 * size])  # (B, 2H)
    reset = sigmoid(gates_x[:, :size] + gates_h[:, :size])
    update = sigmoid(gates_x[:, size : 2 * size] + gates_h[:, size:])
    if reset_after:
        recurrent = reset * linear(hidden, w_hidden, b_hidden)
    else:
        recurrent = linear(reset * hidden, w_hidden, b_hidden)
    candidate = np.tanh(gates_x[:, 2 * size :] + recurrent)
    return Step(reset, update, candidate, update * hidden + (1 - update) * candidate)


def gru_forward(
    x: Array,
    hidden: Array,
    weights: Weights,
    reset_after: bool = True,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> tuple[Array, Array]:
    """One layer in one direction over whole sequences.

    Args:
        x: Inputs, (B, T, I).
        hidden: Initial state, (B, H).
        weights: Parameters of the layer.
        reset_after: As in `gru_step`.
        lengths: Valid steps of each row, (B,); beyond them the output is zero and the state stays.
        reverse: Run from the last valid step to the first.

    Returns:
        Output (B, T, H) and final state (B, H).
    """
    batch, steps, _ = x.shape
    output = np.zeros((batch, steps, hidden.shape[1]), dtype=x.dtype)
    for t in reversed(range(steps)) if reverse else range(steps):
        new = gru_step(x[:, t], hidden, weights, reset_after).hidden
        if lengths is None:
            output[:, t] = hidden = new
        else:
            valid = (t < lengths)[:, None]
            output[:, t] = np.where(valid, new, 0)
            hidden = np.where(valid, new, hidden)
    return output, hidden


def gru_trace(
    x: Array, hidden: Array, weights: Weights, reset_after: bool = True, reverse: bool = False
) -> tuple[Array, Step]:
    """As `gru_forward`, but with the gates and the state of every step, each (B, T, H), in place of the final state."""
    steps = []
    for t in reversed(range(x.shape[1])) if reverse else range(x.shape[1]):
        steps.append(gru_step(x[:, t], hidden, weights, reset_after))
        hidden = steps[-1].hidden
    gates = Step(*(np.stack(parts[::-1] if reverse else parts, axis=1) for parts in zip(*steps, strict=True)))
    return gates.hidden, gates
