"""The training loop: AdamW, a learning-rate schedule, gradient clipping, early stopping."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from grucast.errors import TrainingError
from grucast.model.config import TrainingConfig
from grucast.model.runtime import Tensors

EVALUATIONS = 20  # over the steps of a phase


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


@dataclass(frozen=True)
class Phase:
    """A part of training with a schedule of its own.

    Attributes:
        steps: Gradient steps at the most.
        rate: Its highest learning rate, as a share of the configured one.
        decay: Weight decay, independent of the gradient. Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
        validate: Loss on held-out windows; without it there is no early stopping and the last weights stay.
        after: Called at its end, the network in evaluation mode and without gradients.
    """

    steps: int
    rate: float = 1.0
    decay: float = 0.0
    validate: Callable[[], float] | None = None
    after: Callable[[], None] | None = None


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
    loss_of_phase: Callable[[int], Tensor],
    config: TrainingConfig,
    phases: Sequence[Phase],
    callback: Callback | None = None,
) -> list[float]:
    """Minimise a loss, phase by phase, and leave the best weights of the last one in the network.

    Args:
        network: The module whose parameters are trained.
        loss_of_phase: The loss of a batch of a phase, counted from 0.
        config: Rate, schedule, clipping, patience, time limit.
        phases: What is done in turn; the time limit is shared among them by their steps.
        callback: Called after each step.

    Returns:
        The training loss of each step.

    Raises:
        TrainingError: The loss is not finite.
    """
    run = _Run(time.perf_counter(), sum(phase.steps for phase in phases), callback)
    done = 0
    for index, phase in enumerate(phases):
        done += phase.steps
        limit = (config.max_time or math.inf) * done / run.steps
        _train_phase(network, partial(loss_of_phase, index), config, phase, run, limit)
        network.eval()
        with torch.no_grad():
            if phase.after:
                phase.after()
        run.skip_to(done)
    return run.history


@dataclass
class _Run:
    """What the phases share."""

    start: float
    steps: int
    callback: Callback | None
    history: list[float] = field(default_factory=list)
    step: int = 0
    validation: float = math.nan

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def report(self) -> None:
        self.step += 1
        if self.callback:
            self.callback(Progress(self.step, self.steps, self.history[-1], self.validation, self.seconds))

    def skip_to(self, step: int) -> None:
        """Steps that early stopping or the clock left out count as done."""
        self.step = step


def _train_phase(
    network: nn.Module, loss: Callable[[], Tensor], config: TrainingConfig, phase: Phase, run: _Run, limit: float
) -> None:
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=phase.decay)
    best, begin = Best(), run.seconds
    evaluate_every = max(1, phase.steps // EVALUATIONS)
    for step in range(phase.steps):
        if run.seconds >= limit:
            break
        progress = max(step / phase.steps, (run.seconds - begin) / (limit - begin))
        rate = config.learning_rate * phase.rate * schedule_factor(config, progress)
        run.history.append(gradient_step(network, loss(), optimizer, rate, config.gradient_clip))
        if phase.validate and ((step + 1) % evaluate_every == 0 or step + 1 == phase.steps):
            run.validation = evaluate(network, phase.validate)
            best.offer(run.validation, network)
        run.report()
        if best.age >= config.patience:
            break
    if best.state:
        network.load_state_dict(best.state)


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
