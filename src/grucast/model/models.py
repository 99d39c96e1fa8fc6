"""A trained model: what its file holds, and what it computes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import Schema
from grucast.data.features import make_features
from grucast.data.fingerprint import TrainedOn
from grucast.data.frequency import Frequency
from grucast.data.reading.options import ReadOptions
from grucast.data.windows import Window, Windows
from grucast.kernels import native
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.explain import Explanation, explain_rows
from grucast.model.runtime import Tensors, forecast_quantiles, regress, trace

Array = NDArray[Any]
CHUNK = 1024  # rows computed at once at most, and fewer where they are long:
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
        widths: Factor of each interval's width, found on windows held out of training.
        network: Shape of its network.
        weights: Parameters by name.
        schema: Covariates that it reads.
        members: Networks whose forecasts are averaged; the parameters of several are named members.0. and so on.
        training: How it was trained.
        trained_on: On which data.
        reading: How those data were read, so that others like them need no option.
    """

    h: int
    input_size: int
    seasons: tuple[int, ...]
    level: tuple[float, ...]
    frequency: Frequency
    nonnegative: bool
    widths: tuple[float, ...]
    network: NetworkConfig
    weights: Tensors = field(repr=False)
    schema: Schema = field(default_factory=Schema)
    members: int = 1
    training: TrainingConfig | None = None
    trained_on: TrainedOn | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)

    def forecast(self, windows: Windows, level: tuple[float, ...] | None = None) -> Array:
        """Forecast from windows: quantiles (B, h, Q) in the unit of y.

        They are those of `quantiles(level)`, by default of the trained levels.
        """
        shown = self.level if level is None else level
        return np.concatenate(
            [self.forecast_window(windows.take(rows), shown) for rows in self.chunks(np.arange(len(windows)))]
        )

    def chunks(self, rows: Array) -> Iterator[Array]:
        """Pieces of rows, one a window, as many as may be forecast at once."""
        weights = self.each_weights()[0]
        ahead = len(weights["out.weight"]) + self.h * len(weights.get("step.weight", ()))
        return chunked(rows, self.input_size * width_of(self.network, weights) + ahead)

    def forecast_window(self, window: Window, level: tuple[float, ...]) -> Array:
        """Forecast from windows that are there: quantiles (B, h, Q) in the unit of y."""
        features = make_features(window, self.schema, self.seasons)
        past = len(self.schema.categorical("past"))
        members = [forecast_quantiles(features, past, self.network, own) for own in self.each_weights()]
        z = members[0]
        if self.members > 1:
            z = sum(members[1:], z) / np.float32(self.members)  # np.mean would add in another order in a batch
        if level == self.level and native.available():
            return native.intervals(z, self.widths, features.centre, features.scale, window.nonnegative)
        y = features.restore(at_levels(z, self.level, self.widths, level))
        return np.maximum(y, np.where(window.nonnegative, 0, -np.inf)[:, None, None])

    def explain(self, windows: Windows) -> list[Explanation]:
        """What the forecast from each window uses."""
        features = make_features(windows.take(np.arange(len(windows))), self.schema, self.seasons)
        gates = [step for own in self.each_weights() for step in trace(features, self.network, own)]
        return explain_rows(windows, features, gates, self.seasons)

    def each_weights(self) -> list[Tensors]:
        """The parameters of each member by their names in one network."""
        if self.members == 1:
            return [self.weights]
        prefixes = [f"members.{member}." for member in range(self.members)]
        return [{k.removeprefix(p): v for k, v in self.weights.items() if k.startswith(p)} for p in prefixes]


@dataclass(frozen=True)
class RegressionModel:
    """A trained regressor from sequences to vectors.

    Attributes:
        features: Width F of its input (N, T, F).
        outputs: Width O of its output (N, O).
        network: Shape of its network.
        weights: Parameters by name.
        flat: Its targets were (N,), so its predictions are.
        training: How it was trained.
    """

    features: int
    outputs: int
    network: NetworkConfig
    weights: Tensors = field(repr=False)
    flat: bool = False
    training: TrainingConfig | None = None

    def predict(self, x: Array) -> NDArray[np.float32]:
        """Outputs (N, O) for sequences (N, T, F)."""
        pieces = chunked(x.astype(np.float32), x.shape[1] * width_of(self.network, self.weights))
        return np.concatenate([regress(rows, self.network, self.weights) for rows in pieces])


def quantiles(level: tuple[float, ...]) -> tuple[float, ...]:
    """The probabilities of the quantiles that make those intervals, ascending, the median in the middle.

    >>> quantiles((80.0,))
    (0.1, 0.5, 0.9)
    """
    lower = [round(0.5 - x / 200, 6) for x in reversed(level)]
    return (*lower, 0.5, *(round(1 - p, 6) for p in reversed(lower)))


def at_levels(z: Array, trained: tuple[float, ...], widths: tuple[float, ...], level: tuple[float, ...]) -> Array:
    """Intervals of any levels from those trained, (B, h, Q): distances from the median times their widths.

    Between and beyond the trained levels distances are linear in the normal quantile, which is exact for errors that
    are normal at any scale.
    """
    middle = len(trained)
    if not level:
        return z[..., middle : middle + 1]
    median = z[..., middle : middle + 1]
    distances = np.array([median - z[..., :middle][..., ::-1], z[..., middle + 1 :] - median])
    below, above = nested = np.maximum.accumulate(distances * widths, axis=-1)  # whatever the widths
    if level != trained:
        values = np.concatenate([np.zeros_like(nested[..., :1]), nested], axis=-1)
        left, share = neighbours(trained, level)
        below, above = values[..., left] * (1 - share) + values[..., left + 1] * share
    return np.concatenate([median - below[..., ::-1], median, median + above], axis=-1)


@lru_cache(maxsize=16)
def neighbours(trained: tuple[float, ...], level: tuple[float, ...]) -> tuple[Array, Array]:
    """Where each level lies among 0 and those trained: after which one, and how far on the way to the next."""
    known, wanted = normal_quantiles((0.0, *trained)), normal_quantiles(level)
    left = np.clip(np.searchsorted(known, wanted), 1, len(trained)) - 1
    return left, (wanted - known[left]) / (known[left + 1] - known[left])


def normal_quantiles(level: tuple[float, ...]) -> Array:
    """Half the width of each interval of a standard normal variable."""
    from statistics import NormalDist

    return np.array([NormalDist().inv_cdf(0.5 + x / 200) for x in level])


def width_of(network: NetworkConfig, weights: Tensors) -> int:
    """Numbers that are read and written for each step of a sequence."""
    return int(weights["gru.weight_ih_l0"].shape[1]) + 2 * network.hidden_size * (1 + network.bidirectional)


def chunked(rows: Array, numbers: int) -> Iterator[Array]:
    """Pieces of as many rows as are computed at once, given the numbers that one takes; one empty piece for none."""
    size = min(max(NUMBERS // numbers, 1), CHUNK)
    for start in range(0, max(len(rows), 1), size):
        yield rows[start : start + size]
