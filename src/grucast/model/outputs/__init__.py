"""What a network's raw numbers mean: a file for each kind of output, all with the members of `Output`."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grucast.model.operations import Operations, Value

Array = NDArray[Any]


class Output(Protocol):
    """A kind of output: how many raw numbers it takes, what they predict, and how wrong that is."""

    @property
    def size(self) -> int:
        """Raw numbers of a prediction, or of a step of it."""

    def predict(self, o: Operations, raw: Value, base: Value = None) -> Value:
        """Raw numbers (..., size) as predictions; `base` (...) is what a forecaster's network corrects."""

    def loss(self, predicted: NDArray[np.float32], target: Array, weight: Array) -> tuple[Array, NDArray[np.float32]]:
        """The loss of each row of predictions (B,), and its gradient with respect to them.

        Args:
            predicted: What `predict` gave.
            target: The truth; any finite number where the weight is zero.
            weight: What each target counts, in their shape.
        """
