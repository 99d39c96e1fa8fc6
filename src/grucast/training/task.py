"""What a forecaster learns from: windows, wherever they are, in batches; and the phases in which it does."""

import math
from collections.abc import Callable, Sized
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import encode
from grucast.data.panel import Panel
from grucast.data.windows import Windows, make_windows
from grucast.errors import DataError
from grucast.model.config import TrainingConfig
from grucast.model.models import ForecastModel
from grucast.training.calibration import Calibration
from grucast.training.loop import Phase
from grucast.training.members import Batch
from grucast.training.rows import make_rows, to_batch

BATCH_SIZE = (64, 256)  # from one series to many
HELD_OUT_SHARE = 0.6  # of the steps that leave the last horizons out, to choose weights and measure intervals
LAST_RATE = 0.5  # learning rate of the steps after that, as a share of the first
DECAY = 0.01
VALIDATION_WINDOWS = 512  # at the most, spread evenly
SHORTENED = 0.1  # of the windows of several series begin later than they could, as short and new series do


class Source(Protocol):
    """Windows that can be learned from, wherever they are."""

    def __len__(self) -> int:
        """Their number."""

    @property
    def series(self) -> int:
        """Series that they are of."""

    @property
    def alone(self) -> bool:
        """Whether there is one series only."""

    def split(self, held_out: int) -> "tuple[Source, Source]":
        """Those that see nothing of their series' last `held_out` steps, and those whose whole future lies in them."""

    def batch(self, index: NDArray[np.int64]) -> Batch:
        """The chosen ones."""

    def drawn(self, choice: "Choice", steps: int) -> Callable[[np.random.Generator], Any]:
        """What draws a batch for each of so many steps."""


@dataclass(frozen=True)
class Choice:
    """How windows are drawn.

    Attributes:
        number: How many there are.
        size: How many are drawn.
        steps: Of their histories, some of which are shown from a later step on; 0 where all are shown whole.
    """

    number: int
    size: int
    steps: int

    def __call__(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], *tuple[NDArray[np.int64], ...]]:
        """Which windows, (B,), and the first step of each that is shown, (B,), if not all are shown whole."""
        index = rng.integers(self.number, size=self.size)
        if not self.steps:
            return (index,)
        late = rng.random(self.size) < SHORTENED
        return index, np.where(late, rng.integers(self.steps, size=self.size), 0)


@dataclass(frozen=True)
class PanelWindows:
    """The windows of a panel, and the model that is to read them."""

    windows: Windows
    model: ForecastModel

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def series(self) -> int:
        """Series that they are of."""
        return len(np.unique(self.windows.series))

    @property
    def alone(self) -> bool:
        """Whether there is one series only."""
        return len(self.windows.panel) == 1

    def split(self, held_out: int) -> "tuple[PanelWindows, PanelWindows]":
        """As `Windows.split`."""
        early, held = self.windows.split(held_out)
        return PanelWindows(early, self.model), PanelWindows(held, self.model)

    def batch(self, index: NDArray[np.int64]) -> Batch:
        """The chosen ones."""
        return make_batch(self.windows, index, self.model)

    def drawn(self, choice: Choice, steps: int) -> Callable[[np.random.Generator], Batch]:  # noqa: ARG002
        """What draws batches."""

        def draw(rng: np.random.Generator) -> Batch:
            index, *first = choice(rng)
            return make_batch(self.windows, index, self.model, *first)

        return draw


@dataclass(frozen=True)
class Task:
    """What a forecaster learns from.

    Attributes:
        model: The model, untrained, or with the weights that training goes on from.
        windows: All windows of the series.
        size: Windows of a batch.
    """

    model: ForecastModel
    windows: Source
    size: int

    @classmethod
    def of(cls, panel: Panel, model: ForecastModel, training: TrainingConfig) -> "Task":
        """That of a panel.

        Raises:
            DataError: No series is long enough.
        """
        windows = PanelWindows(make_windows(panel, encode(panel, model.schema), model.input_size, model.h), model)
        return cls.on(windows, model, training.batch_size or default_batch_size(panel))

    @classmethod
    def on(cls, windows: Source, model: ForecastModel, size: int) -> "Task":
        """That of windows, if there are any."""
        if not len(windows):
            raise DataError(
                f"no series has a window of {model.input_size} + {model.h} steps with half of its history observed: "
                "give longer or more complete series, or a smaller h or input_size"
            )
        return cls(model, windows, size)

    def phases(self, steps: int, held_out: int) -> list[Phase]:
        """First without the last `held_out` steps of each series, on which the best weights are chosen and the
        intervals calibrated; then on all there is, since the latest values tell most of the future.
        """
        windows, validation = self.windows.split(held_out)
        rate = LAST_RATE if self.model.weights else 1.0  # what was learned before is not to be thrown away
        if not len(windows) or not len(validation):
            return [Phase(steps, self.draw(self.windows, steps), rate, DECAY, calibrate=self.calibration())]
        held = validation.batch(spread(len(validation), VALIDATION_WINDOWS))
        first = math.ceil(HELD_OUT_SHARE * steps)
        calibration = replace(self.calibration(), held=held, periods=held_out / self.model.h)
        return [
            Phase(first, self.draw(windows, first), rate, DECAY, held, calibration),
            Phase(steps - first, self.draw(self.windows, steps - first), LAST_RATE, DECAY),
        ]

    def calibration(self) -> Calibration:
        """What the intervals' widths are measured by where nothing is held out."""
        number, series = len(self.windows), self.windows.series
        known = self.windows.batch(spread(number, VALIDATION_WINDOWS))
        return Calibration(self.model, known, series, series + (number - series) / self.model.h)

    def draw(self, windows: Source, steps: int) -> Callable[[np.random.Generator], Batch]:
        """What draws the batches of so many steps from windows."""
        return windows.drawn(Choice(len(windows), self.size, 0 if windows.alone else self.model.input_size), steps)


def default_batch_size(panel: Sized) -> int:
    """Windows a step: 64 times the square root of the number of series, within bounds."""
    return int(np.clip(64 * math.sqrt(len(panel)), *BATCH_SIZE))


def make_batch(
    windows: Windows, index: NDArray[np.int64], model: ForecastModel, first: NDArray[np.int64] | None = None
) -> Batch:
    """The chosen windows as a batch, as `make_rows` and `to_batch` make it."""
    return to_batch(make_rows(windows, index, model, first))


def spread(size: int, most: int) -> NDArray[np.int64]:
    """At most `most` indices spread evenly over range(size), the last one among them."""
    return np.unique(np.linspace(size - 1, 0, min(size, most)).astype(np.int64))
