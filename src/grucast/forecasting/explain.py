"""What a forecast is made of: the window, its scale, the seasons it continues, the GRU's gates, what it responds to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Times
from grucast.data.windows import Window, Windows
from grucast.kernels.reference import Step
from grucast.model.config import NetworkConfig
from grucast.model.models import ForecastModel
from grucast.model.network import Inputs
from grucast.model.values import Traced
from grucast.model.withheld import withheld

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grucast.training.sensitivity import Sensitivity

Array = NDArray[Any]


@dataclass(frozen=True)
class Explanation:
    """What the forecast of one series used.

        median = centre + sum of mix * (continuation - centre) + what the network adds,   continuations, then levels

    The medians are what the network says: `predict` gives no negative ones of a series without, and counts as counts.

    Attributes:
        series: Its id.
        times: Time stamp of each step of the window, (T,), in UTC.
        ahead: Those of the steps that are forecast, (h,).
        zone: The time zone in which the series has them; "" if it has none.
        values: y there, (T,); NaN where it is not observed.
        centre: Where the network's scale has its zero, in the unit of y.
        scale: What it counts as one, in the unit of y.
        continuations: For each seasonal period the last season and the mean of the last three, continued over the
            horizon, (2, h), in the unit of y.
        levels: The last value, and three continuations at a smoothed level, (4, h), in the unit of y; (0, h) for a
            model of an earlier version.
        mix: Weight of each continuation and level, (C,); of an ensemble the mean.
        median: Median of each step, (h,), in the unit of y.
        gates: `reset, update, candidate, hidden` of each step of the GRU, (T / patch_size, H) each, for each layer and
            direction in the order of `grucast.nn.GRU.trace`; of an ensemble, member after member.
        layers: What each of `gates` belongs to: layer 1, layer 1 reversed ...

    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> forecaster = GRUForecaster(h=24, input_size=48, training=TrainingConfig(max_steps=2)).fit(example().tail(500))
    >>> explanation = forecaster.explain()["bikes"]
    >>> explanation.gates[0].update.shape, explanation.continuations[24].shape
    ((12, 64), (2, 24))
    >>> explanation.sensitivity.shape, explanation.memory_length[0].shape
    ((24, 48), (64,))
    """

    series: Any
    times: Times
    ahead: Times
    zone: str
    values: NDArray[np.float64]
    centre: float
    scale: float
    continuations: Mapping[int, NDArray[np.float64]]
    levels: NDArray[np.float64]
    mix: NDArray[np.float64]
    median: NDArray[np.float64]
    gates: tuple[Step, ...] = field(repr=False)
    layers: tuple[str, ...]
    model: ForecastModel = field(repr=False)
    window: Window = field(repr=False)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """The steps of the window at which y is there, (T,)."""
        return ~np.isnan(self.values)

    @property
    def patch_size(self) -> int:
        """Steps of the series that the GRU reads at once."""
        return self.model.definition.patch_size

    @property
    def memory_length(self) -> list[Array]:
        """Steps of the series over which each unit forgets, (H,), for each of `gates`.

            memory_length = patch_size / (1 - mean of update)

        Source: Tallec and Ollivier 2018, arXiv:1804.11188, section 2: the forgetting time of a leaky unit.
        """
        means = [gates.update.mean(0, dtype=np.float64) for gates in self.gates]
        return [self.patch_size / np.maximum(1 - mean, 1e-9) for mean in means]

    @property
    def memory(self) -> list[Array]:
        """`memory_length` in steps of the GRU, by its earlier name."""
        return [length / self.patch_size for length in self.memory_length]

    @property
    def sensitivity(self) -> NDArray[np.float64]:
        """How the median of each step changes with each value of the window, (h, T), in units of y per unit of y.

        The exact derivative through scale, features, GRU and head. NaN where nothing is observed, and everywhere in a
        window of two equal values or more and no others, where there is none. It is computed when it is first asked
        for.
        """
        return self._sensitivity.values

    @property
    def covariate_sensitivity(self) -> Mapping[str, NDArray[np.float64]]:
        """How the medians change with each covariate that is a number, by its name, in units of y per unit of it.

        (h, T + h) at the steps of window and horizon, (h,) of a static one; NaN where the network sees no value.
        """
        return self._sensitivity.covariates

    @cached_property
    def _sensitivity(self) -> "Sensitivity":
        from grucast.training.sensitivity import sensitivity_of

        return sensitivity_of(self.model, self.window)

    @cached_property
    def withheld(self) -> Mapping[str, NDArray[np.float64]]:
        """The medians less those without each covariate, number or text, by its name, (h,), in the unit of y."""
        return withheld(self.model, self.window)

    def plot(self, path: str | Path | None = None, target: str = "y", layer: int = 0) -> "Figure":
        """Draw the gates over time, the memory length of the units and the sensitivity, as one picture.

        Args:
            path: Picture to write: .png, .svg, .pdf ...; none when None.
            target: What the values are, for the axis.
            layer: Which of `layers` has its gates drawn.

        Raises:
            MissingExtraError: matplotlib is not installed.
            ConfigError: There is no such layer.
        """
        from grucast.plotting import plot_explanation

        return plot_explanation(self, path, layer, target)


def explain_windows(model: ForecastModel, windows: Windows) -> list[Explanation]:
    """The explanation of each window."""
    if not len(windows):
        return []
    batch, panel = windows.take(np.arange(len(windows))), windows.panel
    features = model.features(batch)
    z, mix, gates = trace(model, Inputs.of(features))
    positions = (windows.ends - panel.offsets[windows.series])[:, None] + np.arange(-windows.input_size, windows.h)
    times = panel.frequency.times(panel.starts[windows.series, None], positions)
    continued, median = features.restore(features.continuations), features.restore(z)[..., len(model.level)]
    layers, count = layer_names(model.network, model.members), 2 * len(model.seasons)
    return [
        Explanation(
            panel.ids[windows.series[row]],
            times[row, : -windows.h],
            times[row, -windows.h :],
            panel.zone or "",
            batch.history[row],
            float(features.centre[row, 0]),
            float(features.scale[row, 0]),
            {season: continued[row, 2 * i : 2 * i + 2] for i, season in enumerate(model.seasons)},
            continued[row, count:],
            mix[row],
            median[row],
            tuple(type(step)(*(part[row] for part in step)) for step in gates),
            layers,
            model,
            Window._make(part[row : row + 1] for part in batch),
        )
        for row in range(len(windows))
    ]


def trace(model: ForecastModel, inputs: Inputs) -> tuple[Array, Array, list[Step]]:
    """Quantiles (B, h, Q) on the windows' scale, weights of the continuations (B, C), and all gates."""
    traced = [Traced(own, model.network) for own in model.each_weights]
    z = np.mean([model.definition(o, inputs) for o in traced], axis=0)
    equal = np.full(inputs.continuations.shape[:2], 1 / inputs.continuations.shape[1])
    mix = equal + np.mean([o.mix[0] if o.mix else 0 * equal for o in traced], axis=0)
    return z, mix, [gates for o in traced for gates in o.gates]


def layer_names(network: NetworkConfig, members: int) -> tuple[str, ...]:
    """What the gates of each layer and direction belong to.

    >>> layer_names(NetworkConfig(num_layers=2), members=1)
    ('layer 1', 'layer 2')
    """
    ways = ("", " reversed") if network.bidirectional else ("",)
    own = [f"layer {layer}{way}" for layer in range(1, network.num_layers + 1) for way in ways]
    return tuple(f"network {k}, {name}" if members > 1 else name for k in range(1, members + 1) for name in own)
