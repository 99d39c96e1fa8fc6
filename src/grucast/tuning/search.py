"""The settings that are searched, and how one choice of them is scored."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from grucast.data.covariates import Covariates
from grucast.data.panel import Panel
from grucast.data.reading.intake import Intake
from grucast.data.sources import to_panel
from grucast.forecasting.arguments import positive
from grucast.forecasting.backtest import rolling_forecasts
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.frames import FrameKind
from grucast.forecasting.plan import make_plan
from grucast.forecasting.scoring import Score
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.training.progress import Progress

SPACE: Any = {
    "window": CategoricalDistribution((0.5, 1.0, 2.0)),  # of the window that is chosen otherwise
    "hidden_size": CategoricalDistribution((32, 64, 128, 256)),
    "num_layers": CategoricalDistribution((1, 2)),
    "head_size": CategoricalDistribution((64, 128, 256)),
    "head_dropout": FloatDistribution(0.0, 0.4),
    "learning_rate": FloatDistribution(1e-3, 1.2e-2, log=True),
}
NETWORK = ("hidden_size", "num_layers", "head_size", "head_dropout")
DEFAULT = {name: getattr(NetworkConfig(), name) for name in NETWORK} | {
    "window": 1.0,
    "learning_rate": TrainingConfig().learning_rate,
}
WINDOWS = 3  # that the search sees, and as many later ones for the last word
FIRST = 0.3  # of the time, what the first trial may take
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Deadline:
    """When all must be done.

    Args:
        seconds: From now; None for never.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then."""
        return max(self._end - time.monotonic(), 0.0)

    def share(self, part: float) -> float | None:
        """A share of what is left, at least a second; None where there is no end."""
        return None if math.isinf(self._end) else max(self.left * part, 1.0)


@dataclass(frozen=True)
class Search:
    """What every trial has in common.

    Attributes:
        panel: All series.
        kind: Of the frames that forecasts come as.
        h: Steps to forecast.
        covariates: Columns besides y.
        seed: Of each training.
    """

    panel: Panel
    kind: FrameKind
    h: int
    covariates: Covariates
    seed: int

    @classmethod
    def of(cls, intake: Intake, h: int, covariates: Covariates, seed: int) -> "Search":
        """Of series that were taken in."""
        panel = to_panel(intake, covariates)
        return cls(panel, FrameKind.of(intake.table), positive("h", h), covariates, seed)

    @cached_property
    def seen(self) -> Panel:
        """The series without the windows for the last word."""
        return self.panel.drop_last(WINDOWS * self.h)

    @cached_property
    def usual_window(self) -> int:
        """The window that a forecaster chooses for the first training."""
        return make_plan(self.seen.drop_last(WINDOWS * self.h), self.h, None, None, None).input_size

    def forecaster(self, settings: dict[str, Any], max_time: float | None) -> GRUForecaster:
        """A forecaster with these settings, not fitted; a window is a multiple of the usual one's half."""
        scale = settings["window"]
        size = None if scale == 1 else max(round(scale * self.usual_window), 2)
        network = NetworkConfig(**{name: settings[name] for name in NETWORK})
        training = TrainingConfig(learning_rate=settings["learning_rate"], max_time=max_time, seed=self.seed)
        return GRUForecaster(self.h, size, covariates=self.covariates, network=network, training=training)

    def run(self, study: Any, trials: int, end: Deadline, told: Callable[[int, int], None]) -> None:
        """Try settings until there were so many, or no time is left for another; at least one is tried to its end."""
        while (done := len(study.get_trials(deepcopy=False, states=ENDED))) < trials:
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            spare = end.left - seconds_after(study) if complete else end.left * FIRST
            if complete and spare < min(trial.duration.total_seconds() for trial in complete):
                return
            self.attempt(study, None if math.isinf(spare) else max(spare, 1.0))
            told(done + 1, trials)

    def attempt(self, study: Any, max_time: float | None) -> None:
        """One trial; training that falls behind is cut short."""
        trial = study.ask(SPACE)

        def judge(progress: Progress) -> None:
            if math.isfinite(progress.validation):
                trial.report(progress.validation, progress.step)
                if trial.should_prune():
                    raise optuna.TrialPruned

        try:
            forecaster = self.forecaster(trial.params, max_time)
            result = rolling_forecasts(forecaster, self.seen, self.kind, WINDOWS, None, refit=False, progress=judge)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, error_of(next(score for score in result.scores if score.model == "GRU")))

    def score_later(self, settings: dict[str, Any], end: Deadline) -> Score:
        """The score of settings on the windows that the search did not see, trained before them."""
        forecaster = self.forecaster(settings, end.share(1 / 3))
        result = rolling_forecasts(forecaster, self.panel, self.kind, WINDOWS, None, refit=False)
        return next(score for score in result.scores if score.model == "GRU")


def error_of(score: Score) -> float:
    """MASE, or MAE where no series has one."""
    return score.mae if math.isnan(score.mase) else score.mase


def seconds_after(study: Any) -> float:
    """What follows a search: the defaults and the best are trained once more, and the best on all data."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    first, best = complete[0].duration.total_seconds(), study.best_trial.duration.total_seconds()
    return float(first + 2.5 * best)
