"""Networks on arrays: the operations in NumPy, the GRU and the linear layers in the kernels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.kernels import forecaster, native, reference
from grucast.model.config import NetworkConfig
from grucast.model.operations import Operations, gru_names
from grucast.model.outputs.quantiles import Quantiles

Array = NDArray[Any]
Tensors = Mapping[str, Array]
LAYERS = ("hidden", "out", "mix", "step_state", "step", "step_out")  # of the forecaster's head
NONE = np.empty(0, np.float32)


class Values(Operations):
    """Operations that compute arrays from weights by name, on as many threads as given, or as is usual.

    A row's bits depend on nothing but the row: no BLAS, and no sum over an axis that batches could merge.
    """

    def __init__(self, weights: Tensors, config: NetworkConfig, threads: int | None = None) -> None:
        self.weights, self.config, self.threads = weights, config, threads

    def gru(self, x: Array, layer: int, lengths: Array | None = None) -> Array:
        return self.concat([output for output, _ in self.run(x, layer, lengths)], 2)

    def gru_state(self, x: Array, layer: int, lengths: Array | None = None) -> Array:
        return self.concat([state for _, state in self.run(x, layer, lengths)], 1)

    def gru_summary(self, x: Array, layer: int, lengths: Array | None = None) -> Array:
        outputs, states = zip(*self.run(x, layer, lengths), strict=True)
        return self.concat([*states, largest(self.concat(outputs, 2), lengths)], 1)

    def run(self, x: Array, layer: int, lengths: Array | None) -> list[tuple[Array, Array]]:
        """Output and final state of each direction of a layer."""
        run: Callable[..., tuple[Array, Array]] = reference.gru_forward
        if native.available():
            threads = self.threads or (native.usual_threads() if len(x) > 1 else 1)
            run = partial(native.gru_forward, threads=threads)
        state = np.zeros((len(x), self.config.hidden_size), x.dtype)
        options = (self.config.reset_after, lengths)
        return [run(x, state, weights, *options, reverse) for weights, reverse in self.directions(layer)]

    def directions(self, layer: int) -> Iterator[tuple[reference.Weights, bool]]:
        """The weights of each direction of a layer, and whether it runs from the end."""
        for place, names in enumerate(gru_names(layer, self.config)):
            yield reference.Weights(*[self.weights[name] for name in names]), place == 1

    def linear(self, x: Array, name: str) -> Array:
        weight, bias = self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")
        rows = x.reshape(-1, x.shape[-1])
        if native.available():
            y = native.linear(rows, weight, bias, self.threads or 1)
        else:
            y = reference.linear(rows, weight, bias)
        return y.reshape(*x.shape[:-1], len(weight))

    def embed(self, codes: Array, table: int) -> Array:
        return np.asarray(self.weights[f"embed.{table}.weight"][codes])

    def dropout(self, x: Array, share: float) -> Array:  # noqa: ARG002
        return x

    def relu(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def softplus(self, x: Array) -> Array:
        return native.activation("softplus", x) if native.available() else np.logaddexp(0, x)

    def add(self, x: Array, y: Array) -> Array:
        return x + y

    def subtract(self, x: Array, y: Array) -> Array:
        return x - y

    def multiply(self, x: Array, factor: float) -> Array:
        return np.multiply(x, factor, dtype=np.float64)

    def maximum(self, x: Array, y: Array) -> Array:
        return np.maximum(x, y)

    def mean(self, x: Array, axis: int) -> Array:
        return np.asarray(x.mean(axis))

    def combine(self, weights: Array, values: Array) -> Array:
        return np.asarray((weights[..., None] * values).sum(1))

    def cumsum(self, x: Array, reverse: bool = False) -> Array:
        return np.cumsum(x[..., ::-1], -1)[..., ::-1] if reverse else np.cumsum(x, -1)

    def cut(self, x: Array, start: int, stop: int) -> Array:
        return x[..., start:stop]

    def concat(self, values: Sequence[Array], axis: int) -> Array:
        return values[0] if len(values) == 1 else np.concatenate(values, axis)

    def reshape(self, x: Array, shape: tuple[int, ...]) -> Array:
        return x.reshape(len(x), *shape)

    def unsqueeze(self, x: Array, axis: int) -> Array:
        return np.expand_dims(x, axis)

    def head(
        self, network: Any, state: Array, continuations: Array, static: Sequence[Array], ahead: Sequence[Array]
    ) -> Array:
        if not native.available() or not isinstance(network.output, Quantiles):
            return np.asarray(super().head(network, state, continuations, static, ahead))
        batch, _, h = continuations.shape
        fixed = self.concat(static, 1) if static else np.empty((batch, 0), np.float32)
        known = self.concat(ahead, 2) if ahead else np.empty((batch, h, 0), np.float32)
        layers = [layer for layer in LAYERS if f"{layer}.weight" in self.weights]
        weights = [self.weights.get(f"{layer}.{part}", NONE) for layer in layers for part in ("weight", "bias")]
        shape = (batch, h, network.output.size)
        return forecaster.head(state, continuations, fixed, known, weights, shape)


class Traced(Values):
    """As Values, and it keeps what a forecast is made of.

    Attributes:
        gates: Those of every step, (B, T, H) each, of each layer and direction.
        mix: What the head adds to the weight of each continuation, (B, C); empty where it weighs none.
    """

    def __init__(self, weights: Tensors, config: NetworkConfig) -> None:
        super().__init__(weights, config)
        self.gates: list[reference.Step] = []
        self.mix: list[Array] = []

    def run(self, x: Array, layer: int, lengths: Array | None) -> list[tuple[Array, Array]]:  # noqa: ARG002
        """As the equations have it."""
        state, results = np.zeros((len(x), self.config.hidden_size), x.dtype), []
        for weights, reverse in self.directions(layer):
            output, gates = reference.gru_trace(x, state, weights, self.config.reset_after, reverse)
            self.gates.append(gates)
            results.append((output, output[:, 0 if reverse else -1]))
        return results

    def combine(self, weights: Array, values: Array) -> Array:
        self.mix.append(weights)
        return super().combine(weights, values)

    def head(
        self, network: Any, state: Array, continuations: Array, static: Sequence[Array], ahead: Sequence[Array]
    ) -> Array:
        """As the network is written."""
        return np.asarray(network.head(self, state, continuations, static, ahead))


def largest(outputs: Array, lengths: Array | None) -> Array:
    """The largest output of each unit (B, H) over the steps that are there; outputs (B, T, H) lie between -1 and 1."""
    if lengths is not None:
        there = np.arange(outputs.shape[1]) < lengths[:, None]
        outputs = np.where(there[..., None], outputs, np.float32(-2))
    return np.asarray(outputs.max(1))
