"""Training a forecaster on the windows of a panel."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grucast.data.features import input_channels, make_features
from grucast.data.panel import Panel
from grucast.data.windows import Windows, make_windows
from grucast.errors import DataError
from grucast.model.config import TrainingConfig
from grucast.model.models import ForecastModel, quantiles
from grucast.nn.networks import ForecastNetwork
from grucast.training.loop import Callback, seeded, to_arrays, train

STEPS = 300
VALIDATION_WINDOWS = 256  # at the most, spread evenly


@dataclass(frozen=True)
class Batch:
    """Features and targets of some windows, as tensors."""

    inputs: Tensor  # (B, T, C)
    continuations: Tensor  # (B, K, h)
    target: Tensor  # (B, h), 0 where not observed
    observed: Tensor  # (B, h)


def train_forecaster(
    panel: Panel, model: ForecastModel, training: TrainingConfig, held_out: int, callback: Callback | None = None
) -> tuple[ForecastModel, list[float]]:
    """Train the network that an untrained model describes; returns it with weights, and each step's loss."""
    windows, validation = make_windows(panel, model.input_size, model.h, held_out)
    if not len(windows):
        raise DataError(
            f"no series has a window of {model.input_size} + {model.h} steps with half of its history observed: "
            "give longer or more complete series, or a smaller h or input_size"
        )
    rng = np.random.default_rng(training.seed)
    with seeded(training.seed):
        levels = quantiles(model.level)
        channels, continuations = input_channels(model.seasons), 2 * len(model.seasons)
        network = ForecastNetwork(channels, continuations, model.h, len(levels), model.network)
        probabilities = torch.tensor(levels)

        def loss(batch: Batch) -> Tensor:
            return pinball_loss(network(batch.inputs, batch.continuations), batch, probabilities)

        def loss_of_step(_: int) -> Tensor:
            index = rng.integers(len(windows), size=training.batch_size)
            return loss(make_batch(windows, index, model))

        held = make_batch(validation, spread(len(validation), VALIDATION_WINDOWS), model) if len(validation) else None
        validate = (lambda: loss(held).item()) if held else None
        history = train(network, loss_of_step, training, training.max_steps or STEPS, validate, callback)
    return replace(model, weights=to_arrays(network)), history


def make_batch(windows: Windows, index: NDArray[np.int64], model: ForecastModel) -> Batch:
    """Bring windows to their own scales and into tensors."""
    history, future = windows.take(index)
    features = make_features(history, model.seasons, model.h)
    target = features.normalise(future)
    observed = ~np.isnan(target)
    return Batch(
        torch.from_numpy(features.inputs),
        torch.from_numpy(features.continuations),
        torch.from_numpy(np.nan_to_num(target)),
        torch.from_numpy(observed.astype(np.float32)),
    )


def pinball_loss(forecast: Tensor, batch: Batch, probabilities: Tensor) -> Tensor:
    """Mean quantile loss over what is observed.

        loss = mean of max(p e, (p - 1) e),   e = y - forecast

    Args:
        forecast: Quantiles (B, h, Q).
        batch: The windows' targets.
        probabilities: Probability p of each quantile, (Q,).

    Source: Koenker and Bassett 1978.
    """
    error = batch.target[..., None] - forecast
    losses = torch.maximum(probabilities * error, (probabilities - 1) * error).mean(-1)
    return (losses * batch.observed).sum() / batch.observed.sum()


def spread(size: int, most: int) -> NDArray[np.int64]:
    """At most `most` indices spread evenly over range(size), the last one among them."""
    return np.unique(np.linspace(size - 1, 0, min(size, most)).astype(np.int64))
