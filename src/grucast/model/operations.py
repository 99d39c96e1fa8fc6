"""The operations that networks are written in; each executor computes them in its own way."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from grucast.errors import ExportError
from grucast.model.config import NetworkConfig

Value = Any  # an array, a recorded array, or the name of a tensor in a graph


class Operations(Protocol):
    """What a network may do with values; B is the batch.

    `model.values` computes arrays, `training.gradients` records what it computes, `onnx.operations` writes a graph.
    """

    def gru(self, x: Value, layer: int, lengths: Value = None) -> Value:
        """Outputs of a layer at every step, (B, T, H), or (B, T, 2H) of both directions."""

    def gru_state(self, x: Value, layer: int, lengths: Value = None) -> Value:
        """Final states of a layer, (B, H), or (B, 2H) of both directions."""

    def gru_summary(self, x: Value, layer: int, lengths: Value = None) -> Value:  # noqa: ARG002
        """Final states of a layer, then the largest number of each unit over the steps, (B, 2H) or (B, 4H).

        Raises:
            ExportError: In a graph.
        """
        raise ExportError("a network that reads the largest states cannot be written as a graph")

    def linear(self, x: Value, name: str) -> Value:
        """X W' + b with that layer's parameters, (B, ..., I) to (B, ..., O); without b where there is none."""

    def embed(self, codes: Value, table: int) -> Value:
        """The vectors of categories (...), (..., E)."""

    def dropout(self, x: Value, share: float) -> Value:
        """In training, zero for that share of the numbers, the others divided by 1 - share."""

    def relu(self, x: Value) -> Value:
        """The larger of x and 0."""

    def softplus(self, x: Value) -> Value:
        """The logarithm of 1 + exp(x)."""

    def add(self, x: Value, y: Value) -> Value:
        """The sum x + y, broadcast."""

    def subtract(self, x: Value, y: Value) -> Value:
        """The difference x - y, broadcast."""

    def multiply(self, x: Value, factor: float) -> Value:
        """The product of x and a constant, in double precision."""

    def maximum(self, x: Value, y: Value) -> Value:
        """The larger of each two."""

    def mean(self, x: Value, axis: int) -> Value:
        """The mean over an axis, which goes."""

    def combine(self, weights: Value, values: Value) -> Value:
        """The sum over C of values (B, C, h), each times its weight (B, C)."""

    def cumsum(self, x: Value, reverse: bool = False) -> Value:
        """Sums from the first of the last axis up to each, or from the last down to each."""

    def cut(self, x: Value, start: int, stop: int) -> Value:
        """The places from start to stop of the last axis."""

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """The values side by side."""

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        """(B, ...) as (B, *shape); one number of the shape may be -1."""

    def unsqueeze(self, x: Value, axis: int) -> Value:
        """With a new axis of length 1 there."""

    def head(
        self, network: Any, state: Value, continuations: Value, static: Sequence[Value], ahead: Sequence[Value]
    ) -> Value:
        """`network.head`, or a kernel that computes the same at once."""
        return network.head(self, state, continuations, static, ahead)


@lru_cache(maxsize=64)
def gru_names(layer: int, config: NetworkConfig) -> list[list[str]]:
    """Names of the four parameters of each direction of a layer."""
    ends = [f"l{layer}{suffix}" for suffix in (("", "_reverse") if config.bidirectional else ("",))]
    return [[f"gru.{name}_{end}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")] for end in ends]
