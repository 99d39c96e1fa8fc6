"""The parameters of a network in training: one vector, whose parts are the arrays, and how they start."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from math import prod

import numpy as np
from numpy.typing import NDArray

from grucast.model.network import NORMAL, Parameter

Vector = NDArray[np.float32]


def parts(vector: Vector, parameters: Iterable[Parameter]) -> dict[str, Vector]:
    """The arrays of the parameters, by name, as views of a vector that holds them one after the other.

    Of several vectors (..., P), each array has several, (..., *shape).
    """
    found, start = {}, 0
    for name, shape, _ in parameters:
        size = prod(shape)
        found[name] = vector[..., start : start + size].reshape(*vector.shape[:-1], *shape)
        start += size
    return found


def digest(tensors: Mapping[str, Vector]) -> str:
    """SHA-256 of weights by their names, in hexadecimal.

    >>> digest({})[:8]
    'e3b0c442'
    """
    found = sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(np.ascontiguousarray(tensors[name]).tobytes())
    return found.hexdigest()


def draw(parameters: Iterable[Parameter], generator: np.random.RandomState) -> Vector:
    """Weights to start from, as one vector.

    Uniform ones are those that torch's modules draw after `torch.manual_seed` of the same seed, to the bit.
    """
    return np.concatenate([draw_one(parameter, generator).ravel() for parameter in parameters])


def draw_one(parameter: Parameter, generator: np.random.RandomState) -> Vector:
    """One parameter to start from."""
    _, shape, bound = parameter
    if bound is NORMAL:
        table = generator.standard_normal(shape).astype(np.float32)
        table[0] = 0
        return table
    if bound == 0:
        return np.zeros(shape, np.float32)
    bits = generator.randint(0, 2**32, prod(shape), np.uint32) & np.uint32(2**24 - 1)
    low, high = np.float32(-bound), np.float32(bound)
    drawn = bits * 2.0**-24 * float(high - low) + float(low)  # rounded once, as by a fused multiply-add
    return np.asarray(drawn.astype(np.float32)).reshape(shape)
