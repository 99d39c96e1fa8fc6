"""Compare recurrent layers within the forecaster, on the last windows of one's own series."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self, Unpack

from grucast.comparison.contenders import Contender, Run, require_torch, run_all, train_contender
from grucast.comparison.result import Comparison
from grucast.data.covariates import Covariates
from grucast.data.panel import Panel
from grucast.data.reading.intake import Intake
from grucast.data.reading.options import Options, ReadOptions
from grucast.data.sources import take, to_panel
from grucast.data.wording import count
from grucast.errors import ConfigError
from grucast.forecasting.arguments import positive
from grucast.forecasting.backtest import Backtest, rolling_forecasts
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.frames import FrameKind
from grucast.forecasting.plan import Plan
from grucast.forecasting.scoring import Score
from grucast.kernels import native
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.models import ForecastModel
from grucast.model.network import Inputs
from grucast.model.outputs import Array
from grucast.training.forecast import default_steps
from grucast.training.progress import Callback, Followers, following
from grucast.training.task import Task


def compare(
    df: Any,
    h: int,
    seeds: int = 3,
    n_windows: int = 3,
    *,
    covariates: Covariates | None = None,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    progress: "Followers" = False,
    **options: Unpack[Options],
) -> Comparison:
    """Train RNN, LSTM and GRU on the same series, with the same network and budget otherwise, and compare what they
    cost and how well they forecast.

    RNN, LSTM and GRU are torch's layers; the GRU in both variants is also grucast's, called by torch and without torch.
    Each is trained before the first of the last `n_windows` horizons, with `seeds` seeds, in turn.

    Args:
        df: Anything that `grucast.read` takes.
        h: Steps to forecast.
        seeds: Trainings of each, from `training.seed` on.
        n_windows: Horizons at the end that they are tested on.
        covariates: Columns besides y that the network reads.
        network: Shape of the network.
        training: How it is trained; as GRUForecaster is when None.
        progress: As in `GRUForecaster.fit`, of all trainings together.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        MissingExtraError: torch is not installed.
        ConfigError: An argument has no meaning, or `training` asks for an ensemble.
        DataError: The data cannot be used, or are too short for so many windows.

    >>> import grucast
    >>> from grucast.data import example
    >>> quick = grucast.TrainingConfig(max_steps=2)
    >>> result = grucast.compare(example().tail(500), h=24, seeds=1, n_windows=1, training=quick)
    >>> [(row.model, row.parameters) for row in result.rows[:3]]
    [('RNN', 64773), ('LSTM', 83589), ('GRU', 77317)]
    """
    require_torch()
    forecaster = GRUForecaster(h, covariates=covariates, network=network, training=training)
    with following(progress) as callback:
        return compare_layers(forecaster, take(df, ReadOptions.of(**options)), seeds, n_windows, callback)


def compare_layers(
    forecaster: GRUForecaster, intake: Intake, seeds: int, n_windows: int, callback: Callback | None = None
) -> Comparison:
    """As `compare`, with a forecaster's settings and series that were taken in."""
    require_torch()
    positive("seeds", seeds)
    if forecaster.training.ensemble > 1:
        raise ConfigError("layers are compared in single networks: leave ensemble at 1")
    panel, kind = to_panel(intake, forecaster.covariates), FrameKind.of(intake.table)
    tests: list[Backtest] = []

    def run(contender: Contender, training: TrainingConfig, follow: Callback | None) -> Run:
        own = ContendingForecaster(forecaster, contender, training, follow)
        tests.append(rolling_forecasts(own, panel, kind, n_windows, None, False, ("seasonal_naive",)))
        ours = next(score for score in tests[-1].scores if score.model == "GRU")
        best = next((score for score in tests[-1].scores if score.model != "GRU"), None)
        simple = (best.model, errors_of(best)) if best else None
        return replace(own.run_, errors=errors_of(ours), simple=simple)

    runs = run_all(run, forecaster.training, seeds, callback)
    windows = f"{count(tests[-1].windows, 'window')} of {forecaster.h} steps in {count(tests[-1].series, 'series')}"
    return Comparison.of(runs, windows, native.usual_threads(), kind.backend)


def errors_of(score: Score) -> dict[str, float]:
    """The errors by which forecasts are compared."""
    return {"MASE": score.mase, "MAE": score.mae} if score.mase == score.mase else {"MAE": score.mae}


class ContendingForecaster(GRUForecaster):
    """A forecaster with the layer of a contender; `run_` is what its training took."""

    run_: Run

    def __init__(
        self, like: GRUForecaster, contender: Contender, training: TrainingConfig, callback: Callback | None
    ) -> None:
        network = replace(like.network, reset_after=contender.reset_after)
        shape = like.h, like.input_size, like.season_length, like.level
        super().__init__(*shape, covariates=like.covariates, network=network, training=training)
        self._contender, self._callback = contender, callback

    def clone(self) -> "ContendingForecaster":
        """Itself, since it is trained once."""
        return self

    def _train(self, model: ForecastModel, plan: Plan, data: tuple[Panel, FrameKind], *_: Any) -> Self:
        """As GRUForecaster does, but for the intervals, which are not calibrated."""
        task = Task.of(data[0], model, self.training)
        steps = self.training.max_steps or default_steps(data[0], model.h)
        phases = [replace(phase, calibrate=None) for phase in task.phases(steps, plan.held_out)]
        members, self.run_ = train_contender(self._contender, model.definition, self.training, phases, self._callback)
        own = {each.name: getattr(model, each.name) for each in fields(model)} | {"weights": members.tensors()}
        return self._keep(ContendingModel(**own, run=members.predict), [], data)


@dataclass(frozen=True)
class ContendingModel(ForecastModel):
    """A trained forecaster whose network is computed elsewhere."""

    run: Callable[[Inputs], Array] = field(kw_only=True)

    def compute(self, inputs: Inputs) -> Array:
        """The network's quantiles, on each window's scale."""
        return self.run(inputs)
