"""The training loop: Adam, a learning-rate schedule, gradient clipping, early stopping."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from grucast.errors import TrainingError
from grucast.model.config import TrainingConfig
from grucast.model.runtime import Tensors

EVALUATIONS = 20  # over the whole of max_steps


@dataclass(frozen=True)
class Progress:
    """Where training stands after a step; `validation` is the last one measured, NaN before the first."""

    step: int
    steps: int
    loss: float
    validation: float
    seconds: float

    @property
    def remaining(self) -> float:
        """Estimated seconds until the last step."""
        return self.seconds / self.step * (self.steps - self.step)


Callback = Callable[[Progress], None]


@dataclass
class Best:
    """The best weights seen in validation and how long ago."""

    loss: float = math.inf
    age: int = 0
    state: dict[str, Tensor] = field(default_factory=dict)

    def offer(self, loss: float, network: nn.Module) -> None:
        """Keep the network's weights if they are better."""
        self.age += 1
        if loss < self.loss:
            self.loss, self.age = loss, 0
            self.state = {name: tensor.clone() for name, tensor in network.state_dict().items()}


def train(
    network: nn.Module,
    loss_of_step: Callable[[int], Tensor],
    config: TrainingConfig,
    steps: int,
    validate: Callable[[], float] | None = None,
    callback: Callback | None = None,
) -> list[float]:
    """Minimise a loss and leave the best weights in the network.

    Args:
        network: The module whose parameters are trained.
        loss_of_step: The loss of the batch of a step, counted from 0.
        config: Rate, schedule, clipping, patience, time limit.
        steps: Gradient steps at the most.
        validate: Loss on held-out windows; without it there is no early stopping and the last weights stay.
        callback: Called after each step.

    Returns:
        The training loss of each step.

    Raises:
        TrainingError: The loss is not finite.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    start, history, best, validation = time.perf_counter(), [], Best(), math.nan
    limit = config.max_time or math.inf
    evaluate_every = max(1, steps // EVALUATIONS)
    for step in range(steps):
        elapsed = time.perf_counter() - start
        if elapsed >= limit:
            break
        rate = config.learning_rate * schedule_factor(config, max(step / steps, elapsed / limit))
        history.append(gradient_step(network, loss_of_step(step), optimizer, rate, config.gradient_clip))
        if validate and ((step + 1) % evaluate_every == 0 or step + 1 == steps):
            validation = evaluate(network, validate)
            best.offer(validation, network)
        if callback:
            callback(Progress(step + 1, steps, history[-1], validation, time.perf_counter() - start))
        if best.age >= config.patience:
            break
    if best.state:
        network.load_state_dict(best.state)
    network.eval()
    return history


def gradient_step(
    network: nn.Module, loss: Tensor, optimizer: torch.optim.Optimizer, rate: float, clip: float | None
) -> float:
    """One step of the optimizer at that rate; returns the loss before it."""
    value = loss.item()
    if not math.isfinite(value):
        raise TrainingError(f"the training loss became {value}: lower learning_rate or look at the data's scale")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if clip is not None:
        nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()
    return value


def evaluate(network: nn.Module, validate: Callable[[], float]) -> float:
    """Validation loss without dropout and gradients."""
    network.eval()
    with torch.no_grad():
        loss = validate()
    network.train()
    return loss


def schedule_factor(config: TrainingConfig, progress: float) -> float:
    """Learning rate as a share of its highest, at a share `progress` of training.

    The one-cycle schedule rises linearly over the first tenth, then falls to zero along a cosine.
    Source: Smith and Topin 2019, arXiv:1708.07120.
    """
    if config.schedule == "constant":
        return 1.0
    warm = 0.1
    if progress < warm:
        return 0.05 + 0.95 * progress / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warm) / (1 - warm))))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch inside the block and give the caller's generator back unchanged."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def to_arrays(network: nn.Module) -> Tensors:
    """The weights as NumPy arrays that share nothing with the network."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
