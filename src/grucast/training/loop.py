"""The training loop: AdamW, a learning-rate schedule, gradient clipping, early stopping."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from grucast.errors import TrainingError, TrainingInterrupted
from grucast.model.config import TrainingConfig
from grucast.model.runtime import Tensors
from grucast.nn.threads import serial_torch

EVALUATIONS = 20  # over the steps of a phase


clock = time.perf_counter


@dataclass(frozen=True)
class Progress:
    """Where training stands after a step.

    Attributes:
        step: Steps done; those that early stopping or the time limit left out count too.
        steps: Steps at the most.
        loss: Training loss of this step.
        validation: Validation loss last measured, NaN before the first.
        seconds: Time since `fit` began.
        remaining: Estimated seconds until training ends, within the time limit.
    """

    step: int
    steps: int
    loss: float
    validation: float
    seconds: float
    remaining: float


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
    start: float | None = None,
) -> list[float]:
    """Minimise a loss, phase by phase, and leave the best weights of the last one in the network.

    Args:
        network: The module whose parameters are trained.
        loss_of_phase: The loss of a batch of a phase, counted from 0.
        config: Rate, schedule, clipping, patience, time limit.
        phases: What is done in turn; the time limit is shared among them by their steps.
        callback: Called after each step.
        start: When the time began to count, on `time.perf_counter`; now when None.

    Returns:
        The training loss of each step.

    Raises:
        TrainingError: The loss is not finite.
        TrainingInterrupted: Ctrl-C, after at least one step; the best weights so far are in the network.
    """
    run = _Run(clock() if start is None else start, sum(p.steps for p in phases), config.max_time or math.inf, callback)
    begun, done = run.seconds, 0
    for index, phase in enumerate(phases):
        done += phase.steps
        limit = begun + (run.max_time - begun) * done / run.steps
        try:
            _train_phase(network, partial(loss_of_phase, index), config, phase, run, limit)
        except KeyboardInterrupt:
            if not run.history:
                raise
            run.interrupted = True
            network.load_state_dict(run.best.state or network.state_dict())
        network.eval()
        if phase.after:
            with torch.no_grad(), run.validating():
                phase.after()
        run.step = done  # steps that early stopping or the clock left out count as done
        if run.interrupted:
            raise TrainingInterrupted(run.history) from None
    return run.history


@contextmanager
def keeping(model: Callable[[], Any]) -> Iterator[None]:
    """Where an interrupt ends the block, let it carry the model so far."""
    try:
        yield
    except TrainingInterrupted as interrupt:
        interrupt.model = model()
        raise


@dataclass
class _Run:
    """What the phases share: the clock, what has been seen, and the best weights that were validated."""

    start: float
    steps: int
    max_time: float
    callback: Callback | None
    history: list[float] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    step: int = 0
    first_step: float = 0.0
    validation: float = math.nan
    validations: list[float] = field(default_factory=list)  # seconds of each
    interrupted: bool = False

    def __post_init__(self) -> None:
        self.before = self.seconds, 0.0  # time and, of that, validation before the steps whose mean is taken

    @property
    def seconds(self) -> float:
        return clock() - self.start

    @property
    def step_time(self) -> float:
        """Mean seconds of a step and its callback, without the first if there are others, since it warms up."""
        if len(self.history) == 1 and self.first_step:
            return self.first_step
        seconds, validation = self.before
        steps = max(len(self.history) - 1, 1)
        return (self.seconds - seconds - sum(self.validations) + validation) / steps

    def is_over(self, phase: Phase, limit: float, pending: int = 0) -> bool:
        """Whether another step, and all that must follow, would end beyond the limit; the very first never does."""
        if not self.history:
            return False
        validation = sum(self.validations) / max(len(self.validations), 1)
        validations = pending + (phase.validate is not None) + (phase.after is not None)
        return self.seconds + self.step_time + validations * validation > limit

    @contextmanager
    def validating(self) -> Iterator[None]:
        begin = self.seconds
        yield
        self.validations.append(self.seconds - begin)

    def report(self) -> None:
        self.step += 1
        if self.callback:
            seconds = self.seconds
            remaining = min(self.step_time * (self.steps - self.step), max(self.max_time - seconds, 0.0))
            loss = self.history[-1]
            self.callback(Progress(self.step, self.steps, loss, self.validation, seconds, remaining))
        if len(self.history) == 1:
            self.first_step = self.step_time
            self.before = self.seconds, sum(self.validations)


def _train_phase(
    network: nn.Module, loss: Callable[[], Tensor], config: TrainingConfig, phase: Phase, run: _Run, limit: float
) -> None:
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=phase.decay)
    best, begin, evaluations = Best(), run.seconds, 0
    if phase.validate:
        run.best = best
    span = max(limit - begin, 1e-9)
    evaluate_every = max(1, phase.steps // EVALUATIONS)
    for step in range(0 if run.is_over(phase, limit) else phase.steps):
        progress = max(step / phase.steps, (run.seconds - begin) / span)
        rate = config.learning_rate * phase.rate * schedule_factor(config, progress)
        run.history.append(gradient_step(network, loss(), optimizer, rate, config.gradient_clip))
        due = max((step + 1) // evaluate_every, int(EVALUATIONS * (run.seconds - begin) / span))
        over = step + 1 == phase.steps or run.is_over(phase, limit, pending=due > evaluations)
        if phase.validate and (due > evaluations or over):
            evaluations = due
            with run.validating():
                run.validation = evaluate(network, phase.validate)
            best.offer(run.validation, network)
        run.report()
        if over or best.age >= config.patience:
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
def reproducible(seed: int) -> Iterator[None]:
    """Inside the block the seed alone decides on torch's bits; the caller's generator and threads come back as were."""
    with torch.random.fork_rng(devices=[]), serial_torch():
        torch.manual_seed(seed)
        yield


def to_arrays(network: nn.Module) -> Tensors:
    """The weights as NumPy arrays that share nothing with the network."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
