"""The training loop: AdamW, a learning-rate schedule, gradient clipping, early stopping."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from grucast.errors import TrainingInterrupted
from grucast.model.config import TrainingConfig
from grucast.training.checkpoint import Checkpoints
from grucast.training.folder import COMPLETE
from grucast.training.members import Batch, Members
from grucast.training.progress import Callback, Progress
from grucast.training.state import State, pack

EVALUATIONS = 20  # over the steps of a phase


@dataclass(frozen=True)
class Phase:
    """A part of training with a schedule of its own.

    Attributes:
        steps: Gradient steps at the most.
        draw: The batch of a step.
        rate: Its highest learning rate, as a share of the configured one.
        decay: Weight decay, independent of the gradient. Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
        held: Held-out windows; without them there is no early stopping and the last weights stay.
        calibrate: From the networks, at its end, to the factors of the intervals and the dependence between steps.
    """

    steps: int
    draw: Callable[[np.random.Generator], Batch]
    rate: float = 1.0
    decay: float = 0.0
    held: Batch | None = None
    calibrate: Callable[[Members], tuple[tuple[float, ...], tuple[float, ...] | None]] | None = None


def train(
    members: Members,
    config: TrainingConfig,
    phases: Sequence[Phase],
    state: State,
    callback: Callback | None = None,
    start: float | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[float]:
    """Minimise the loss, phase by phase, and leave the best weights of the last one in the members.

    Args:
        members: The networks.
        config: Rate, schedule, clipping, patience, time limit.
        phases: What is done in turn; the time limit is shared among them by their steps.
        state: Where training stands. It changes as training goes on.
        callback: Called after each step.
        start: When the time began to count, on `time.perf_counter`; now when None.
        checkpoints: Where the state is saved; nowhere when None.

    Returns:
        The training loss of each step.

    Raises:
        TrainingError: The loss is not finite.
        TrainingInterrupted: Ctrl-C, after at least one step; the best weights so far are in the members.
        GrucastError: A checkpoint cannot be written.
    """
    run = _Run(members, config, phases, state, callback, checkpoints)
    state.timer.start(start)
    for phase in phases[state.phase :]:
        interrupted = False
        try:
            run.train_phase(phase)
        except KeyboardInterrupt:
            if not state.history:
                raise
            interrupted = True
            run.take_best()
        if phase.calibrate:
            with state.timer.validation():
                state.factors, state.dependence = phase.calibrate(members)
        if interrupted:
            raise TrainingInterrupted(state.history) from None
        state.end_phase()
        if state.phase == len(phases):
            run.save(COMPLETE)
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

    members: Members
    config: TrainingConfig
    phases: Sequence[Phase]
    state: State
    callback: Callback | None
    checkpoints: Checkpoints | None

    def train_phase(self, phase: Phase) -> None:
        """Do what steps of the present phase are left, and put its best weights into the members."""
        config, state = self.config, self.state
        state.begin_phase(self.members, phase.held is not None)
        over, limit = self.is_over(phase), self.limit
        while not over and state.step < phase.steps:
            progress = max(state.step / phase.steps, state.timer.share_of_phase(limit))
            rate = config.learning_rate * phase.rate * schedule_factor(config, progress)
            batch = phase.draw(state.rng)
            state.history.append(self.members.step(batch, state.step + 1, rate, phase.decay, config.gradient_clip))
            state.step += 1
            over = self.validate(phase)
            self.report()
            if not over and self.checkpoints and len(state.history) % self.checkpoints.every == 0:
                self.save(f"step-{len(state.history):06}")
        if phase.held:
            self.take_best()

    def take_best(self) -> None:
        """Put the best weights into the members, where there are such."""
        if self.state.best.weights is not None:
            self.members.weights[:] = self.state.best.weights

    def validate(self, phase: Phase) -> bool:
        """Measure the validation loss where that is due; whether the phase is over."""
        state, every = self.state, max(1, phase.steps // EVALUATIONS)
        due = max(state.step // every, int(EVALUATIONS * state.timer.share_of_phase(self.limit)))
        is_due = due > state.evaluations
        over = state.step == phase.steps or self.is_over(phase, pending=is_due)
        if phase.held is None or not (is_due or over):
            return over
        state.evaluations = due
        with state.timer.validation():
            state.validation = self.members.loss(phase.held)
        state.best.offer(state.validation, self.members.weights)
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
        if self.config.max_time is None:
            return math.inf
        begin = self.state.timer.phases_begin
        done = self.steps_before + self.phases[self.state.phase].steps
        return begin + (self.max_time - begin) * done / self.steps

    def is_over(self, phase: Phase, pending: int = 0) -> bool:
        """Whether another step, and all that must follow, would end beyond the limit; the very first never does."""
        steps, timer = len(self.state.history), self.state.timer
        if not steps or self.config.max_time is None:
            return False
        validations = pending + (phase.held is not None) + (phase.calibrate is not None)
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

    def save(self, name: str) -> None:
        """Write a checkpoint of that name."""
        if self.checkpoints:
            with self.state.timer.save():
                self.checkpoints.save(name, *pack(self.state, self.members))


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
