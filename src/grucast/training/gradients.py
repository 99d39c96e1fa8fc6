"""Networks that learn: the operations of model.values recorded, each with its derivative."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from grucast.kernels import native, reference, reference_backward
from grucast.model.config import NetworkConfig
from grucast.model.operations import Value, gru_names
from grucast.model.values import Array, Values, largest

GRUBackward = Callable[[reference.Weights, Array | None, Array | None], Array | None]
SLICE = 64  # rows whose gradients are summed before they join the others'


class Recorded:
    """An array whose gradient is wanted, or that was computed from such or from parameters, and that gradient."""

    __slots__ = ("array", "gradient")

    def __init__(self, array: Array) -> None:
        self.array = array
        self.gradient: Array | None = None

    def receive(self, gradient: Array) -> None:
        """Add a share of the gradient."""
        self.gradient = gradient if self.gradient is None else self.gradient + gradient


class Memory:
    """Arrays that one training step hands on to the next: fresh memory costs a page fault every 4 KiB."""

    def __init__(self) -> None:
        self._kept: dict[Any, Array] = {}

    def of(self, place: Any, size: int) -> Array:
        """At least so many numbers for that place in the network, which hold what the last step left."""
        if place not in self._kept or len(self._kept[place]) < size:
            self._kept[place] = native.aligned((size,), np.float32)
        return self._kept[place]


class Gradients(Values):
    """Operations that compute arrays and keep what `backward` needs; what holds no parameter stays a plain array.

    Gradients of parameters are summed over slices of SLICE rows, each of its own, so that slices may be computed apart.

    Args:
        weights: The parameters.
        gradients: Arrays of their shapes for each of S slices of the batch, (S, ...), which `backward` fills; the last
            slice has all rows that are left.
        config: Shape of the network.
        rng: Draws what dropout drops.
        threads: Most threads of the kernels; no bit depends on them.
        memory: What earlier steps left.
        place: Where the rows are in a larger batch, and its size; dropout drops what it would there.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        gradients: Mapping[str, Array],
        config: NetworkConfig,
        rng: np.random.Generator,
        threads: int = 1,
        memory: Memory | None = None,
        place: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(weights, config, threads)
        self.gradients, self.rng, self.memory, self.place = gradients, rng, memory or Memory(), place
        self._tape: list[tuple[Recorded, Callable[[Array], None]]] = []

    def backward(self, result: Recorded, gradient: Array) -> None:
        """Fill the parameters' gradients, from that of the loss with respect to a result."""
        for name, own in self.gradients.items():
            if name.startswith("embed."):  # several places may add to a table
                own[...] = 0
        result.receive(gradient)
        for node, derivative in reversed(self._tape):
            if node.gradient is not None:
                derivative(node.gradient)
                node.gradient = None
        self._tape.clear()

    def _record(self, array: Array, derivative: Callable[[Array], None]) -> Recorded:
        node = Recorded(array)
        self._tape.append((node, derivative))
        return node

    def _each(self, array: Array, x: Value, derivative: Callable[[Array], Array]) -> Value:
        """What a function of x alone gives, whose derivative is applied to the gradient."""
        if not isinstance(x, Recorded):
            return array
        return self._record(array, lambda d: x.receive(derivative(d)))

    def _all(self, array: Array, *parts: tuple[Value, Callable[[Array], Array]]) -> Value:
        """What a function of several values gives, each with its derivative."""
        recorded = [(value, derivative) for value, derivative in parts if isinstance(value, Recorded)]

        def receive(d: Array) -> None:
            for value, derivative in recorded:
                value.receive(derivative(d))

        return self._record(array, receive) if recorded else array

    def gru(self, x: Value, layer: int, lengths: Array | None = None) -> Value:
        outputs, _, backward = zip(*self._directions(x, layer, lengths), strict=True)
        return self._record(super().concat(outputs, 2), lambda d: self._gru_backward(x, layer, backward, d, None))

    def gru_state(self, x: Value, layer: int, lengths: Array | None = None) -> Value:
        _, states, backward = zip(*self._directions(x, layer, lengths), strict=True)
        return self._record(super().concat(states, 1), lambda d: self._gru_backward(x, layer, backward, None, d))

    def gru_summary(self, x: Value, layer: int, lengths: Array | None = None) -> Value:
        outputs, states, backward = zip(*self._directions(x, layer, lengths), strict=True)
        steps, state = super().concat(outputs, 2), super().concat(states, 1)
        top, size = largest(steps, lengths), state.shape[1]
        return self._record(
            super().concat([state, top], 1),
            lambda d: self._gru_backward(x, layer, backward, spread(d[:, size:], steps, top), d[:, :size]),
        )

    def _directions(self, x: Value, layer: int, lengths: Array | None) -> Iterator[tuple[Array, Array, GRUBackward]]:
        """Output, final state and derivative of each direction of a layer."""
        array = array_of(x)
        for weights, reverse in self.directions(layer):
            options = (self.config.reset_after, lengths, reverse)
            if native.available():
                size = native.saved_size(len(array), array.shape[1], self.config.hidden_size)
                memory = self.memory.of((layer, reverse), size)
                run = native.gru_record(array, None, weights, *options, self.threads or 1, memory)
                yield run.output, run.final, partial(native_backward, run, self.threads or 1, isinstance(x, Recorded))
            else:
                state = np.zeros((len(array), self.config.hidden_size), np.float32)
                output, final = reference.gru_forward(array, state, weights, *options)
                yield output, final, partial(reference_backward_of, (array, state, weights, *options))

    def _gru_backward(
        self, x: Value, layer: int, backward: Sequence[GRUBackward], d_output: Array | None, d_state: Array | None
    ) -> None:
        """Gradients of a layer, from those of its outputs (B, T, DH) or of its final states (B, DH)."""
        size = self.config.hidden_size
        for place, (run, names) in enumerate(zip(backward, gru_names(layer, self.config), strict=True)):
            own = slice(place * size, (place + 1) * size)
            d, d_final = (None if d is None else d[..., own] for d in (d_output, d_state))
            receive(x, run(reference.Weights(*[self.gradients[name] for name in names]), d, d_final))

    def linear(self, x: Value, name: str) -> Value:
        array = array_of(x)
        y = super().linear(array, name)
        return self._record(y, lambda d: self._linear_backward(x, array, name, d))

    def _linear_backward(self, x: Value, array: Array, name: str, d: Array) -> None:
        weight, d_weight = self.weights[f"{name}.weight"], self.gradients[f"{name}.weight"]
        d_bias = self.gradients[f"{name}.bias"] if f"{name}.bias" in self.gradients else d_weight[..., 0].copy()
        rows = array.reshape(-1, array.shape[-1])
        arguments = d.reshape(len(rows), -1), rows, weight, isinstance(x, Recorded)
        each = SLICE * len(rows) // len(array)
        if native.available():
            d_x = native.linear_backward_into(d_weight, d_bias, each, *arguments, self.threads or 1)
        else:
            d_x = reference_linear_backward(d_weight, d_bias, each, *arguments)
        receive(x, None if d_x is None else d_x.reshape(array.shape))

    def embed(self, codes: Array, table: int) -> Value:
        return self._record(super().embed(codes, table), lambda d: self._embed_backward(codes, table, d))

    def _embed_backward(self, codes: Array, table: int, d: Array) -> None:
        """The first row, of what is missing, stays zero; a table may be read at several places."""
        gradients = self.gradients[f"embed.{table}.weight"]
        for gradient, rows in zip(gradients, slices(len(codes), SLICE, len(gradients)), strict=True):
            own = codes[rows].ravel()
            seen = np.flatnonzero(own)
            np.add.at(gradient, own[seen], d[rows].reshape(-1, d.shape[-1])[seen])

    def dropout(self, x: Value, share: float) -> Value:
        if share == 0:
            return x
        array = array_of(x)
        first, whole = self.place or (0, len(array))
        drawn = self.rng.random((whole, *array.shape[1:]), np.float32)[first : first + len(array)]
        kept = (drawn >= share) / np.float32(1 - share)
        return self._each(array * kept, x, lambda d: d * kept)

    def relu(self, x: Value) -> Value:
        y = super().relu(array_of(x))
        return self._each(y, x, lambda d: d * (y > 0))

    def softplus(self, x: Value) -> Value:
        array = array_of(x)
        return self._each(super().softplus(array), x, lambda d: d * sigmoid(array))

    def add(self, x: Value, y: Value) -> Value:
        return self._sum(super().add(array_of(x), array_of(y)), x, y, 1)

    def subtract(self, x: Value, y: Value) -> Value:
        return self._sum(super().subtract(array_of(x), array_of(y)), x, y, -1)

    def _sum(self, array: Array, x: Value, y: Value, sign: int) -> Value:
        return self._all(
            array,
            (x, lambda d: fold(d, x.array.shape)),
            (y, lambda d: fold(d if sign > 0 else -d, y.array.shape)),
        )

    def mean(self, x: Value, axis: int) -> Value:
        array = array_of(x)
        size = np.float32(array.shape[axis])
        return self._each(
            super().mean(array, axis), x, lambda d: np.broadcast_to(np.expand_dims(d / size, axis), array.shape)
        )

    def combine(self, weights: Value, values: Value) -> Value:
        own, others = array_of(weights), array_of(values)
        return self._all(
            super().combine(own, others),
            (weights, lambda d: (d[:, None] * others).sum(2)),
            (values, lambda d: d[:, None] * own[..., None]),
        )

    def cumsum(self, x: Value, reverse: bool = False) -> Value:
        return self._each(
            super().cumsum(array_of(x), reverse), x, lambda d: super(Gradients, self).cumsum(d, not reverse)
        )

    def cut(self, x: Value, start: int, stop: int) -> Value:
        array = array_of(x)

        def derivative(d: Array) -> Array:
            whole = np.zeros_like(array)
            whole[..., start:stop] = d
            return whole

        return self._each(super().cut(array, start, stop), x, derivative)

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        if len(values) == 1:
            return values[0]
        arrays = [array_of(value) for value in values]
        array, ends = super().concat(arrays, axis), np.cumsum([part.shape[axis] for part in arrays])[:-1]

        def derivative(d: Array) -> None:
            for value, part in zip(values, np.split(d, ends, axis), strict=True):
                if isinstance(value, Recorded):
                    value.receive(part)

        return self._record(array, derivative) if any(isinstance(value, Recorded) for value in values) else array

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        array = array_of(x)
        return self._each(super().reshape(array, shape), x, lambda d: d.reshape(array.shape))

    def unsqueeze(self, x: Value, axis: int) -> Value:
        return self._each(super().unsqueeze(array_of(x), axis), x, lambda d: d.squeeze(axis))

    def head(
        self, network: Any, state: Value, continuations: Value, static: Sequence[Value], ahead: Sequence[Value]
    ) -> Value:
        return network.head(self, state, continuations, static, ahead)


def native_backward(
    run: native.Forward,
    threads: int,
    wants_x: bool,
    d_weights: reference.Weights,
    d_output: Array | None,
    d_final: Array | None,
) -> Array | None:
    """The derivative of a recorded layer by the kernels."""
    return native.gru_backward_into(d_weights, SLICE, run, d_output, d_final, threads, wants_x)[0]


def reference_backward_of(
    run: Any, d_weights: reference.Weights, d_output: Array | None, d_final: Array | None
) -> Array:
    """The derivative of `reference.gru_forward`, given its arguments."""
    x, state, weights, reset_after, lengths, reverse = run
    pieces = []
    for place, rows in enumerate(slices(len(x), SLICE, len(d_weights[0]))):
        d, d_state, own = (None if array is None else array[rows] for array in (d_output, d_final, lengths))
        arguments = x[rows], state[rows], weights, reset_after, own, reverse
        piece, _, found = reference_backward.gru_backward(d, d_state, *arguments)
        pieces.append(piece)
        for into, gradient in zip(d_weights, found, strict=True):
            into[place] = gradient
    return np.concatenate(pieces)


def reference_linear_backward(
    d_weight: Array, d_bias: Array, each: int, d: Array, x: Array, weight: Array, wants_x: bool
) -> Array | None:
    """As `native.linear_backward_into`."""
    d_x = np.empty_like(x) if wants_x else None
    for place, rows in enumerate(slices(len(x), each, len(d_weight))):
        piece, d_weight[place], d_bias[place] = reference_backward.linear_backward(d[rows], x[rows], weight, wants_x)
        if d_x is not None:
            d_x[rows] = piece
    return d_x


def slices(rows: int, each: int, count: int) -> Iterator[slice]:
    """So many slices of that many rows; the last one has all that are left."""
    for place in range(count):
        yield slice(place * each, rows if place == count - 1 else (place + 1) * each)


def receive(x: Value, gradient: Array | None) -> None:
    """Hand a gradient to what it is of, if that is wanted."""
    if isinstance(x, Recorded) and gradient is not None:
        x.receive(gradient)


def array_of(x: Value) -> Array:
    """The array of what may be recorded."""
    array: Array = x.array if isinstance(x, Recorded) else x
    return array


def spread(d: Array, outputs: Array, tops: Array) -> Array:
    """The gradient of the largest outputs (B, H), given to the steps (B, T, H) that have them, in equal parts."""
    there = outputs == tops[:, None]
    return np.asarray(there * (d / there.sum(1))[:, None], np.float32)


def fold(d: Array, shape: tuple[int, ...]) -> Array:
    """A gradient of what was broadcast, summed to the shape before."""
    axes = tuple(axis for axis, (wide, own) in enumerate(zip(d.shape, shape, strict=True)) if own < wide)
    return np.asarray(d.sum(axes, keepdims=True)) if axes else d


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    if not native.available():
        return reference.sigmoid(x)
    return native.activation("sigmoid", x)
