"""A trained model: what its file holds, and what it computes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import make_features
from grucast.data.frequency import Frequency
from grucast.model.config import NetworkConfig
from grucast.model.runtime import Tensors, forecast_quantiles, regress

Array = NDArray[Any]
CHUNK = 1024  # rows computed at once, so that memory stays bounded


@dataclass(frozen=True)
class ForecastModel:
    """A trained forecaster.

    Attributes:
        h: Steps it forecasts.
        input_size: Steps of history it reads.
        seasons: Seasonal periods, shortest first.
        level: Coverage of its intervals in percent, ascending.
        frequency: Step of the series it was trained on.
        nonnegative: No value of those series was negative, so no forecast is.
        network: Shape of its network.
        weights: Parameters by name.
    """

    h: int
    input_size: int
    seasons: tuple[int, ...]
    level: tuple[float, ...]
    frequency: Frequency
    nonnegative: bool
    network: NetworkConfig
    weights: Tensors = field(repr=False)

    def forecast(self, history: Array) -> Array:
        """Forecast from histories (B, input_size), NaN where not observed: quantiles (B, h, Q) in the unit of y."""
        chunks = [self._forecast_chunk(rows) for rows in chunked(history)]
        return np.concatenate(chunks)

    def _forecast_chunk(self, history: Array) -> Array:
        features = make_features(history, self.seasons, self.h)
        z = forecast_quantiles(features.inputs, features.continuations, self.network, self.weights)
        y = features.restore(z)
        return np.maximum(y, 0) if self.nonnegative else y


@dataclass(frozen=True)
class RegressionModel:
    """A trained regressor from sequences to vectors.

    Attributes:
        features: Width F of its input (N, T, F).
        outputs: Width O of its output (N, O).
        network: Shape of its network.
        weights: Parameters by name.
    """

    features: int
    outputs: int
    network: NetworkConfig
    weights: Tensors = field(repr=False)

    def predict(self, x: Array) -> NDArray[np.float32]:
        """Outputs (N, O) for sequences (N, T, F)."""
        chunks = [regress(rows, self.network, self.weights) for rows in chunked(x.astype(np.float32))]
        return np.concatenate(chunks)


def quantiles(level: tuple[float, ...]) -> tuple[float, ...]:
    """The probabilities of the quantiles that make those intervals, ascending, the median in the middle.

    >>> quantiles((80.0,))
    (0.1, 0.5, 0.9)
    """
    lower = [round(0.5 - x / 200, 6) for x in reversed(level)]
    return (*lower, 0.5, *(round(1 - p, 6) for p in reversed(lower)))


def chunked(rows: Array) -> Iterator[Array]:
    """Pieces of at most CHUNK rows; one empty piece for none."""
    for start in range(0, max(len(rows), 1), CHUNK):
        yield rows[start : start + CHUNK]
