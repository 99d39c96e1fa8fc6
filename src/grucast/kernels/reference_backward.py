"""The gradients of the GRU as its equations, in NumPy, and what follows them in a training step: the truth for both."""

import numpy as np
from numpy.typing import NDArray

from grucast.kernels.reference import Array, Weights, gru_step, linear


@np.errstate(invalid="ignore")  # as in linear
def gru_step_backward(
    d_new: Array, x: Array, hidden: Array, weights: Weights, reset_after: bool = True
) -> tuple[Array, Array, Weights]:
    r"""Gradients of `reference.gru_step`, from d_new, that of the new state.

        d_update    = d_new * (h - candidate) * update (1 - update)
        d_candidate = d_new * (1 - update) * (1 - candidate^2)

        d_recurrent = d_candidate * reset                                    reset_after
        d_reset     = d_candidate * (h W_hn + b_hn) * reset (1 - reset)
        d_h         = d_new * update + d_reset W_hr' + d_update W_hz' + d_recurrent W_hn'

        d_product   = d_candidate W_hn'                                      else
        d_reset     = d_product * h * reset (1 - reset)
        d_h         = d_new * update + d_product * reset + d_reset W_hr' + d_update W_hz'

    where the d of gates and candidate are those of their sums, before the activation. Each weight's gradient is the
    product of these with what it multiplied, each bias' their sum over the rows.

    Returns:
        Gradients of x (B, I), of the state before (B, H) and of the weights.
    """
    size = hidden.shape[1]
    reset, update, candidate, _ = gru_step(x, hidden, weights, reset_after)
    w_hidden, b_hidden = weights.weight_hh[2 * size :], weights.bias_hh[2 * size :]
    d_update = d_new * (hidden - candidate) * update * (1 - update)
    d_candidate = d_new * (1 - update) * (1 - candidate**2)
    if reset_after:
        d_recurrent, multiplied = d_candidate * reset, hidden
        d_reset = d_candidate * linear(hidden, w_hidden, b_hidden) * reset * (1 - reset)
        d_hidden = d_new * update + d_recurrent @ w_hidden
    else:
        d_recurrent, multiplied = d_candidate, reset * hidden
        d_reset = d_candidate @ w_hidden * hidden * reset * (1 - reset)
        d_hidden = d_new * update + d_candidate @ w_hidden * reset
    d_gates = np.concatenate([d_reset, d_update], axis=1)
    d_hidden = d_hidden + d_gates @ weights.weight_hh[: 2 * size]
    from_x = np.concatenate([d_gates, d_candidate], axis=1)
    weight_hh = np.concatenate([d_gates.T @ hidden, d_recurrent.T @ multiplied])
    bias_hh = np.concatenate([d_gates, d_recurrent], axis=1).sum(axis=0)
    return from_x @ weights.weight_ih, d_hidden, Weights(from_x.T @ x, weight_hh, from_x.sum(axis=0), bias_hh)


def gru_backward(
    d_output: Array | None,
    d_final: Array | None,
    x: Array,
    hidden: Array,
    weights: Weights,
    reset_after: bool = True,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> tuple[Array, Array, Weights]:
    """Gradients of `reference.gru_forward`: of x (B, T, I), of the initial state (B, H) and of the weights.

    They come from those of its output (B, T, H) and of its final state (B, H), where None is zero.
    """
    steps = x.shape[1]
    order = list(reversed(range(steps)) if reverse else range(steps))
    valid = np.arange(steps) < (np.full(len(x), steps) if lengths is None else lengths)[:, None]
    x, states = np.where(valid[:, :, None], x, 0), [hidden]
    for t in order:
        new = gru_step(x[:, t], states[-1], weights, reset_after).hidden
        states.append(np.where(valid[:, t, None], new, states[-1]))
    d_x, d_weights = np.zeros_like(x), Weights(*map(np.zeros_like, weights))
    d_hidden = np.zeros_like(hidden) if d_final is None else d_final
    for t, before in zip(order[::-1], states[-2::-1], strict=True):
        d_new = np.where(valid[:, t, None], d_hidden if d_output is None else d_hidden + d_output[:, t], 0)
        d_x[:, t], d_before, shares = gru_step_backward(d_new, x[:, t], before, weights, reset_after)
        d_hidden = np.where(valid[:, t, None], d_before, d_hidden)
        d_weights = Weights(*(total + share for total, share in zip(d_weights, shares, strict=True)))
    return d_x, d_hidden, d_weights


@np.errstate(invalid="ignore")  # as in linear
def linear_backward(d_y: Array, x: Array, weight: Array, wants_x: bool = True) -> tuple[Array | None, Array, Array]:
    """Gradients of `reference.linear`, from d_y (B, O): of x (None unless wanted), of weight and bias.

    >>> linear_backward(np.ones((2, 1)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]]))[1:]
    (array([[4., 6.]]), array([2.]))
    """
    return linear(d_y, weight.T) if wants_x else None, d_y.T @ x, d_y.sum(axis=0)


def adamw_step(
    weights: Array, gradient: Array, mean: Array, square: Array, step: int, rate: float, decay: float
) -> None:
    r"""One step of AdamW in place, on vectors in float32; the first step is 1.

        m = m + 0.1 (g - m)
        v = 0.999 v + 0.001 g^2
        w = (1 - rate decay) w - rate / (1 - 0.9^step) m / (sqrt(v) / sqrt(1 - 0.999^step) + 1e-8)

    Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
    """
    f = np.float32
    mean += f(1 - 0.9) * (gradient - mean)
    square[:] = square * f(0.999) + f(1 - 0.999) * gradient * gradient
    correction = f(np.sqrt(1 - 0.999**step))
    weights *= f(1 - rate * decay)
    weights += f(-rate / (1 - 0.9**step)) * mean / (np.sqrt(square) / correction + f(1e-8))


def norm(x: Array) -> float:
    """The Euclidean norm of a vector."""
    return float(np.sqrt(np.sum(np.square(x, dtype=np.float64))))
