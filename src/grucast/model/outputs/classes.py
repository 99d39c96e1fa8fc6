"""Classes: the probability of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grucast.model.operations import Operations, Value
from grucast.model.outputs import Array


@dataclass(frozen=True)
class Classes:
    """As many classes as `size`, of which one holds.

    >>> Classes(2).probabilities(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    size: int

    def predict(self, o: Operations, raw: Value, base: Value = None) -> Value:  # noqa: ARG002
        """Raw numbers are the logarithms of the probabilities, up to a constant."""
        return raw

    def loss(self, predicted: NDArray[np.float32], target: Array, weight: Array) -> tuple[Array, NDArray[np.float32]]:
        """Weighted cross-entropies (B,), -log p of the true class.

        Args:
            predicted: Logits (B, C).
            target: The true classes' numbers, (B,).
            weight: What each row counts, (B,).
        """
        rows, p = np.arange(len(target)), self.probabilities(predicted)
        loss = -(weight * np.log(np.maximum(p[rows, target], np.float32(1e-30))))
        slope = p * weight[:, None]
        slope[rows, target] -= weight
        return loss.astype(np.float64), slope

    def probabilities(self, logits: Array) -> Array:
        """Softmax, p = exp(x) / sum of exp(x), over the last axis."""
        grown = np.exp(logits - logits.max(-1, keepdims=True))
        return np.asarray(grown / grown.sum(-1, keepdims=True))
