"""Networks as an ONNX graph: each operation adds a node, and its values are names."""

from collections.abc import Sequence

import numpy as np

from grucast.model.config import NetworkConfig
from grucast.model.operations import Operations, gru_names
from grucast.model.values import Array, Tensors
from grucast.onnx.builder import Builder


class Graph(Operations):
    """Operations that write a graph, with weights by name as its constants."""

    def __init__(self, g: Builder, weights: Tensors, config: NetworkConfig) -> None:
        self.g, self.weights, self.config = g, weights, config

    def gru(self, x: str, layer: int, lengths: None = None) -> str:  # noqa: ARG002
        steps = self.run(x, layer, 0)  # (T, D, B, H)
        return self.g.op("Reshape", self.g.op("Transpose", steps, perm=[2, 0, 1, 3]), np.array([0, 0, -1]))

    def gru_state(self, x: str, layer: int, lengths: None = None) -> str:  # noqa: ARG002
        return self.g.op("Flatten", self.g.op("Transpose", self.run(x, layer, 1), perm=[1, 0, 2]), axis=1)

    def run(self, x: str, layer: int, place: int) -> str:
        """The operator GRU on x (B, T, I): its outputs at place 0, its final states (D, B, H) at place 1."""
        directions = [
            operator_weights([self.weights[name] for name in names]) for names in gru_names(layer, self.config)
        ]
        return self.g.op(
            "GRU",
            self.g.op("Transpose", x, perm=[1, 0, 2]),
            *(np.stack(arrays) for arrays in zip(*directions, strict=True)),
            place=place,
            hidden_size=self.config.hidden_size,
            direction="bidirectional" if self.config.bidirectional else "forward",
            linear_before_reset=int(self.config.reset_after),
        )

    def linear(self, x: str, name: str) -> str:
        y = self.g.op("MatMul", x, np.ascontiguousarray(self.weights[f"{name}.weight"].T))
        bias = self.weights.get(f"{name}.bias")
        return y if bias is None else self.g.op("Add", y, bias)

    def embed(self, codes: str, table: int) -> str:
        return self.g.op("Gather", self.weights[f"embed.{table}.weight"], codes)

    def dropout(self, x: str, share: float) -> str:  # noqa: ARG002
        return x

    def relu(self, x: str) -> str:
        return self.g.op("Relu", x)

    def softplus(self, x: str) -> str:
        return self.g.op("Softplus", x)

    def add(self, x: str, y: str) -> str:
        return self.g.op("Add", x, y)

    def subtract(self, x: str, y: str) -> str:
        return self.g.op("Sub", x, y)

    def multiply(self, x: str, factor: float) -> str:
        return self.g.op("Mul", x, np.float64(factor))

    def maximum(self, x: str, y: str) -> str:
        return self.g.op("Max", x, y)

    def mean(self, x: str, axis: int) -> str:
        return self.g.op("ReduceMean", x, axes=[axis], keepdims=0)

    def combine(self, weights: str, values: str) -> str:
        scaled = self.g.op("Mul", self.unsqueeze(weights, -1), values)
        return self.g.sum(scaled, 1, keepdims=False)

    def cumsum(self, x: str, reverse: bool = False) -> str:
        return self.g.op("CumSum", x, np.int64(-1), reverse=int(reverse))

    def cut(self, x: str, start: int, stop: int) -> str:
        return self.g.cut(x, -1, start, stop)

    def concat(self, values: Sequence[str], axis: int) -> str:
        return values[0] if len(values) == 1 else self.g.concat(values, axis)

    def reshape(self, x: str, shape: tuple[int, ...]) -> str:
        return self.g.op("Reshape", x, np.array([0, *shape]))

    def unsqueeze(self, x: str, axis: int) -> str:
        return self.g.op("Unsqueeze", x, np.array([axis]))


def operator_weights(direction: Sequence[Array]) -> tuple[Array, Array, Array]:
    """W (3H, I), R (3H, H) and B (6H) of a direction as the operator GRU takes them: gates z, r, h, both biases."""
    weight_ih, weight_hh, bias_ih, bias_hh = map(update_first, direction)
    return weight_ih, weight_hh, np.concatenate([bias_ih, bias_hh])


def update_first(rows: Array) -> Array:
    """Rows of the gates r, z, n as z, r, n."""
    reset, update, candidate = np.split(rows, 3)
    return np.concatenate([update, reset, candidate])
