"""A trained model: what its file holds, and what it computes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import Schema
from grucast.data.features import Features, make_features
from grucast.data.fingerprint import TrainedOn
from grucast.data.frequency import Frequency
from grucast.data.reading.options import ReadOptions
from grucast.data.sparse import settled
from grucast.data.windows import Window, Windows
from grucast.kernels import forecaster, native
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.network import ForecastNetwork, Inputs, Parameter, SequenceNetwork, Sequences, state_size
from grucast.model.outputs.classes import Classes
from grucast.model.outputs.means import Means
from grucast.model.outputs.quantiles import Quantiles
from grucast.model.values import Tensors, Values

Array = NDArray[Any]
Label = str | int | float | bool
CHUNK = 1024  # rows computed at once at most, and fewer where they are long:
FARTHEST = 1e6  # from a feature's centre in its scale
NUMBERS = 2**26  # that the layers read and write in a chunk, so that memory stays bounded


@dataclass(frozen=True)
class ForecastModel:
    """A trained forecaster.

    Attributes:
        h: Steps it forecasts.
        input_size: Steps of history it reads.
        seasons: Seasonal periods, shortest first.
        level: Coverage of its intervals in percent, ascending.
        frequency: Step of the series it was trained on.
        nonnegative: No value of those series was negative.
        factors: By which each interval's width is multiplied, found on windows held out of training.
        network: Shape of its network.
        weights: Parameters by name.
        schema: Covariates that it reads.
        smoothed: The last value and the continuations of `data.smoothing` are among its inputs.
        members: Networks whose forecasts are averaged; the parameters of several are named members.0. and so on.
        training: How it was trained.
        trained_on: On which data.
        reading: How those data were read, so that others like them need no option.
        dependence: Partial correlations of the steps' errors 1, 2, ... apart, 0 for those beyond; None if not known.
    """

    h: int
    input_size: int
    seasons: tuple[int, ...]
    level: tuple[float, ...]
    frequency: Frequency
    nonnegative: bool
    factors: tuple[float, ...]
    network: NetworkConfig
    weights: Tensors = field(repr=False)
    schema: Schema = field(default_factory=Schema)
    members: int = 1
    smoothed: bool = False
    training: TrainingConfig | None = None
    trained_on: TrainedOn | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)
    dependence: tuple[float, ...] | None = None

    @cached_property
    def output(self) -> Quantiles:
        """What its network predicts."""
        return Quantiles(self.level)

    @cached_property
    def definition(self) -> ForecastNetwork:
        """Its network."""
        return ForecastNetwork(self.network, self.schema, len(self.seasons), self.h, self.output, self.smoothed)

    def forecast(self, windows: Windows, level: tuple[float, ...] | None = None) -> Array:
        """Forecast from windows: quantiles (B, h, Q) in the unit of y, of the trained levels or of those given."""
        shown = self.level if level is None else level
        return np.concatenate(
            [self.forecast_window(windows.take(rows), shown) for rows in self.chunks(np.arange(len(windows)))]
        )

    def forecast_unbounded(self, windows: Windows) -> Array:
        """As `forecast`, but what the network says, negative or between the values that there are."""
        parts = []
        for rows in self.chunks(np.arange(len(windows))):
            window = windows.take(rows)
            free = window._replace(nonnegative=np.zeros_like(window.nonnegative))
            parts.append(self.unsettled(free, self.level))
        return np.concatenate(parts)

    def chunks(self, rows: Array) -> Iterator[Array]:
        """Pieces of rows, one a window, as many as may be forecast at once."""
        weights = self.each_weights[0]
        ahead = len(weights["out.weight"]) + self.h * len(weights.get("step.weight", ()))
        return chunked(rows, self.input_size * width_of(self.network, self.definition.step_size) + ahead)

    def features(self, window: Window) -> Features:
        """What the network sees of windows."""
        return make_features(window, self.schema, self.seasons, self.smoothed)

    def forecast_window(self, window: Window, level: tuple[float, ...]) -> Array:
        """Forecast from windows that are there: quantiles (B, h, Q) in the unit of y."""
        return settled(self.unsettled(window, level), window.history)

    def unsettled(self, window: Window, level: tuple[float, ...]) -> Array:
        """The forecast before `data.sparse` brings it to the values that there are."""
        features = self.features(window)
        z = self.compute(Inputs.of(features))
        if level == self.level and native.available():
            return forecaster.intervals(z, self.factors, features.centre, features.scale, window.nonnegative)
        y = features.restore(self.output.at(Values({}, self.network), z, self.factors, level))
        return np.maximum(y, np.where(window.nonnegative, 0, -np.inf)[:, None, None])

    def compute(self, inputs: Inputs) -> Array:
        """The mean of its networks' quantiles (B, h, Q), on each window's scale and not calibrated."""
        members = [self.definition(Values(own, self.network), inputs) for own in self.each_weights]
        if self.members == 1:
            return np.asarray(members[0])
        # np.mean would add in another order in a batch
        return np.asarray(sum(members[1:], members[0]) / np.float32(self.members))

    @cached_property
    def each_weights(self) -> list[Tensors]:
        """The parameters of each member by their names in one network."""
        return [
            {name.removeprefix(prefix): array for name, array in self.weights.items() if name.startswith(prefix)}
            for prefix in prefixes(self.members)
        ]


@dataclass(frozen=True)
class RegressionModel:
    """A trained regressor from sequences to vectors.

    Attributes:
        features: Width F of its input (N, T, F).
        outputs: Width O of its output (N, O).
        network: Shape of its network.
        weights: Parameters by name.
        flat: Its targets were (N,), so its predictions are.
        per_step: It predicts at each step, (N, T, O).
        training: How it was trained.
    """

    features: int
    outputs: int
    network: NetworkConfig
    weights: Tensors = field(repr=False)
    flat: bool = False
    per_step: bool = False
    training: TrainingConfig | None = None

    @property
    def definition(self) -> SequenceNetwork:
        """Its network."""
        return SequenceNetwork(
            self.network, self.features, Means(self.outputs), "gru" if self.per_step else "gru_state"
        )

    def predict(self, sequences: Sequences) -> NDArray[np.float32]:
        """Outputs (N, O), or (N, T, O), for sequences (N, T, F)."""
        return compute(self, sequences)


@dataclass(frozen=True)
class ClassificationModel:
    """A trained classifier of sequences.

    Attributes:
        centre, scale: What it subtracts from each feature, and by what it divides them then, (F,).
        classes: The labels of its classes, ascending.
        network: Shape of its network.
        weights: Parameters by name.
        training: How it was trained.
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    classes: tuple[Label, ...]
    network: NetworkConfig
    weights: Tensors = field(repr=False)
    training: TrainingConfig | None = None

    @property
    def features(self) -> int:
        """Width F of its input (N, T, F)."""
        return len(self.centre)

    @property
    def output(self) -> Classes:
        """What its network predicts."""
        return Classes(len(self.classes))

    @property
    def definition(self) -> SequenceNetwork:
        """Its network."""
        return SequenceNetwork(self.network, self.features, self.output, "gru_summary")

    def standardise(self, sequences: Sequences) -> Sequences:
        """Sequences (N, T, F) with each feature on its own scale, in single precision."""
        z = (sequences.x - np.array(self.centre)) / np.array(self.scale)
        return sequences._replace(x=z.clip(-FARTHEST, FARTHEST).astype(np.float32))

    def probabilities(self, sequences: Sequences) -> NDArray[np.float32]:
        """The probability of each class, (N, C), for sequences (N, T, F)."""
        return self.output.probabilities(compute(self, self.standardise(sequences)))


Model = ForecastModel | RegressionModel | ClassificationModel


def compute(model: RegressionModel | ClassificationModel, sequences: Sequences) -> NDArray[np.float32]:
    """What a model's network predicts of sequences."""
    x, lengths = sequences
    o, run = Values(model.weights, model.network), model.definition
    numbers = x.shape[1] * width_of(model.network, model.features)
    pieces = [
        run(o, Sequences(np.ascontiguousarray(x[rows], np.float32), None if lengths is None else lengths[rows]))
        for rows in chunked(np.arange(len(x)), numbers)
    ]
    return np.concatenate(pieces)


def parameters_of(model: Model) -> Iterator[Parameter]:
    """The parameters that a model's weights must be, one by one, as there can be very many.

    >>> next(parameters_of(RegressionModel(2, 1, NetworkConfig(hidden_size=4), {})))
    Parameter(name='gru.weight_ih_l0', shape=(12, 2), bound=0.5)
    """
    for prefix in prefixes(getattr(model, "members", 1)):
        for parameter in model.definition.parameters():
            yield parameter._replace(name=prefix + parameter.name)


def prefixes(members: int) -> list[str]:
    """What the names of each member's parameters begin with."""
    return [f"members.{member}." for member in range(members)] if members > 1 else [""]


def width_of(network: NetworkConfig, inputs: int) -> int:
    """Numbers that are read and written for each step of a sequence."""
    return inputs + 2 * state_size(network)


def chunked(rows: Array, numbers: int) -> Iterator[Array]:
    """Pieces of as many rows as are computed at once, given the numbers that one takes; one empty piece for none."""
    size = min(max(NUMBERS // numbers, 1), CHUNK)
    for start in range(0, max(len(rows), 1), size):
        yield rows[start : start + size]
