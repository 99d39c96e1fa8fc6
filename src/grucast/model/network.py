"""The networks: what they compute, written once in operations, and the list of their parameters."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, NamedTuple

from grucast.data.covariates import Column
from grucast.data.encoding import Schema, embedding_size
from grucast.data.features import MOVES
from grucast.data.smoothing import SMOOTHINGS
from grucast.model.config import NetworkConfig
from grucast.model.operations import Operations, Value, gru_names
from grucast.model.outputs import Array, Output

NORMAL = None  # how the vectors of categories start


class Parameter(NamedTuple):
    """A parameter of a network.

    Attributes:
        name: Its name.
        shape: Its shape.
        bound: Training starts from numbers uniform within plus and minus this; with NORMAL from a table of standard
            normal numbers whose first row, for what is missing, is zero.
    """

    name: str
    shape: tuple[int, ...]
    bound: float | None


class Inputs(NamedTuple):
    """What the forecaster's network reads of a batch of windows; data.features says what each holds."""

    steps: Value  # (B, T, C)
    codes: Sequence[Value]  # (B, T) of each column: past, future
    continuations: Value  # (B, C, h)
    static: Sequence[Value]  # none, or (B, ...)
    static_codes: Sequence[Value]  # (B,) of each column
    ahead: Sequence[Value]  # none, or (B, h, ...)
    ahead_codes: Sequence[Value]  # (B, h) of each column: future

    @classmethod
    def of(cls, x: Any) -> "Inputs":
        """Those of a batch of `Features`, or of anything that has these arrays."""
        codes, static_codes, ahead_codes = map(each_column, (x.codes, x.static_codes, x.ahead_codes))
        static, ahead = ([array] if array.shape[-1] else [] for array in (x.static, x.ahead))
        return cls(x.inputs, codes, x.continuations, static, static_codes, ahead, ahead_codes)


@dataclass(frozen=True)
class ForecastNetwork:
    """A window's features to the forecast of all h steps at once.

    The head sees the GRU's final state, so the whole history, the window's continuations, how much it moved and what is
    static; it weighs the continuations and corrects their sum. What is known ahead of a step adds a correction of its
    own to that step. The last layers start at zero, so training starts from the continuations' mean.

    Attributes:
        config: Shape of GRU and head.
        schema: The covariates that it reads.
        seasons: Number S of seasonal periods.
        h: Steps that it forecasts.
        output: What its raw numbers mean.
        smoothed: Whether the last value, the continuations of data.smoothing and how much a window moved are among its
            inputs.
    """

    config: NetworkConfig
    schema: Schema
    seasons: int
    h: int
    output: Output
    smoothed: bool = False

    def __call__(self, o: Operations, x: Inputs) -> Value:
        """Map a batch to the output's predictions (B, h, ...)."""
        temporal, past = len(x.codes), len(x.codes) - len(x.ahead_codes)
        steps = o.concat([x.steps, *embedded(o, x.codes, 0)], 2)
        if self.patch_size > 1:
            steps = o.reshape(steps, (-1, self.patch_size * self.step_size))
        static = [*x.static, *embedded(o, x.static_codes, temporal)]
        ahead = [*x.ahead, *embedded(o, x.ahead_codes, past)]
        state = o.gru_state(hidden_layers(o, steps, self.config), self.config.num_layers - 1)
        return o.head(self, state, x.continuations, static, ahead)

    def head(
        self, o: Operations, state: Value, continuations: Value, static: Sequence[Value], ahead: Sequence[Value]
    ) -> Value:
        """Map final states, continuations, what is static and what is known ahead to predictions."""
        joined = o.concat([state, o.reshape(continuations, (-1,)), *static], 1)
        hidden = o.dropout(o.relu(o.linear(joined, "hidden")), self.config.head_dropout)
        raw = o.reshape(o.linear(hidden, "out"), (self.h, self.output.size))
        if ahead:
            step = o.add(o.unsqueeze(o.linear(hidden, "step_state"), 1), o.linear(o.concat(ahead, 2), "step"))
            raw = o.add(raw, o.linear(o.relu(step), "step_out"))
        base = o.mean(continuations, 1)
        if self.smoothed:
            base = o.add(base, o.combine(o.linear(hidden, "mix"), continuations))
        return self.output.predict(o, raw, base)

    @property
    def patch_size(self) -> int:
        """Steps that the GRU reads at once."""
        return self.config.patch_size or 1

    @property
    def continuations(self) -> int:
        """Their number C."""
        return 2 * self.seasons + (1 + len(SMOOTHINGS) if self.smoothed else 0)

    @property
    def step_size(self) -> int:
        """Numbers that describe a step."""
        columns = self.schema.categorical("past", "future")
        numbers = 2 * len(self.schema.numbers("past", "future")) + 2 * len(self.schema.cycles)
        return 2 + self.seasons + numbers + width(columns)

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, one by one, in the order in which training draws them."""
        config, schema, outputs = self.config, self.schema, self.output.size
        past, future, static = (schema.categorical(role) for role in ("past", "future", "static"))
        moves = MOVES if self.smoothed else 0
        fixed = self.continuations * self.h + moves + 2 * len(schema.numbers("static")) + width(static)
        ahead = 4 * len(schema.numbers("future")) + 2 * len(schema.cycles) + width(future)
        for place, column in enumerate(past + future + static):
            shape = len(column.categories or ()) + 1, embedding_size(column)
            yield Parameter(f"embed.{place}.weight", shape, NORMAL)
        yield from gru(self.patch_size * self.step_size, config)
        yield from linear("hidden", state_size(config) + fixed, config.head_size)
        yield from linear("out", config.head_size, self.h * outputs, 0.0)
        if self.smoothed:
            yield from linear("mix", config.head_size, self.continuations, 0.0)
        if ahead:
            yield from linear("step_state", config.head_size, config.hidden_size)
            yield next(linear("step", ahead, config.hidden_size))
            yield from linear("step_out", config.hidden_size, outputs, 0.0)


class Sequences(NamedTuple):
    """A batch of sequences."""

    x: Value  # (B, T, F)
    lengths: Value = None  # (B,): valid steps of each, all of them when None


@dataclass(frozen=True)
class SequenceNetwork:
    """Sequences to one prediction each, from the GRU's final state, or to one at each step.

        y = W h_T + b,   y_t = W h_t + b,   or   y = W [h_T, max over t of h_t] + b

    Attributes:
        config: Shape of the GRU.
        features: Width F of a step.
        output: What its raw numbers mean.
        ends: What it reads of the last layer: the operation that computes it.
    """

    config: NetworkConfig
    features: int
    output: Output
    ends: Literal["gru_state", "gru", "gru_summary"] = "gru_state"

    def __call__(self, o: Operations, batch: Sequences) -> Value:
        """Map a batch to predictions, (B, ...) or (B, T, ...)."""
        x = hidden_layers(o, batch.x, self.config, batch.lengths)
        ends = getattr(o, self.ends)(x, self.config.num_layers - 1, batch.lengths)
        return self.output.predict(o, o.linear(ends, "fc"))

    def parameters(self) -> Iterator[Parameter]:
        """The parameters, one by one, in the order in which training draws them."""
        yield from gru(self.features, self.config)
        ends = state_size(self.config) * (2 if self.ends == "gru_summary" else 1)
        yield from linear("fc", ends, self.output.size)


def hidden_layers(o: Operations, x: Value, config: NetworkConfig, lengths: Value = None) -> Value:
    """What the last GRU layer reads, (B, T, I)."""
    for layer in range(config.num_layers - 1):
        x = o.dropout(o.gru(x, layer, lengths), config.dropout)
    return x


def embedded(o: Operations, codes: Iterable[Value], first: int) -> list[Value]:
    """The vectors of each column's categories; their tables count from `first`."""
    return [o.embed(column, first + place) for place, column in enumerate(codes)]


def gru(inputs: int, config: NetworkConfig) -> Iterator[Parameter]:
    """The GRU's parameters, named as torch names them and drawn as torch draws them."""
    size, bound = config.hidden_size, 1 / sqrt(config.hidden_size)
    for layer in range(config.num_layers):
        for weight_ih, weight_hh, bias_ih, bias_hh in gru_names(layer, config):
            yield Parameter(weight_ih, (3 * size, inputs), bound)
            yield Parameter(weight_hh, (3 * size, size), bound)
            yield Parameter(bias_ih, (3 * size,), bound)
            yield Parameter(bias_hh, (3 * size,), bound)
        inputs = state_size(config)


def linear(name: str, inputs: int, outputs: int, bound: float | None = None) -> Iterator[Parameter]:
    """A linear layer's, drawn as torch draws them unless a bound is given."""
    usual = 1 / sqrt(inputs) if bound is None else bound
    yield Parameter(f"{name}.weight", (outputs, inputs), usual)
    yield Parameter(f"{name}.bias", (outputs,), usual)


def state_size(config: NetworkConfig) -> int:
    """Width of the final states, joined."""
    return config.hidden_size * (2 if config.bidirectional else 1)


def each_column(codes: Array) -> list[Array]:
    """Each column of codes (..., K) by itself."""
    return [codes[..., place] for place in range(codes.shape[-1])]


def width(columns: Iterable[Column]) -> int:
    """Width of the columns' vectors side by side."""
    return sum(map(embedding_size, columns))
