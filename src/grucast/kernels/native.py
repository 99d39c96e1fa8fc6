"""The native kernels, when the extension was built."""

import os
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, NoNativeWarning
from grucast.kernels.reference import Array, Weights

try:
    from grucast import _native
except ImportError:
    _native = None  # type: ignore[assignment]
    warnings.warn(
        "grucast was installed without its native kernels (no C++ compiler worked where it was built): results are the "
        "same, only slower; with a compiler, install it from its source folder or .tar.gz, not from this wheel: "
        "pip install --force-reinstall --no-deps --no-cache-dir SOURCE",
        NoNativeWarning,
        stacklevel=2,
    )


def available() -> bool:
    """Whether the extension was built."""
    return _native is not None


def targets() -> list[str]:
    """Instruction sets that can run here, best first; empty when the extension is absent.

    >>> from grucast.kernels import targets
    >>> "baseline" in targets()
    True
    """
    return _native.targets() if _native else []


def target() -> str | None:
    """The instruction set in use: the first of `targets`, or the one that the environment's GRUCAST_TARGET names.

    Raises:
        ConfigError: GRUCAST_TARGET names none of `targets`.
    """
    try:
        return _native.target() if _native else None
    except ValueError as error:
        raise ConfigError(str(error)) from error


def usual_threads() -> int:
    """As many as OMP_NUM_THREADS says, up to four a processor, else as many processors as this process may use."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    asked = float(said) if said.isdecimal() else 0  # a float, since it may have thousands of digits
    return int(min(asked, 4 * processors)) or processors


def gru_forward(
    x: Array,
    hidden: Array,
    weights: Weights,
    reset_after: bool = True,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
    threads: int = 1,
) -> tuple[Array, Array]:
    """The function of `reference.gru_forward`, natively: one layer in one direction over whole sequences.

    Args:
        x: Inputs, (B, T, I), float32 or float64; all arrays have its type.
        hidden: Initial state, (B, H).
        weights: Parameters of the layer.
        reset_after: Whether the reset gate acts after the recurrent product or before it.
        lengths: Valid steps of each row, (B,); beyond them the output is zero and the state stays.
        reverse: Run from the last valid step to the first.
        threads: Most threads to use; the result never depends on them.

    Returns:
        Output (B, T, H) and final state (B, H).

    Raises:
        ValueError: A shape doesn't fit, or a length is out of range.
        TypeError: The arrays are not all float32 or all float64.

    >>> zeros = Weights(np.zeros((6, 1)), np.zeros((6, 2)), np.zeros(6), np.zeros(6))
    >>> gru_forward(np.ones((1, 3, 1)), np.ones((1, 2)), zeros)[1]
    array([[0.125, 0.125]])
    """
    size = hidden.shape[1]
    output = np.empty((*x.shape[:2], size), x.dtype)
    final = np.empty((len(x), size), x.dtype)
    x, hidden, *dense = (np.ascontiguousarray(a) for a in (x, hidden, *weights))
    rows = None if lengths is None else np.ascontiguousarray(lengths, np.int64)
    target()  # names the choices when GRUCAST_TARGET is wrong
    _native.forward(x, hidden, *Weights(*dense), rows, reset_after, reverse, output, final, threads)
    return output, final


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """The function of `reference.linear`, natively; a row's bits depend on nothing but the row.

    Raises:
        ValueError: A shape doesn't fit.
        TypeError: The arrays are not all float32 or all float64.

    >>> linear(np.ones((1, 2)), np.ones((3, 2)), np.array([0.0, 1.0, 2.0]))
    array([[2., 3., 4.]])
    """
    y = np.empty((len(x), len(weight)), x.dtype)
    bias = None if bias is None else np.ascontiguousarray(bias)
    target()  # names the choices when GRUCAST_TARGET is wrong
    _native.linear(np.ascontiguousarray(x), np.ascontiguousarray(weight), bias, y)
    return y


def head(
    x: Array, continued: Array, statics: Array, ahead: Array, weights: list[Array], shape: tuple[int, int, int]
) -> Array:
    """The forecaster's head, from the GRU's final state to ascending quantiles; see `model.runtime`.

    Args:
        x: Final states, (B, H).
        continued: Seasonal continuations, (B, C, h).
        statics: What is fixed for a series, (B, S).
        ahead: What is known in advance, (B, h, A).
        weights: Weight and bias of hidden and out, and if A > 0 of step_state, step (an empty bias) and step_out.
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
    z: Array, widths: tuple[float, ...], centre: Array, scale: Array, nonnegative: NDArray[np.bool_]
) -> Array:
    """Quantiles (B, h, Q) on the scale of their windows in the unit of y, at the trained levels; see `model.models`.

    Raises:
        ValueError: A shape doesn't fit.
    """
    y = np.empty(z.shape)
    _native.intervals(np.ascontiguousarray(z), np.array(widths, float), centre, scale, nonnegative, y)
    return y


def window_features(
    history: NDArray[np.float64], seasons: NDArray[np.int64], recent: int, width: int, h: int
) -> tuple[Array, Array, Array, Array, Array]:
    """What `data.features` computes of windows (B, T), to the same bits.

    Returns:
        Inputs (B, T, width) with their first 2 + S columns filled; continuations (B, 2S, h); centre, scale and naive
        error, (B, 1) each.

    Raises:
        ValueError: A season is not from 1 to T.
    """
    batch, steps = history.shape
    inputs = np.empty((batch, steps, width), np.float32)
    continued = np.empty((batch, 2 * len(seasons), h), np.float32)
    centre, scale, naive_error = np.empty((batch, 1)), np.empty((batch, 1)), np.empty((batch, 1), np.float32)
    history = np.ascontiguousarray(history)
    _native.window_features(history, seasons, recent, inputs, continued, centre, scale, naive_error)
    return inputs, continued, centre, scale, naive_error


def saved_size(batch: int, steps: int, hidden: int) -> int:
    """Elements that forward saves for backward."""
    return _native.saved_size(batch, steps, hidden)


def forward_at(dual: bool, layers: list[tuple[int, ...]], threads: int) -> None:
    """Forward upon addresses that the caller has checked; each layer lists the members that bindings.cpp reads."""
    try:
        _native.forward_at(dual, layers, threads)
    except ValueError:
        target()  # names the choices when GRUCAST_TARGET is at fault
        raise


def backward_at(dual: bool, layers: list[tuple[int, ...]], gradients: list[tuple[int, ...]], threads: int) -> None:
    """Backward upon addresses that the caller has checked."""
    _native.backward_at(dual, layers, gradients, threads)


def activation(name: str, x: Array) -> Array:
    """The kernels' own `sigmoid` or `tanh` of a vector."""
    result: NDArray[Any] = np.empty_like(x)
    (_native.tanh if name == "tanh" else _native.sigmoid)(x, result)
    return result
