"""What a forecast is made of: the window, its scale, the seasons it continues, and the GRU's gates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import Features
from grucast.data.frequency import Times
from grucast.data.windows import Windows
from grucast.kernels.reference import Step

Array = NDArray[Any]


@dataclass(frozen=True)
class Explanation:
    """What the forecast of one series used.

    Attributes:
        times: Time stamp of each step of the window, (T,), in UTC.
        values: y there, (T,); NaN where it is not observed.
        centre: Where the network's scale has its zero, in the unit of y.
        scale: What it counts as one, in the unit of y.
        continuations: For each seasonal period the last season and the mean of the last three, continued over the
            horizon, (2, h), in the unit of y.
        gates: `reset, update, candidate, hidden` of each step of the GRU, (T / patch_size, H) each, for each layer and
            direction in the order of `grucast.nn.GRU.trace`; of an ensemble, member after member.

    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> forecaster = GRUForecaster(h=24, input_size=48, training=TrainingConfig(max_steps=2)).fit(example().tail(500))
    >>> explanation = forecaster.explain()["bikes"]
    >>> explanation.gates[0].update.shape, explanation.continuations[24].shape
    ((12, 64), (2, 24))
    """

    times: Times
    values: NDArray[np.float64]
    centre: float
    scale: float
    continuations: Mapping[int, NDArray[np.float64]]
    gates: tuple[Step, ...] = field(repr=False)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """The steps of the window at which y is there, (T,)."""
        return ~np.isnan(self.values)

    @property
    def memory(self) -> list[Array]:
        """Steps over which each unit forgets, (H,), for each of `gates`.

            memory = 1 / (1 - mean of update)

        Source: Tallec and Ollivier 2018, arXiv:1804.11188, section 2: the forgetting time of a leaky unit.
        """
        return [1 / np.maximum(1 - gates.update.mean(0, dtype=np.float64), 1e-9) for gates in self.gates]


def explain_rows(
    windows: Windows, features: Features, gates: Sequence[Step], seasons: tuple[int, ...]
) -> list[Explanation]:
    """The explanation of each window; the gates have all of them side by side, (B, T, H)."""
    panel, back = windows.panel, np.arange(-windows.input_size, 0)
    positions = (windows.ends - panel.offsets[windows.series])[:, None] + back
    times = panel.frequency.times(panel.starts[windows.series, None], positions)
    values = windows.take(np.arange(len(windows))).history
    continued = features.restore(features.continuations)
    return [
        Explanation(
            times[row],
            values[row],
            float(features.centre[row, 0]),
            float(features.scale[row, 0]),
            {season: continued[row, 2 * i : 2 * i + 2] for i, season in enumerate(seasons)},
            tuple(Step(*(part[row] for part in step)) for step in gates),
        )
        for row in range(len(windows))
    ]
