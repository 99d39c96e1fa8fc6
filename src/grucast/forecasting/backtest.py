"""Rolling-origin evaluation: forecast the past from what was known then."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Unpack

import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Covariates
from grucast.data.encoding import encode
from grucast.data.panel import Panel
from grucast.data.reading.options import Options, ReadOptions
from grucast.data.sources import take, to_panel
from grucast.data.windows import last_windows
from grucast.errors import DataError
from grucast.forecasting.arguments import positive
from grucast.forecasting.baselines import SIMPLE, check_baselines, make_baselines
from grucast.forecasting.frames import FrameKind, forecast_columns
from grucast.forecasting.scoring import Score, score_models, seasonal_naive_errors
from grucast.model.models import ForecastModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]


class Forecaster(Protocol):
    """What can be backtested; `GRUForecaster` is one."""

    h: int
    level: tuple[float, ...]
    covariates: Covariates

    def clone(self) -> "Forecaster":
        """One with the same settings, not fitted."""

    def fit_panel(self, panel: Panel, kind: FrameKind) -> "Forecaster":
        """Train on a panel; those who are given `progress` take it as an argument, too."""

    @property
    def model_(self) -> ForecastModel:
        """What was trained."""


class Tested(Protocol):
    """What past forecasts were worth: a `Backtest`, or the same of series in parts."""

    @property
    def scores(self) -> list[Score]:
        """Each model's, the best MASE first."""

    @property
    def series(self) -> int:
        """Series with a forecast."""

    @property
    def windows(self) -> int:
        """Pairs of series and cutoff with a forecast."""

    @property
    def left_out(self) -> int:
        """Pairs without."""


@dataclass(frozen=True)
class Backtest:
    """Past forecasts compared with what came, and what they were worth.

    Attributes:
        frame: unique_id, ds, cutoff, y and a column a model, a row for each step that was observed.
        scores: Each model's, the best MASE first.
        series: Series with a forecast.
        windows: Pairs of series and cutoff with a forecast.
        left_out: Pairs without, since the series had no value then in the window that the network reads.
        panel: All series, to draw what came before.
    """

    frame: Any
    scores: list[Score]
    series: int
    windows: int
    left_out: int
    panel: Panel

    def plot(
        self, path: str | Path | None = None, series: Sequence[Any] | str | None = None, target: str = "y"
    ) -> "Figure":
        """Draw the forecasts of a series, or of those named, from each cutoff, and the error by step.

        Args:
            path: Picture to write: .png, .svg, .pdf ...; none when None.
            series: Which to draw; the first one when None.
            target: What the values are, for the axis.

        Raises:
            MissingExtraError: matplotlib is not installed.
            ConfigError: There is no such series.
        """
        from grucast.plotting import plot_backtest

        return plot_backtest(self, path, series, target)

    def _repr_html_(self) -> str:
        from grucast.forecasting.notebook import backtest_html

        return backtest_html(self.scores, self.series, self.windows)


def backtest(
    forecaster: Forecaster,
    df: Any,
    n_windows: int = 3,
    step_size: int | None = None,
    refit: bool = False,
    baselines: Sequence[str] = SIMPLE,
    **options: Unpack[Options],
) -> Backtest:
    """Score a forecaster along with baselines on the last windows of each series.

    Args:
        forecaster: Its settings are used; it stays as it is.
        df: Anything that `grucast.read` takes.
        n_windows: Cutoffs, the last one h steps before the end.
        step_size: Steps between cutoffs; h when None.
        refit: Train again at each cutoff; else once, before the first.
        baselines: Of naive, seasonal_naive, drift, ets and theta; the last two need the extra `baselines`.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        ConfigError: An argument has no meaning.
        DataError: The data cannot be used or are too short for so many windows.
        MissingExtraError: A baseline needs statsforecast, which is not installed.

    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> from grucast.forecasting import backtest
    >>> forecaster = GRUForecaster(h=24, input_size=48, training=TrainingConfig(max_steps=1))
    >>> sorted(score.model for score in backtest(forecaster, example().tail(400), n_windows=1).scores)
    ['Drift', 'GRU', 'Naive', 'SeasonalNaive24']
    """
    check_baselines(baselines)
    intake = take(df, ReadOptions.of(**options))
    panel = to_panel(intake, forecaster.covariates)
    return rolling_forecasts(forecaster, panel, FrameKind.of(intake.table), n_windows, step_size, refit, baselines)


def rolling_forecasts(
    forecaster: Forecaster,
    panel: Panel,
    kind: FrameKind,
    n_windows: int,
    step_size: int | None,
    refit: bool,
    baselines: Sequence[str] = SIMPLE,
    progress: Any = False,
) -> Backtest:
    """Forecast and score each window of a panel; whatever is fitted knows nothing after its cutoff."""
    told = {"progress": progress} if progress else {}
    h, drops = forecaster.h, steps_after(forecaster.h, n_windows, step_size)
    refuse_short(panel, drops[0], h, n_windows)
    seconds = Seconds()

    def cutoffs() -> Iterator[Cutoff]:
        for drop in drops:
            if refit or drop == drops[0]:
                with seconds.of("GRU fit"):
                    model = forecaster.clone().fit_panel(panel.drop_last(drop), kind, **told).model_
            yield Cutoff(model, drop, drop if refit else drops[-1])

    past = forecast_past(panel, cutoffs(), baselines, seconds)
    refuse_silent(past.windows, past.input_size)
    scores = [seconds.added_to(score) for score in score_models(past.table, past.naive_errors)]
    left_out = len(panel) * n_windows - past.windows
    return Backtest(to_frame(kind, panel, past.table), scores, past.series, past.windows, left_out, panel)


def steps_after(h: int, n_windows: int, step_size: int | None) -> list[int]:
    """Steps after each cutoff, the first cutoff first."""
    step = positive("step_size", step_size or h)
    return [h + step * k for k in reversed(range(positive("n_windows", n_windows)))]


class Cutoff(NamedTuple):
    """Where the past is forecast from.

    Attributes:
        model: What forecasts; it knows nothing after the cutoff.
        drop: Steps after it.
        unread: Last steps that the model is never used at.
    """

    model: ForecastModel
    drop: int
    unread: int


class Past(NamedTuple):
    """What the past of a panel would have been forecast as.

    Attributes:
        table: Flat columns series, step, ds, cutoff, y, those of the models.
        naive_errors: Of each series, the scale of MASE: of what was known at the first cutoff at which it has one.
        h: Steps of a window.
        input_size: Steps that the network reads.
    """

    table: dict[str, Array]
    naive_errors: Array
    h: int
    input_size: int

    @property
    def windows(self) -> int:
        """Pairs of series and cutoff with a forecast."""
        return len(self.table["y"]) // self.h

    @property
    def series(self) -> int:
        """Series with a forecast."""
        return len(np.unique(self.table["series"]))


def forecast_past(panel: Panel, cutoffs: Iterable[Cutoff], baselines: Sequence[str], seconds: "Seconds") -> Past:
    """Forecast the windows of a panel after each cutoff; a series without a value to read there is left out."""
    pieces: list[dict[str, Array]] = []
    naive_errors, before = np.full(len(panel), np.nan), None
    for model, drop, unread in cutoffs:
        known = panel.drop_last(drop)
        if not pieces:
            season, simpler = model.seasons[0], make_baselines(baselines, model.seasons)
        if model is not before:
            encoded, before = encode(hide_past(panel, model.schema.covariates.past, unread), model.schema), model
        with seconds.of("GRU"):
            windows = last_windows(panel, encoded, model.input_size, model.h, drop)
            columns = forecast_columns(model.forecast(windows), model.level)
        for name, forecast in simpler.items():
            with seconds.of(name):
                columns[name] = forecast(known, h=model.h).ravel()
        naive_errors = np.where(np.isnan(naive_errors), seasonal_naive_errors(known, season), naive_errors)
        spoken = np.repeat(~known.silent(model.input_size), model.h)
        own = collect(panel, known, drop, model.h) | columns
        pieces.append({name: column[spoken] for name, column in own.items()})
    table = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    return Past(table, naive_errors, model.h, model.input_size)


def hide_past(panel: Panel, past: Sequence[str], steps: int) -> Panel:
    """The panel with its past covariates missing in the last steps, so that no category there counts as unknown."""
    late = panel.positions >= (panel.lengths - steps)[panel.owners]
    columns = {name: panel.temporal[name] for name in past}
    hidden = {name: replace(c, values=np.where(late, np.nan, c.values)) for name, c in columns.items()}
    return replace(panel, temporal={**panel.temporal, **hidden})


class Seconds:
    """Seconds by what took them."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of the block."""
        start = time.perf_counter()
        yield
        self.spent[name] += time.perf_counter() - start

    def added_to(self, score: Score) -> Score:
        """The score with its model's seconds."""
        return replace(score, fit_seconds=self.spent[f"{score.model} fit"], predict_seconds=self.spent[score.model])


def refuse_short(panel: Panel, dropped: int, h: int, n_windows: int) -> None:
    """Some series must reach beyond the first cutoff, with a horizon before it to learn from."""
    longest = int(panel.lengths.max())
    if longest <= dropped + h:
        raise DataError(
            f"the longest series has {longest} steps, too few for {n_windows} windows of h = {h}: more than "
            f"{dropped + h} are needed; give a longer series, fewer windows or a smaller h"
        )


def refuse_silent(windows: int, input_size: int) -> None:
    """Some series must have a value to forecast from."""
    if windows == 0:
        raise DataError(f"no series has a value in the {input_size} steps before any cutoff")


def collect(panel: Panel, known: Panel, drop: int, h: int) -> dict[str, Array]:
    """Series, step, time stamp, cutoff and actual value of each forecast step of one window, flat."""
    steps = np.arange(1, h + 1)
    places = panel.offsets[1:, None] - drop + steps - 1  # of a series that begins later these are not its own
    times, cutoffs = known.times(steps), known.times(np.zeros(1, np.int64))
    return {
        "series": np.repeat(np.arange(len(panel)), h),
        "step": np.tile(steps, len(panel)),
        "ds": times.ravel(),
        "cutoff": np.repeat(cutoffs[:, 0], h),
        "y": panel.values[places].ravel(),
    }


def to_frame(kind: FrameKind, panel: Panel, table: dict[str, Array]) -> Any:
    """The steps that were observed, as the user's kind of frame."""
    seen = {name: column[~np.isnan(table["y"])] for name, column in table.items()}
    ids = [panel.ids[index] for index in seen["series"]]
    times = {name: seen[name] for name in ("ds", "cutoff")}
    return kind.make(ids, times, {k: v for k, v in seen.items() if k not in ("series", "step", "ds", "cutoff")})
