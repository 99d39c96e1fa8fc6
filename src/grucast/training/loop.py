"""The training loop: AdamW, a learning-rate schedule, gradient clipping, early stopping."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from grucast.errors import TrainingError, TrainingInterrupted
from grucast.model.config import TrainingConfig
from grucast.model.runtime import Tensors
from grucast.nn.drawing import drop_from
from grucast.nn.threads import serial_torch
from grucast.training.checkpoint import Checkpoints
from grucast.training.folder import COMPLETE
from grucast.training.progress import Callback, Progress
from grucast.training.state import State, pack

EVALUATIONS = 20  # over the steps of a phase


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


def train(
    network: nn.Module,
    loss_of_phase: Callable[[int], Tensor],
    config: TrainingConfig,
    phases: Sequence[Phase],
    callback: Callback | None = None,
    start: float | None = None,
    state: State | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[float]:
    """Minimise a loss, phase by phase, and leave the best weights of the last one in the network.

    Args:
        network: The module whose parameters are trained.
        loss_of_phase: The loss of a batch of a phase, counted from 0.
        config: Rate, schedule, clipping, patience, time limit.
        phases: What is done in turn; the time limit is shared among them by their steps.
        callback: Called after each step.
        start: When the time began to count, on `time.perf_counter`; now when None.
        state: Where training stands; the beginning when None. It changes as training goes on.
        checkpoints: Where that is saved; nowhere when None.

    Returns:
        The training loss of each step.

    Raises:
        TrainingError: The loss is not finite.
        TrainingInterrupted: Ctrl-C, after at least one step; the best weights so far are in the network.
        GrucastError: A checkpoint cannot be written.
    """
    state = state or State()
    drop_from(network, state.generator)
    run = _Run(network, config, phases, state, callback, checkpoints)
    state.timer.start(start)
    for phase in phases[state.phase :]:
        interrupted = False
        try:
            run.train_phase(phase, partial(loss_of_phase, state.phase))
        except KeyboardInterrupt:
            if not state.history:
                raise
            interrupted = True
            network.load_state_dict(state.best.weights or network.state_dict())
        network.eval()
        if phase.after:
            with torch.no_grad(), state.timer.validation():
                phase.after()
        if interrupted:
            raise TrainingInterrupted(state.history) from None
        state.end_phase()
        if state.phase == len(phases):
            run.save()
    return state.history


@contextmanager
def keeping(model: Callable[[], Any]) -> Iterator[None]:
    """Where an interrupt ends the block, let it carry the model so far."""
    try:
        yield
    except TrainingInterrupted as interrupt:
        interrupt.model = model()
        raise


@dataclass(frozen=True)
class _Run:
    """What the phases of a training run share."""

    network: nn.Module
    config: TrainingConfig
    phases: Sequence[Phase]
    state: State
    callback: Callback | None
    checkpoints: Checkpoints | None

    def train_phase(self, phase: Phase, loss: Callable[[], Tensor]) -> None:
        """Do what steps of the present phase are left, and put its best weights into the network."""
        network, config, state = self.network, self.config, self.state
        network.train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=phase.decay)
        state.begin_phase(optimizer, phase.validate is not None)
        over, limit = self.is_over(phase), self.limit
        while not over and state.step < phase.steps:
            progress = max(state.step / phase.steps, state.timer.share_of_phase(limit))
            rate = config.learning_rate * phase.rate * schedule_factor(config, progress)
            state.history.append(gradient_step(network, loss(), optimizer, rate, config.gradient_clip))
            state.step += 1
            over = self.validate(phase)
            self.report()
            if not over and self.checkpoints and len(state.history) % self.checkpoints.every == 0:
                self.save(optimizer)
        if phase.validate and state.best.weights:
            network.load_state_dict(state.best.weights)

    def validate(self, phase: Phase) -> bool:
        """Measure the validation loss where that is due; whether the phase is over."""
        state, every = self.state, max(1, phase.steps // EVALUATIONS)
        due = max(state.step // every, int(EVALUATIONS * state.timer.share_of_phase(self.limit)))
        is_due = due > state.evaluations
        over = state.step == phase.steps or self.is_over(phase, pending=is_due)
        if phase.validate is None or not (is_due or over):
            return over
        state.evaluations = due
        with state.timer.validation():
            state.validation = evaluate(self.network, phase.validate)
        state.best.offer(state.validation, self.network)
        return over or state.best.age >= self.config.patience

    @property
    def max_time(self) -> float:
        return self.config.max_time or math.inf

    @property
    def steps_before(self) -> int:
        """Steps of the phases that are done."""
        return sum(phase.steps for phase in self.phases[: self.state.phase])

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    @property
    def limit(self) -> float:
        """When the present phase must be over."""
        begin = self.state.timer.phases_begin
        done = self.steps_before + self.phases[self.state.phase].steps
        return begin + (self.max_time - begin) * done / self.steps

    def is_over(self, phase: Phase, pending: int = 0) -> bool:
        """Whether another step, and all that must follow, would end beyond the limit; the very first never does."""
        steps, timer = len(self.state.history), self.state.timer
        if not steps:
            return False
        validations = pending + (phase.validate is not None) + (phase.after is not None)
        follows = validations * timer.mean_validation + 2 * timer.saving
        return timer.seconds + timer.mean_step(steps) + follows > self.limit

    def report(self) -> None:
        """Tell the callback."""
        state, timer, steps = self.state, self.state.timer, len(self.state.history)
        if self.callback:
            seconds, step = timer.seconds, self.steps_before + state.step
            remaining = min(timer.mean_step(steps) * (self.steps - step), max(self.max_time - seconds, 0.0))
            self.callback(Progress(step, self.steps, state.history[-1], state.validation, seconds, remaining))
        if steps == 1:
            timer.end_first_step()

    def save(self, optimizer: Optimizer | None = None) -> None:
        """Write a checkpoint; without an optimizer it is that of a complete run."""
        if self.checkpoints:
            name = f"step-{len(self.state.history):06}" if optimizer else COMPLETE
            with self.state.timer.save():
                self.checkpoints.save(name, *pack(self.state, self.network, optimizer))


def gradient_step(network: nn.Module, loss: Tensor, optimizer: Optimizer, rate: float, clip: float | None) -> float:
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
def reproducible(seed: int) -> Iterator[torch.Generator]:
    """Torch on one thread, and a generator of that seed: what is computed and drawn has the same bits always."""
    with serial_torch():
        yield torch.Generator().manual_seed(seed)


def to_arrays(network: nn.Module) -> Tensors:
    """The weights as NumPy arrays that share nothing with the network."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
