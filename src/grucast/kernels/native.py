"""The native kernels, when the extension was built."""

import os
import warnings
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, NoNativeWarning
from grucast.kernels.reference import Array, Weights

try:
    from grucast import _native as _native  # noqa: PLC0414 - forecaster.py takes it from here
except ImportError:
    _native = None  # type: ignore[assignment]
    warnings.warn(
        "grucast was installed without its native kernels (no C++ compiler worked where it was built): results are the "
        "same, only slower; with a compiler, install it from its source folder or .tar.gz, not from this wheel: "
        "pip install --force-reinstall --no-deps --no-cache-dir SOURCE",
        NoNativeWarning,
        stacklevel=2,
    )

LINE = 64  # bytes of a cache line


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
    given = _prepared(x, hidden, weights, reset_after, lengths, reverse)
    _native.forward(*given, None, threads)
    return given[-2:]


class Forward(NamedTuple):
    """One layer in one direction over sequences, run forward: all that backward reads."""

    x: Array  # (B, T, I)
    hidden: Array | None  # (B, H); None is zeros
    weights: Weights
    reset_after: bool
    lengths: NDArray[np.int64] | None
    reverse: bool
    output: Array  # (B, T, H)
    final: Array  # (B, H)
    gates: Array  # at least saved_size elements


def gru_record(
    x: Array,
    hidden: Array | None,
    weights: Weights,
    reset_after: bool = True,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
    threads: int = 1,
    memory: Array | None = None,
) -> Forward:
    """As `gru_forward`, but keeps the gates in `memory`, a vector of `saved_size` elements or more; None is new memory.

    The initial state may be None: zeros, whose gradient nobody wants. What it returns is what backward reads, so none
    of these arrays may change before.

    Raises:
        ValueError: A shape doesn't fit, or a length is out of range.
        TypeError: The arrays are not all float32 or all float64.
    """
    batch, steps, _ = x.shape
    if memory is None:
        memory = aligned((saved_size(batch, steps, weights.weight_hh.shape[-1]),), x.dtype)
    forward = Forward(*_prepared(x, hidden, weights, reset_after, lengths, reverse, aligned), memory)
    _native.forward(*forward, threads)
    return forward


def _prepared(
    x: Array,
    hidden: Array | None,
    weights: Weights,
    reset_after: bool,
    lengths: NDArray[np.int64] | None,
    reverse: bool,
    new: Callable[..., Array] = np.empty,
) -> tuple[Array, Array | None, Weights, bool, NDArray[np.int64] | None, bool, Array, Array]:
    """The members of `Forward` but the gates, contiguous, with new memory for the results."""
    target()  # names the choices when GRUCAST_TARGET is wrong
    batch, steps, _ = x.shape
    size = weights.weight_hh.shape[-1]
    output, final = new((batch, steps, size), x.dtype), np.empty((batch, size), x.dtype)
    x, *dense = (np.ascontiguousarray(a) for a in (x, *weights))
    hidden = None if hidden is None else np.ascontiguousarray(hidden)
    rows = None if lengths is None else np.ascontiguousarray(lengths, np.int64)
    return x, hidden, Weights(*dense), reset_after, rows, reverse, output, final


def gru_backward_of(
    forward: Forward, d_output: Array | None, d_final: Array | None, threads: int = 1, wants_x: bool = True
) -> tuple[Array | None, Array | None, Weights]:
    """Gradients of a recorded layer, from those of its output (B, T, H) and of its final state (B, H); None is zero.

    Args:
        forward: Of `gru_record`.
        d_output: Gradient of the output.
        d_final: Gradient of the final state.
        threads: Most threads to use; the result never depends on them.
        wants_x: Whether the gradient of x is wanted.

    Returns:
        Gradients of x (None unless wanted), of the initial state (None where there was none) and of the weights.

    Raises:
        ValueError: A shape doesn't fit.
        TypeError: An array is missing or of another type.

    >>> zeros = Weights(np.zeros((6, 1)), np.zeros((6, 2)), np.zeros(6), np.zeros(6))
    >>> forward = gru_record(np.ones((1, 3, 1)), np.ones((1, 2)), zeros)
    >>> gru_backward_of(forward, None, np.ones((1, 2)))[1]
    array([[0.125, 0.125]])
    """
    new = np.empty_like if forward.final.size else np.zeros_like
    d_weights = Weights(*(new(a[None]) for a in forward.weights))
    d_x, d_hidden = gru_backward_into(d_weights, len(forward.x), forward, d_output, d_final, threads, wants_x)
    return d_x, d_hidden, Weights(*(a[0] for a in d_weights))


def gru_backward_into(
    d_weights: Weights,
    rows: int,
    forward: Forward,
    d_output: Array | None,
    d_final: Array | None,
    threads: int = 1,
    wants_x: bool = True,
) -> tuple[Array | None, Array | None]:
    """As `gru_backward_of`, but the weights' gradients are summed over S slices of the batch apart, each with the bits
    that it has alone.

    Args:
        d_weights: Where they go, (S, ...); a slice's arrays must be contiguous.
        rows: Rows of a slice, whole tiles of 16 if there are several; the last one has all that are left.
        forward: Of `gru_record`.
        d_output: Gradient of the output.
        d_final: Gradient of the final state.
        threads: Most threads to use; the result never depends on them.
        wants_x: Whether the gradient of x is wanted.

    Returns:
        Gradients of x and of the initial state, as `gru_backward_of`.

    Raises:
        ValueError: A shape doesn't fit.
        TypeError: An array is missing or of another type.
    """
    new = np.empty_like if forward.final.size else np.zeros_like
    d_x = new(forward.x) if wants_x else None
    d_hidden = None if forward.hidden is None else new(forward.hidden)
    d_output, d_final = (None if d is None else np.ascontiguousarray(d) for d in (d_output, d_final))
    _native.backward(*forward[:7], forward.gates, d_output, d_final, d_x, d_hidden, d_weights, rows, threads)
    return d_x, d_hidden


def gru_backward(
    d_output: Array | None,
    d_final: Array | None,
    x: Array,
    hidden: Array,
    weights: Weights,
    reset_after: bool = True,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
) -> tuple[Array | None, Array | None, Weights]:
    """The function of `reference_backward.gru_backward`, natively: `gru_record`, then `gru_backward_of`."""
    return gru_backward_of(gru_record(x, hidden, weights, reset_after, lengths, reverse), d_output, d_final)


def linear(x: Array, weight: Array, bias: Array | None = None, threads: int = 1) -> Array:
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
    _native.linear(np.ascontiguousarray(x), np.ascontiguousarray(weight), bias, y, threads)
    return y


def linear_backward(
    d_y: Array, x: Array, weight: Array, wants_x: bool = True, threads: int = 1
) -> tuple[Array | None, Array, Array]:
    """The function of `reference_backward.linear_backward`, natively; a row's d_x depends on nothing but the row.

    Raises:
        ValueError: A shape doesn't fit.
        TypeError: The arrays are not all float32 or all float64.

    >>> linear_backward(np.ones((2, 1)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]]))[1:]
    (array([[4., 6.]]), array([2.]))
    """
    d_weight, d_bias = np.empty((1, *weight.shape), x.dtype), np.empty((1, len(weight)), x.dtype)
    d_x = linear_backward_into(d_weight, d_bias, len(x), d_y, x, weight, wants_x, threads)
    return d_x, d_weight[0], d_bias[0]


def linear_backward_into(
    d_weight: Array,
    d_bias: Array,
    rows: int,
    d_y: Array,
    x: Array,
    weight: Array,
    wants_x: bool = True,
    threads: int = 1,
) -> Array | None:
    """As `linear_backward`, but the gradients of weight and bias, (S, ...), are summed over S slices of so many rows.

    Raises:
        ValueError: A shape doesn't fit.
        TypeError: The arrays are not all float32 or all float64.
    """
    d_y, x, weight = (np.ascontiguousarray(a) for a in (d_y, x, weight))
    d_x = np.empty_like(x) if wants_x else None
    target()  # names the choices when GRUCAST_TARGET is wrong
    _native.linear_backward(d_y, x, weight, d_x, d_weight, d_bias, rows, threads)
    return d_x


def adamw_step(
    weights: Array, gradient: Array, mean: Array, square: Array, step: int, rate: float, decay: float
) -> None:
    """The function of `reference_backward.adamw_step`, natively, to the same bits on every target.

    Raises:
        ValueError: The vectors are not dense and of one length, or the step is below 1.
        TypeError: They are not float32, or cannot be written.

    >>> weights, mean, square = np.zeros((3, 1), np.float32)
    >>> adamw_step(weights, np.ones(1, np.float32), mean, square, 1, 0.5, 0.0)
    >>> weights.round(3)
    array([-0.5], dtype=float32)
    """
    _native.adamw_step(weights, gradient, mean, square, step, rate, decay)


def norm(x: Array) -> float:
    """The Euclidean norm of a vector, its squares summed in double precision in a fixed order.

    Raises:
        ValueError: x is not a dense vector.
        TypeError: x is neither float32 nor float64.

    >>> norm(np.array([3.0, 4.0]))
    5.0
    """
    return _native.norm(x)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any] | type[np.generic]) -> Array:
    """New memory that begins at a cache line: vectors that lie across two take twice as long to load and store."""
    kind = np.dtype(dtype)
    memory = np.empty(prod(shape) + LINE // kind.itemsize, kind)
    first = -memory.__array_interface__["data"][0] % LINE // kind.itemsize
    return memory[first : first + prod(shape)].reshape(shape)


def saved_size(batch: int, steps: int, hidden: int) -> int:
    """Elements that forward saves for backward."""
    return _native.saved_size(batch, steps, hidden)


def forward_at(float64: bool, directions: list[tuple[int, ...]], threads: int) -> None:
    """Forward at addresses that the caller has checked; each direction lists the members that bindings.cpp reads."""
    try:
        _native.forward_at(float64, directions, threads)
    except ValueError:
        target()  # names the choices when GRUCAST_TARGET is at fault
        raise


def backward_at(
    float64: bool, directions: list[tuple[int, ...]], gradients: list[tuple[int, ...]], threads: int
) -> None:
    """Backward at addresses that the caller has checked."""
    _native.backward_at(float64, directions, gradients, threads)


def activation(name: str, x: Array) -> Array:
    """The kernels' own `sigmoid`, `tanh` or `softplus` of each element.

    >>> activation("softplus", np.array([[-1000.0, 0.0, 10.0]])).round(2)
    array([[ 0.  ,  0.69, 10.  ]])
    """
    result: NDArray[Any] = np.empty(x.shape, x.dtype)
    function = {"sigmoid": _native.sigmoid, "tanh": _native.tanh, "softplus": _native.softplus}[name]
    function(np.ascontiguousarray(x).reshape(-1), result.reshape(-1))
    return result
