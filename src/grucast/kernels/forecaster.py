"""The forecaster's native kernels: features of windows, the head and the intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grucast.kernels.native import _native, target
from grucast.kernels.reference import Array


def head(
    x: Array, continued: Array, statics: Array, ahead: Array, weights: list[Array], shape: tuple[int, int, int]
) -> Array:
    """The forecaster's head, from the GRU's final state to ascending quantiles; see `ForecastNetwork.head`.

    Args:
        x: Final states, (B, H).
        continued: Seasonal continuations, (B, C, h).
        statics: What is fixed for a series, (B, S).
        ahead: What is known in advance, (B, h, A).
        weights: Weight and bias of hidden and out, of mix if the continuations have weights, and if A > 0 of
            step_state, step (an empty bias) and step_out.
        shape: (B, h, Q), that of the result.

    Raises:
        ValueError: A shape doesn't fit.
    """
    y = np.empty(shape, np.float32)
    x, continued, statics, ahead = (np.ascontiguousarray(a) for a in (x, continued, statics, ahead))
    target()  # names the choices when GRUCAST_TARGET is wrong
    _native.head(x, continued, statics, ahead, weights, y)
    return y


def intervals(
    z: Array, factors: tuple[float, ...], centre: Array, scale: Array, nonnegative: NDArray[np.bool_]
) -> Array:
    """Quantiles (B, h, Q) on the scale of their windows in the unit of y, at the trained levels; see `model.models`.

    Raises:
        ValueError: A shape doesn't fit.
    """
    y = np.empty(z.shape)
    _native.intervals(np.ascontiguousarray(z), np.array(factors, float), centre, scale, nonnegative, y)
    return y


def window_features(
    history: NDArray[np.float64],
    seasons: NDArray[np.int64],
    recent: int,
    width: int,
    h: int,
    smoothings: Sequence[tuple[float, float]] = (),
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """What `data.features` computes of windows (B, T), to the same bits.

    Returns:
        Inputs (B, T, width) with their first 2 + S columns filled; continuations (B, 2S, h), or where there are K
        smoothings (B, 2S + 1 + K, h); centre, scale and naive error, (B, 1) each; how much the windows moved, (B, 2),
        or (B, 0) where there are no smoothings.

    Raises:
        ValueError: A season is not from 1 to T.
    """
    batch, steps = history.shape
    inputs = np.empty((batch, steps, width), np.float32)
    rows = 2 * len(seasons) + (1 + len(smoothings) if smoothings else 0)
    continued = np.empty((batch, rows, h), np.float32)
    centre, scale, naive_error = np.empty((batch, 1)), np.empty((batch, 1)), np.empty((batch, 1), np.float32)
    history = np.ascontiguousarray(history)
    ways = np.array(smoothings, float).reshape(-1, 2)
    moved = np.empty((batch, 2 if smoothings else 0))
    _native.window_features(history, seasons, recent, ways, inputs, continued, centre, scale, naive_error, moved)
    return inputs, continued, centre, scale, naive_error, moved
