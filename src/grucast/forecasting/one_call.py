"""From a file or frame to a forecast in one call: read, check, backtest, train, predict."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from grucast.data.checks.examine import check_intake
from grucast.data.panel import Panel
from grucast.data.reading.intake import Intake
from grucast.data.reading.options import Options, ReadOptions
from grucast.data.sources import take, to_panel
from grucast.errors import DataError
from grucast.forecasting.arguments import positive
from grucast.forecasting.backtest import Backtest, rolling_forecasts
from grucast.forecasting.baselines import observed_ends
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.frames import FrameKind
from grucast.forecasting.horizon import usual_horizon
from grucast.forecasting.scoring import Score
from grucast.forecasting.verdict import verdict, warnings
from grucast.model.config import NetworkConfig, TrainingConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grucast.training.progress import Followers

TESTS = 3  # windows of the brief backtest, fewer for short series
TOO_SHORT = "too short for a test, so nothing is known about its errors"
HORIZONS_BEFORE = 2  # horizons before the first of them


@dataclass(frozen=True)
class ForecastResult:
    """A forecast, and what is to be known of it.

    Attributes:
        forecast: unique_id, ds, GRU and intervals, as a frame of the kind that came in.
        verdict: How good such forecasts were on the last windows, in a sentence.
        backtest: Those forecasts, and what came; None if the series are too short for a test.
        notes: What was taken for what, a line each.
        warnings: What may be wrong, a line each.
        forecaster: The trained forecaster.
        h: Steps of the forecast.
        target: The column that was forecast.
        history: unique_id, ds, y and the other columns, as they were read.
    """

    forecast: Any
    verdict: str
    backtest: Backtest | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    forecaster: GRUForecaster
    h: int
    target: str
    history: Any

    @property
    def scores(self) -> tuple[Score, ...]:
        """Each model's on the last windows, the best first; empty if the series are too short for a test."""
        return tuple(self.backtest.scores) if self.backtest else ()

    def plot(self, path: str | Path | None = None, series: Sequence[str] | None = None) -> "Figure":
        """Draw the forecast after the end of the history, of the first series or those named; save it to a path.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from grucast.plotting import plot_forecast

        return plot_forecast(self.history, self.forecast, path, series=series, target=self.target)

    def _repr_html_(self) -> str:
        from grucast.forecasting.notebook import result_html

        return result_html(self)


def forecast(
    data: Any,
    h: int | None = None,
    *,
    season_length: int | None = None,
    level: tuple[float, ...] = (80, 95),
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    progress: "Followers" = False,
    **options: Unpack[Options],
) -> ForecastResult:
    """Forecast a file or frame in one call: find its columns, test the method on its last windows, train, and predict.

    Args:
        data: Anything that `grucast.read` takes.
        h: Steps to forecast; a sensible horizon for the frequency when None.
        season_length: Seasonal period in steps; found from the frequency and the data when None.
        level: Coverage of the intervals in percent.
        network: Shape of the network.
        training: How it is trained.
        progress: As in `GRUForecaster.fit`; a function hears of the training for the test first, then of the last.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        DataError: The data cannot be used; the message says why and what to do.
        ConfigError: An option has no meaning.

    >>> import grucast
    >>> from grucast.data import example
    >>> quick = grucast.TrainingConfig(max_steps=2)
    >>> result = grucast.forecast(example().tail(400), h=24, training=quick)
    >>> len(result.forecast), result.notes[-1]
    (24, 'horizon: 24 steps')
    """
    intake = take(data, ReadOptions.of(**options))
    return forecast_intake(intake, h, season_length, level, network=network, training=training, progress=progress)


def forecast_intake(
    intake: Intake,
    h: int | None,
    season_length: int | None,
    level: tuple[float, ...],
    *,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    progress: "Followers" = False,
) -> ForecastResult:
    """As `forecast`, of series that were taken in."""
    panel = to_panel(intake)
    panel, cut = without_empty_end(panel)
    chosen = usual_horizon(panel.frequency, int(panel.lengths.max()))
    steps = positive("h", chosen.h if h is None else h)
    forecaster = GRUForecaster(steps, None, season_length, level=level, network=network, training=training)
    kind = FrameKind.of(intake.table)
    result = brief_backtest(forecaster, panel, kind, progress)
    forecaster.fit_panel(panel, kind, progress=progress, reading=intake.options)
    said = f"horizon: {steps} steps" + (f" ({chosen.span})" if h is None and "steps" not in chosen.span else "")
    notes = (
        *intake.notes,
        *cut,
        f"frequency: {panel.frequency.name}",
        seasons_note(forecaster),
        said,
        *forecaster.notes_,
    )
    report = check_intake(intake)
    odd = [f"{finding.what}: {finding.advice}" for finding in report.findings if finding.level != "note"]
    return ForecastResult(
        forecast=forecaster.predict(),
        verdict=verdict(result, panel.frequency, steps) if result else TOO_SHORT,
        backtest=result,
        notes=notes,
        warnings=(*odd, *(warnings(result) if result else ())),
        forecaster=forecaster,
        h=steps,
        target=intake.target,
        history=intake.table.frame.to_native(),
    )


def brief_backtest(forecaster: GRUForecaster, panel: Panel, kind: FrameKind, progress: "Followers") -> Backtest | None:
    """The last windows forecast from what was known before them; None if there is no room for one."""
    told = False if progress is True else progress
    h, longest = forecaster.h, int(panel.lengths.max())
    room = (longest - HORIZONS_BEFORE * h - 1) // h
    if room < 1:
        return None
    try:
        return rolling_forecasts(forecaster, panel, kind, min(TESTS, room), None, refit=False, progress=told)
    except DataError:  # no series has a value before the cutoffs
        return None


def without_empty_end(panel: Panel) -> tuple[Panel, tuple[str, ...]]:
    """The panel up to the last step at which any series has a value, and what was left out."""
    _, last = observed_ends(panel)
    rest = (panel.offsets[1:] - 1 - last)[last >= 0]
    steps = int(rest.min(initial=0 if not rest.size else rest.max()))
    if not steps:
        return panel, ()
    return panel.drop_last(steps), (f"the last {steps} steps have no value: forecast from the last value on",)


def seasons_note(forecaster: GRUForecaster) -> str:
    """The seasons that the network reads."""
    seasons = forecaster.model_.seasons
    named = " and ".join(f"{season}" for season in seasons)
    return "seasons: none" if seasons == (1,) else f"seasons: of {named} steps"
