"""The settings that are searched, and how one choice of them is scored."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution

from grucast.data.covariates import Covariates
from grucast.data.panel import Panel
from grucast.data.reading.intake import Intake
from grucast.data.sources import to_panel
from grucast.forecasting.arguments import positive
from grucast.forecasting.backtest import rolling_forecasts
from grucast.forecasting.engine import HERE, Engine
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.frames import FrameKind
from grucast.forecasting.plan import make_plan
from grucast.forecasting.scoring import Score
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.training.progress import Progress
from grucast.tuning.referee import Deadline, Referee

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

    def run(
        self, study: Any, trials: int, end: Deadline, told: Callable[[int, int], None], engine: Engine = HERE
    ) -> None:
        """Try settings until there were so many, or no time is left for another; at least one is tried to its end."""
        referee = Referee(study, SPACE, end)
        if engine.workers > 1:
            _ = self.usual_window  # once, not for each trial
        with referee:
            for place, error in engine.consult(self.attempt, referee.places(trials), referee):
                referee.end(place, error)
                told(referee.ended, trials)

    def attempt(self, place: int, referee: Any) -> tuple[int, float | None]:
        """One trial, with the settings that the referee gives: its place and error, None where it was cut short."""
        settings, max_time = referee.begin(place)
        heard = 0

        def judge(progress: Progress) -> None:
            nonlocal heard
            percent = 100 * progress.step // progress.steps
            if math.isfinite(progress.validation) and percent > heard:
                heard = percent
                if referee.is_behind(place, percent, progress.validation):
                    raise optuna.TrialPruned

        forecaster = self.forecaster(settings, max_time)
        try:
            result = rolling_forecasts(forecaster, self.seen, self.kind, WINDOWS, None, refit=False, progress=judge)
        except optuna.TrialPruned:
            return place, None
        return place, error_of(next(score for score in result.scores if score.model == "GRU"))

    def score_later(self, settings: dict[str, Any], end: Deadline) -> Score:
        """The score of settings on the windows that the search did not see, trained before them."""
        forecaster = self.forecaster(settings, end.share(1 / 3))
        result = rolling_forecasts(forecaster, self.panel, self.kind, WINDOWS, None, refit=False)
        return next(score for score in result.scores if score.model == "GRU")


def error_of(score: Score) -> float:
    """MASE, or MAE where no series has one."""
    return score.mae if math.isnan(score.mase) else score.mase
