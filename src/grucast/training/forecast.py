"""Training a forecaster on the windows of a panel."""

import math
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grucast.data.encoding import encode
from grucast.data.features import make_features
from grucast.data.fingerprint import trained_on
from grucast.data.panel import Panel
from grucast.data.scalars import brief
from grucast.data.windows import Windows, make_windows
from grucast.data.wording import show
from grucast.errors import CheckpointError, DataError
from grucast.model.config import CheckpointConfig, TrainingConfig
from grucast.model.file import describe
from grucast.model.models import ForecastModel, quantiles
from grucast.nn.drawing import WeightsFrom
from grucast.nn.networks import Ensemble, ForecastNetwork, Inputs
from grucast.training.checkpoint import open_checkpoints
from grucast.training.loop import Phase, keeping, reproducible, to_arrays, train
from grucast.training.progress import Callback
from grucast.training.state import State

STEPS = (50, 1000)  # from little data to much
BATCH_SIZE = (64, 256)  # from one series to many
HELD_OUT_SHARE = 0.6  # of the steps that leave the last horizons out, to choose weights and measure intervals
LAST_RATE = 0.5  # learning rate of the steps after that, as a share of the first
DECAY = 0.01
VALIDATION_WINDOWS = 512  # at the most, spread evenly
TINY = 1e-6  # no interval is narrower than this share of its window's scale
FARTHEST = 1e30  # of a window's scale that a target may be from its centre
LEAST_ERROR = 0.1  # windows that repeat themselves better than this weigh no more


@dataclass(frozen=True)
class Batch:
    """Features and targets of some windows, as tensors."""

    inputs: Inputs
    target: Tensor  # (B, h), 0 where not observed
    observed: Tensor  # (B, h)
    weight: Tensor  # (B, 1)


def train_forecaster(
    panel: Panel,
    model: ForecastModel,
    training: TrainingConfig,
    held_out: int,
    callback: Callback | None = None,
    start: float | None = None,
    saving: CheckpointConfig | None = None,
) -> tuple[ForecastModel, list[float]]:
    """Train the network that an untrained model describes; returns it with weights, and each step's loss.

    First without the last `held_out` steps of each series, on which the best weights are chosen and the intervals'
    widths measured; then on all there is, since the latest values tell most of the future.
    """
    describe(model)  # refuses before the work what could not be saved after it
    encoded = encode(panel, model.schema)
    everything = make_windows(panel, encoded, model.input_size, model.h)
    windows, validation = everything.split(held_out)
    if not len(everything):
        raise DataError(
            f"no series has a window of {model.input_size} + {model.h} steps with half of its history observed: "
            "give longer or more complete series, or a smaller h or input_size"
        )
    saved = open_checkpoints(saving, describe_run(panel, model, training, held_out)) if saving else nullcontext()
    steps = training.max_steps or default_steps(panel, model.h)
    size = training.batch_size or default_batch_size(panel)

    def trained() -> ForecastModel:
        return replace(model, weights=to_arrays(network), widths=state.widths or model.widths)

    with saved as checkpoints, reproducible(training.seed) as generator, keeping(trained):
        with WeightsFrom(generator):
            network = make_network(make_batch(everything, np.zeros(1, np.int64), model).inputs, model)
        probabilities = torch.tensor(quantiles(model.level))

        def loss(batch: Batch) -> Tensor:
            return pinball_loss(network(batch.inputs), batch, probabilities)

        def loss_on(windows: Windows) -> Tensor:
            return loss(make_batch(windows, state.rng.integers(len(windows), size=size), model))

        phases, choice = [Phase(steps, decay=DECAY)], [everything]
        if len(windows) and len(validation):
            held = make_batch(validation, spread(len(validation), VALIDATION_WINDOWS), model)
            first = math.ceil(HELD_OUT_SHARE * steps)

            def measure() -> None:
                state.widths = interval_widths(network(held.inputs), held, model.level, held_out / model.h)

            phases = [
                Phase(first, decay=DECAY, validate=lambda: loss(held).item(), after=measure),
                Phase(steps - first, LAST_RATE, DECAY),
            ]
            choice = [windows, everything]
        state = State(np.random.default_rng(training.seed), generator)
        if checkpoints:
            state = checkpoints.restore(network, [phase.steps for phase in phases]) or state
            require_widths(state, model)
        history = train(
            network, lambda phase: loss_on(choice[phase]), training, phases, callback, start, state, checkpoints
        )
    return trained(), history


def require_widths(state: State, model: ForecastModel) -> None:
    """Refuse the widths of other intervals."""
    if len(state.widths) not in (0, len(model.level)):
        raise CheckpointError(f"the checkpoint has {len(state.widths)} widths, not {len(model.level)}: begin anew")


def make_network(example: Inputs, model: ForecastModel) -> nn.Module:
    """The network or the ensemble that a model describes, with new weights."""
    shape = (len(quantiles(model.level)), model.schema, model.network)
    members = [ForecastNetwork(example, *shape) for _ in range(model.members)]
    return members[0] if len(members) == 1 else Ensemble(members)


def describe_run(panel: Panel, model: ForecastModel, training: TrainingConfig, held_out: int) -> dict[str, Any]:
    """What decides on the trained weights, so what a resumed run must share; its time limit may differ."""
    settings = asdict(training) | asdict(model.network) | asdict(model.schema.covariates)
    del settings["max_time"]
    settings |= {name: getattr(model, name) for name in ("h", "input_size", "seasons", "level")}
    frequency = model.frequency.name
    data = (model.trained_on or trained_on(panel)).fingerprint
    return settings | {"val_size": int(held_out), "frequency": frequency, "data": data}


def default_steps(panel: Panel, h: int) -> int:
    """Gradient steps that the data support: 12 times the square root of the horizons in it, within bounds."""
    return int(np.clip(12 * math.sqrt(len(panel.values) / h), *STEPS))


def default_batch_size(panel: Panel) -> int:
    """Windows a step: 64 times the square root of the number of series, within bounds."""
    return int(np.clip(64 * math.sqrt(len(panel)), *BATCH_SIZE))


def make_batch(windows: Windows, index: NDArray[np.int64], model: ForecastModel) -> Batch:
    """Bring windows to their own scales and into tensors."""
    window = windows.take(index)
    features = make_features(window, model.schema, model.seasons)
    target = features.normalise(window.future)
    refuse_far(target, windows, index)
    observed = ~np.isnan(target)
    return Batch(
        Inputs(*(torch.from_numpy(getattr(features, name)) for name in Inputs._fields)),
        torch.from_numpy(np.nan_to_num(target)),
        torch.from_numpy(observed.astype(np.float32)),
        torch.from_numpy(1 / np.maximum(features.naive_error, np.float32(LEAST_ERROR))),
    )


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


def pinball_loss(forecast: Tensor, batch: Batch, probabilities: Tensor) -> Tensor:
    """Mean quantile loss over what is observed, each window weighted.

        loss = mean of w max(p e, (p - 1) e),   e = y - forecast

    With w the inverse of the window's seasonal naive error this is the loss of MASE.

    Args:
        forecast: Quantiles (B, h, Q), or (M, B, h, Q) of an ensemble, whose members' losses are averaged.
        batch: The windows' targets.
        probabilities: Probability p of each quantile, (Q,).

    Source: Koenker and Bassett 1978.
    """
    error = batch.target[..., None] - forecast
    losses = torch.maximum(probabilities * error, (probabilities - 1) * error).mean(-1)
    return ((losses * batch.observed * batch.weight).sum((-2, -1)) / batch.observed.sum()).mean()


def interval_widths(forecast: Tensor, batch: Batch, level: tuple[float, ...], periods: float) -> tuple[float, ...]:
    """The factor of each interval's width that makes it cover what it should, as far as these windows can tell.

        width = f^(p / (p + 1)),   f = the c-quantile of |y - median| / |bound on that side - median|

    f alone is split conformal prediction, each window weighted as in the loss. But the errors of all series in one
    period rise and fall together, so p periods are p observations rather than p times the series, and their verdict
    is drawn towards the trained 1.

    Args:
        forecast: Quantiles (B, h, Q).
        batch: Windows not seen in training.
        level: Coverages c in percent.
        periods: Horizons p that the windows' futures span.

    Source: Vovk et al. 2005; Romano et al. 2019, arXiv:1905.03222.
    """
    middle, widths = len(level), []
    error = batch.target - forecast[..., middle]
    for step, percent in enumerate(level, 1):
        bound = torch.where(error > 0, forecast[..., middle + step], forecast[..., middle - step])
        distance = (bound - forecast[..., middle]).abs().clamp_min(TINY)
        ratio, weight = (a.numpy().ravel() for a in (error.abs() / distance, batch.observed * batch.weight))
        widths.append(weighted_quantile(ratio, weight, percent / 100) ** (periods / (periods + 1)))
    return tuple(widths)


def weighted_quantile(values: NDArray[Any], weights: NDArray[Any], share: float) -> float:
    """The smallest value at which that share of the weight is reached."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, share * reached[-1])])


def spread(size: int, most: int) -> NDArray[np.int64]:
    """At most `most` indices spread evenly over range(size), the last one among them."""
    return np.unique(np.linspace(size - 1, 0, min(size, most)).astype(np.int64))
