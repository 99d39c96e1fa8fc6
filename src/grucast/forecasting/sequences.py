"""What estimators of sequences take: checked, and padded where lengths differ."""

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.errors import DataError, ShapeError
from grucast.model.network import Sequences

Array = NDArray[Any]
HINT = "Reshape your data, for example (N, T) with X[..., None]"
LARGEST = 1e30  # beyond it squares of single precision would be infinite soon


def to_finite(array: Any, name: str) -> Array:
    """An array of finite real numbers that single precision can hold."""
    if hasattr(array, "toarray"):
        raise DataError(f"{name} is a sparse {type(array).__name__}: give a dense array, as toarray() makes")
    try:
        values = np.asarray(array)
        values = values if np.iscomplexobj(values) else values.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name} holds something that is not a number: {error!s:.200}") from error
    if np.iscomplexobj(values):
        raise DataError(f"{name} holds complex numbers. Complex data not supported: give real ones")
    bad = np.argwhere(~(np.abs(values) <= LARGEST))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        place = f"{name}{list(where)} is {values[where]} ({len(bad)} such values)"
        raise DataError(f"{place}: give finite numbers of at most {LARGEST:g}, not NaN or inf")
    return values


def to_sequences(X: Any) -> Sequences:
    """Finite sequences (N, T, F), none of the three zero; those of unequal lengths with zeros after their ends."""
    if is_ragged(X):
        return pad([to_finite(one, f"X[{place}]") for place, one in enumerate(X)], "X")
    x = to_finite(list(X) if is_listed(X) else X, "X")
    if x.ndim != 3 or not x.size:
        raise ShapeError(f"X has shape {x.shape}: give sequences (N, T, F). {HINT}")
    return Sequences(x)


def is_listed(X: Any) -> bool:
    """Whether these are arrays, one by one."""
    return isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)


def is_ragged(X: Any) -> bool:
    """Whether these are arrays of unequal shapes."""
    if not is_listed(X):
        return False
    lengths = {len(one) for one in X if np.iterable(one) and isinstance(one, Sized)}
    return len(lengths) > 1 or len({one.shape for one in X if isinstance(one, np.ndarray)}) > 1


def pad(arrays: Sequence[Array], name: str) -> Sequences:
    """Arrays (T, F) as (N, T, F) with zeros after their ends, and their lengths."""
    shapes = [array.shape for array in arrays]
    for place, shape in enumerate(shapes):
        if len(shape) != 2 or 0 in shape or shape[1] != shapes[0][-1]:
            wanted = f"(T, {shapes[0][-1]})" if len(shapes[0]) == 2 else "(T, F), for example (T,) with x[:, None]"
            raise ShapeError(f"{name}[{place}] has shape {shape}: give arrays {wanted}, with a step at least")
    lengths = np.array([len(array) for array in arrays])
    x = np.zeros((len(arrays), lengths.max(), shapes[0][1]))
    for row, array in zip(x, arrays, strict=True):
        row[: len(array)] = array
    return Sequences(x, lengths)


def to_targets(y: Any, sequences: Sequences, name: str) -> Array:
    """Finite targets (N,) or (N, O) of sequences, or (N, T, O) of their steps."""
    if y is None:
        raise DataError(f"{name} requires y to be passed, but the target y is None")
    x, lengths = sequences
    if is_ragged(y):
        steps = pad([to_finite(one, f"y[{place}]") for place, one in enumerate(y)], "y")
        if lengths is None or not np.array_equal(steps.lengths, lengths):
            raise ShapeError("y has other lengths than X: give each step of X a target, or each sequence one")
        return np.asarray(steps.x)
    targets = to_finite(y, "y")
    good = targets.ndim in (1, 2) or (targets.ndim == 3 and targets.shape[1] == x.shape[1] and lengths is None)
    if not good or len(targets) != len(x) or not targets.size:
        raise ShapeError(
            f"y has shape {targets.shape}: give (N, O) or (N,) with N = {len(x)} as in X {x.shape}, or (N, T, O) for "
            "a target at each step"
        )
    return targets


def valid_steps(sequences: Sequences) -> NDArray[np.bool_]:
    """Which steps are those of their sequence, (N, T)."""
    x, lengths = sequences
    ends = np.full(len(x), x.shape[1]) if lengths is None else lengths
    return np.asarray(np.arange(x.shape[1]) < ends[:, None])
