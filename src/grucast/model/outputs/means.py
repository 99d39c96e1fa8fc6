"""Means: numbers predicted by least squares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grucast.model.operations import Operations, Value
from grucast.model.outputs import Array


@dataclass(frozen=True)
class Means:
    """Numbers, as many as `size`, each predicted by its mean."""

    size: int

    def predict(self, o: Operations, raw: Value, base: Value = None) -> Value:  # noqa: ARG002
        """Raw numbers are the predictions."""
        return raw

    def loss(self, predicted: NDArray[np.float32], target: Array, weight: Array) -> tuple[Array, NDArray[np.float32]]:
        """Weighted squares, (B,): with weights 1 / N, their sum is the mean squared error."""
        error = predicted - target
        slope = weight * error
        return (slope * error).reshape(len(error), -1).sum(1, dtype=np.float64), 2 * slope
