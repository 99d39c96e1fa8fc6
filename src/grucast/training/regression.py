"""Training a GRUNet on arrays of sequences."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.file import describe
from grucast.model.models import RegressionModel
from grucast.nn.drawing import WeightsFrom
from grucast.nn.networks import GRUNet
from grucast.training.loop import Phase, keeping, reproducible, to_arrays, train
from grucast.training.progress import Callback
from grucast.training.state import State

STEPS = 500
BATCH_SIZE = 64


def train_regressor(
    x: NDArray[Any],
    y: NDArray[Any],
    config: NetworkConfig,
    training: TrainingConfig,
    callback: Callback | None = None,
    start: float | None = None,
) -> tuple[RegressionModel, list[float]]:
    """Fit sequences (N, T, F) to vectors (N, O) by mean squared error; returns the model and each step's loss."""
    inputs, targets = (torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in (x, y))
    rng = np.random.default_rng(training.seed)
    size = training.batch_size or BATCH_SIZE
    describe(RegressionModel(x.shape[2], y.shape[1], config, {}))  # refuses before the work what could not be saved
    sizes = (x.shape[2], config.hidden_size, config.num_layers, y.shape[1])
    with reproducible(training.seed) as generator, keeping(lambda: make_model(x, y, config, network)):
        with WeightsFrom(generator):
            network = GRUNet(*sizes, config.dropout, config.bidirectional, config.reset_after)

        def loss_of_phase(_: int) -> Tensor:
            if len(inputs) <= size:
                return F.mse_loss(network(inputs), targets)
            batch = torch.from_numpy(rng.integers(len(inputs), size=size))
            return F.mse_loss(network(inputs[batch]), targets[batch])

        phases, state = [Phase(training.max_steps or STEPS)], State(rng, generator)
        history = train(network, loss_of_phase, training, phases, callback, start, state)
    return make_model(x, y, config, network), history


def make_model(x: NDArray[Any], y: NDArray[Any], config: NetworkConfig, network: GRUNet) -> RegressionModel:
    """The trained network as arrays."""
    return RegressionModel(x.shape[2], y.shape[1], config, to_arrays(network))
