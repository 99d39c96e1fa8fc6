"""Training a forecaster on the windows of a panel."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import encode
from grucast.data.features import Features
from grucast.data.fingerprint import trained_on
from grucast.data.panel import Panel
from grucast.data.scalars import brief
from grucast.data.scaling import scaled
from grucast.data.windows import Windows, make_windows
from grucast.data.wording import show
from grucast.errors import CheckpointError, DataError
from grucast.model.config import CheckpointConfig, TrainingConfig
from grucast.model.file import describe
from grucast.model.models import ForecastModel
from grucast.model.network import Inputs
from grucast.training.calibration import Calibration
from grucast.training.checkpoint import open_checkpoints
from grucast.training.loop import Phase, keeping, train
from grucast.training.members import Batch, Members
from grucast.training.progress import Callback
from grucast.training.state import State
from grucast.training.weights import digest

STEPS = (50, 1000)  # from little data to much
BATCH_SIZE = (64, 256)  # from one series to many
HELD_OUT_SHARE = 0.6  # of the steps that leave the last horizons out, to choose weights and measure intervals
LAST_RATE = 0.5  # learning rate of the steps after that, as a share of the first
DECAY = 0.01
VALIDATION_WINDOWS = 512  # at the most, spread evenly
FARTHEST = 1e30  # of a window's scale that a target may be from its centre
SHORTENED = 0.1  # of the windows of several series begin later than they could, as short and new series do
LEAST_ERROR = 0.1  # windows that repeat themselves better than this weigh no more
TINY = 1e-30
LEVEL_SHARE = 0.4  # of a window's weight that its level decides on


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
    describe(model)  # refuses before the work what could not be saved after it
    phases = Task.of(panel, model, training).phases(training.max_steps or default_steps(panel, model.h), held_out)
    saved = open_checkpoints(saving, describe_run(panel, model, training, held_out)) if saving else nullcontext()

    def trained() -> ForecastModel:
        dependence = model.dependence if state.dependence is None else state.dependence
        factors = state.factors or model.factors
        return replace(model, weights=members.tensors(), factors=factors, dependence=dependence)

    with saved as checkpoints, keeping(trained):
        members, state = Members(model.definition, training.seed, model.members), State.of(training.seed)
        if model.weights:
            members.take(model.weights)
        if checkpoints:
            state = checkpoints.restore(members, [phase.steps for phase in phases]) or state
            require_factors(state, model)
        history = train(members, training, phases, state, callback, start, checkpoints)
    return trained(), history


@dataclass(frozen=True)
class Task:
    """What a forecaster learns from.

    Attributes:
        model: The model, untrained, or with the weights that training goes on from.
        windows: All windows of the panel.
        size: Windows of a batch.
    """

    model: ForecastModel
    windows: Windows
    size: int

    @classmethod
    def of(cls, panel: Panel, model: ForecastModel, training: TrainingConfig) -> "Task":
        """That of a panel.

        Raises:
            DataError: No series is long enough.
        """
        windows = make_windows(panel, encode(panel, model.schema), model.input_size, model.h)
        if not len(windows):
            raise DataError(
                f"no series has a window of {model.input_size} + {model.h} steps with half of its history observed: "
                "give longer or more complete series, or a smaller h or input_size"
            )
        return cls(model, windows, training.batch_size or default_batch_size(panel))

    def phases(self, steps: int, held_out: int) -> list[Phase]:
        """First without the last `held_out` steps of each series, on which the best weights are chosen and the
        intervals calibrated; then on all there is, since the latest values tell most of the future.
        """
        windows, validation = self.windows.split(held_out)
        rate = LAST_RATE if self.model.weights else 1.0  # what was learned before is not to be thrown away
        if not len(windows) or not len(validation):
            return [Phase(steps, self.draw(self.windows), rate, DECAY, calibrate=self.calibration())]
        held = make_batch(validation, spread(len(validation), VALIDATION_WINDOWS), self.model)
        first = math.ceil(HELD_OUT_SHARE * steps)
        calibration = replace(self.calibration(), held=held, periods=held_out / self.model.h)
        return [
            Phase(first, self.draw(windows), rate, DECAY, held, calibration),
            Phase(steps - first, self.draw(self.windows), LAST_RATE, DECAY),
        ]

    def calibration(self) -> Calibration:
        """What the intervals' widths are measured by where nothing is held out."""
        number, series = len(self.windows), len(np.unique(self.windows.series))
        known = make_batch(self.windows, spread(number, VALIDATION_WINDOWS), self.model)
        return Calibration(self.model, known, series, series + (number - series) / self.model.h)

    def draw(self, windows: Windows) -> Callable[[np.random.Generator], Batch]:
        """What draws the batches from windows."""
        steps, size = self.model.input_size, self.size

        def drawn(rng: np.random.Generator) -> Batch:
            index = rng.integers(len(windows), size=size)
            if len(windows.panel) == 1:
                return make_batch(windows, index, self.model)
            late = rng.random(size) < SHORTENED
            return make_batch(windows, index, self.model, np.where(late, rng.integers(steps, size=size), 0))

        return drawn


def require_factors(state: State, model: ForecastModel) -> None:
    """Refuse the factors of other intervals."""
    if len(state.factors) not in (0, len(model.level)):
        raise CheckpointError(f"the checkpoint has {len(state.factors)} factors, not {len(model.level)}: begin anew")
    if len(state.dependence or ()) >= model.h:
        raise CheckpointError(
            f"the checkpoint has errors of {len(state.dependence or ())} steps, not below {model.h}: begin anew"
        )


def describe_run(panel: Panel, model: ForecastModel, training: TrainingConfig, held_out: int) -> dict[str, Any]:
    """What decides on the trained weights, so what a resumed run must share; its time limit may differ."""
    settings = asdict(training) | asdict(model.network) | asdict(model.schema.covariates)
    del settings["max_time"]
    settings |= {name: getattr(model, name) for name in ("h", "input_size", "seasons", "level")}
    frequency = model.frequency.name
    data = (model.trained_on or trained_on(panel)).fingerprint
    if model.weights:
        settings["start"] = digest(model.weights)
    return settings | {"val_size": int(held_out), "frequency": frequency, "data": data}


def default_steps(panel: Panel, h: int) -> int:
    """Gradient steps that the data support: 12 times the square root of the horizons in it, within bounds."""
    return int(np.clip(12 * math.sqrt(len(panel.values) / h), *STEPS))


def default_batch_size(panel: Panel) -> int:
    """Windows a step: 64 times the square root of the number of series, within bounds."""
    return int(np.clip(64 * math.sqrt(len(panel)), *BATCH_SIZE))


def make_batch(
    windows: Windows, index: NDArray[np.int64], model: ForecastModel, first: NDArray[np.int64] | None = None
) -> Batch:
    """Bring windows to their own scales; what is observed counts as much as the whole batch, each window as
    `window_weights` says, and each row as its own weight says. Of a flat window there is no scale to learn on.

    Args:
        windows: The windows.
        index: Which of them to take, (B,).
        model: What reads them.
        first: The first step of each that is shown, (B,); what they count is still decided by all steps.
    """
    window = windows.take(index)
    features = model.features(window)
    weight, scale = window_weights(features), features.scale.copy()
    if first is not None:
        rows = np.flatnonzero(first)
        later = windows.take(index[rows]).since(first[rows])
        replace_rows(features, rows, model.features(later))
    observed = ~np.isnan(window.future) & ~features.flat
    target = np.where(observed, features.normalise(window.future), np.float32(0))
    refuse_far(target, windows, index)
    weight = observed * weight * scaled(features.scale, 0, scale) / max(observed.sum(), 1)
    return Batch(Inputs.of(features), target, weight.astype(np.float32) * windows.weights(index))


def replace_rows(features: Features, rows: NDArray[np.int64], by: Features) -> None:
    """Put others in the place of some rows."""
    arrays: tuple[NDArray[Any], ...] = features
    for array, own in zip(arrays, by, strict=True):
        array[rows] = own


def window_weights(features: Features) -> NDArray[np.float64]:
    """What the errors of each window count, (B, 1), in the mean 1: as much less as its seasonal naive error is large,
    which makes the loss of MASE, mixed with as much less as its level is large, which makes that of percentages.
    """
    mase = 1 / np.maximum(features.naive_error.astype(np.float64), LEAST_ERROR)
    percentage = scaled(features.scale, 0, np.maximum(np.abs(features.centre), LEAST_ERROR * features.scale))
    mixed = (1 - LEVEL_SHARE) * mase / mase.mean() + LEVEL_SHARE * percentage / max(percentage.mean(), TINY)
    return np.asarray(mixed)


def refuse_far(target: NDArray[np.float32], windows: Windows, index: NDArray[np.int64]) -> None:
    """No target (B, h) lies so far from its window that the loss would not stay finite."""
    far = np.argwhere(np.abs(target) > FARTHEST)
    if far.size:
        row, step = far[0]
        panel, series = windows.panel, windows.series[index[row]]
        place = windows.ends[index[row]] + step
        time = show(panel.frequency.times(panel.starts[series], place - panel.offsets[series]))
        found = f"series {brief(panel.ids[series])} has y = {panel.values[place]:g} at {time}"
        raise DataError(
            f"{found}, more than {FARTHEST:g} times what the {windows.input_size} steps before it vary by: correct it, "
            "or leave it empty"
        )


def spread(size: int, most: int) -> NDArray[np.int64]:
    """At most `most` indices spread evenly over range(size), the last one among them."""
    return np.unique(np.linspace(size - 1, 0, min(size, most)).astype(np.int64))
