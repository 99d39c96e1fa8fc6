"""Training a forecaster on the windows of a panel."""

import math
from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from grucast.data.outline import Outline
from grucast.data.panel import Panel
from grucast.errors import CheckpointError
from grucast.model.config import CheckpointConfig, TrainingConfig
from grucast.model.file import describe
from grucast.model.models import ForecastModel
from grucast.training.checkpoint import open_checkpoints
from grucast.training.loop import keeping, train
from grucast.training.members import Members
from grucast.training.progress import Callback
from grucast.training.state import State
from grucast.training.task import Task
from grucast.training.weights import digest

STEPS = (50, 1000)  # from little data to much


def train_forecaster(
    panel: Panel,
    model: ForecastModel,
    training: TrainingConfig,
    held_out: int,
    callback: Callback | None = None,
    start: float | None = None,
    saving: CheckpointConfig | None = None,
) -> tuple[ForecastModel, list[float]]:
    """Train the network that a model describes, from its weights if it has any; returns it trained, and each step's
    loss.
    """
    task, length = Task.of(panel, model, training), (training.max_steps or default_steps(panel, model.h), held_out)
    members = Members(model.definition, training.seed, model.members)
    return train_task(task, members, training, length, callback, start, saving)


def train_task(
    task: Task,
    members: Members,
    training: TrainingConfig,
    length: tuple[int, int],
    callback: Callback | None,
    start: float | None,
    saving: CheckpointConfig | None,
) -> tuple[ForecastModel, list[float]]:
    """Train the networks of a task's model for so many steps, with so many of each series held out."""
    model = task.model
    describe(model)  # refuses before the work what could not be saved after it
    phases = task.phases(*length)
    saved = open_checkpoints(saving, describe_run(model, training, length[1])) if saving else nullcontext()

    def trained() -> ForecastModel:
        dependence = model.dependence if state.dependence is None else state.dependence
        factors = state.factors or model.factors
        return replace(model, weights=members.tensors(), factors=factors, dependence=dependence)

    with saved as checkpoints, keeping(trained):
        state = State.of(training.seed)
        if model.weights:
            members.take(model.weights)
        if checkpoints:
            state = checkpoints.restore(members, [phase.steps for phase in phases]) or state
            require_factors(state, model)
        history = train(members, training, phases, state, callback, start, checkpoints)
    return trained(), history


def require_factors(state: State, model: ForecastModel) -> None:
    """Refuse the factors of other intervals."""
    if len(state.factors) not in (0, len(model.level)):
        raise CheckpointError(f"the checkpoint has {len(state.factors)} factors, not {len(model.level)}: begin anew")
    if len(state.dependence or ()) >= model.h:
        raise CheckpointError(
            f"the checkpoint has errors of {len(state.dependence or ())} steps, not below {model.h}: begin anew"
        )


def describe_run(model: ForecastModel, training: TrainingConfig, held_out: int) -> dict[str, Any]:
    """What decides on the trained weights, so what a resumed run must share; its time limit may differ."""
    settings = asdict(training) | asdict(model.network) | asdict(model.schema.covariates)
    del settings["max_time"]
    settings |= {name: getattr(model, name) for name in ("h", "input_size", "seasons", "level")}
    frequency = model.frequency.name
    data = model.trained_on.fingerprint if model.trained_on else None
    if model.weights:
        settings["start"] = digest(model.weights)
    return settings | {"val_size": int(held_out), "frequency": frequency, "data": data}


def default_steps(panel: Panel | Outline, h: int) -> int:
    """Gradient steps that the data support: 12 times the square root of the horizons in it, within bounds."""
    return int(np.clip(12 * math.sqrt(panel.lengths.sum() / h), *STEPS))
