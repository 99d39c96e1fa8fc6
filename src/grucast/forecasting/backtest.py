"""Rolling-origin evaluation: forecast the past from what was known then."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import encode
from grucast.data.panel import Panel, make_panel
from grucast.data.sources import read
from grucast.data.windows import last_windows
from grucast.errors import DataError
from grucast.forecasting import metrics
from grucast.forecasting.baselines import seasonal_naive
from grucast.forecasting.frames import FrameKind, forecast_columns

if TYPE_CHECKING:
    from grucast.forecasting.forecaster import GRUForecaster

Array = NDArray[Any]


@dataclass(frozen=True)
class Score:
    """Accuracy of one model over all windows, and the seconds of its training.

    MAE and RMSE are in the unit of y; MASE has none and is NaN if no series has one.
    """

    model: str
    mae: float
    rmse: float
    mase: float
    seconds: float


@dataclass(frozen=True)
class Backtest:
    """Past forecasts beside what came: a frame, and each model's scores, the best MASE first."""

    frame: Any
    scores: list[Score]


def backtest(
    forecaster: "GRUForecaster", df: Any, n_windows: int = 3, step_size: int | None = None, refit: bool = False
) -> Backtest:
    """Score a forecaster beside seasonal naive forecasts on the last windows of each series.

    Args:
        forecaster: Its settings are used; it stays as it is.
        df: Anything that `grucast.read` takes.
        n_windows: Cutoffs, the last one h steps before the end.
        step_size: Steps between cutoffs; h when None.
        refit: Train anew at each cutoff; else once, before the first.

    Raises:
        DataError: The data cannot be used or are too short for so many windows.
    """
    frame = read(df)
    panel = make_panel(frame, covariates=forecaster.covariates)
    return rolling_forecasts(forecaster, panel, FrameKind.of(frame), n_windows, step_size, refit)


def rolling_forecasts(
    forecaster: "GRUForecaster", panel: Panel, kind: FrameKind, n_windows: int, step_size: int | None, refit: bool
) -> Backtest:
    """Forecast and score each window of a panel."""
    from grucast.forecasting.forecaster import positive

    h, step = forecaster.h, positive("step_size", step_size or forecaster.h)
    drops = [h + step * k for k in reversed(range(positive("n_windows", n_windows)))]  # steps after each cutoff
    refuse_short(panel, drops[0], h, n_windows)
    pieces, seconds = [], 0.0
    for drop in drops:
        known = panel.drop_last(drop)
        if refit or drop == drops[0]:
            start = time.perf_counter()
            fitted = forecaster.clone().fit_panel(known, kind)
            seconds += time.perf_counter() - start
        quantiles = fitted.model_.forecast(
            last_windows(panel, encode(panel, fitted.model_.schema), fitted.model_.input_size, h, drop)
        )
        columns = forecast_columns(quantiles, forecaster.level)
        for season in fitted.model_.seasons:
            columns[f"SeasonalNaive{season}"] = seasonal_naive(known, season, h).ravel()
        pieces.append(collect(panel, known, drop, h) | columns)
    table = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    scores = score_models(panel.drop_last(drops[0]), table, fitted.model_.seasons[0], seconds)
    seen = {name: column[~np.isnan(table["y"])] for name, column in table.items()}
    return Backtest(to_frame(kind, panel, seen), scores)


def refuse_short(panel: Panel, dropped: int, h: int, n_windows: int) -> None:
    """Every series must reach beyond the first cutoff."""
    shortest = int(panel.lengths.argmin())
    if panel.lengths[shortest] <= dropped + h:
        raise DataError(
            f"series {panel.ids[shortest]!r} has {panel.lengths[shortest]} steps, too few for {n_windows} windows of "
            f"h = {h}: more than {dropped + h} are needed; give a longer series, fewer windows or a smaller h"
        )


def collect(panel: Panel, known: Panel, drop: int, h: int) -> dict[str, Array]:
    """Series, time stamp, cutoff and actual value of each forecast step of one window, flat."""
    ends = panel.offsets[1:, None] - drop
    times, cutoffs = known.times(np.arange(1, h + 1)), known.times(np.zeros(1, np.int64))
    return {
        "series": np.repeat(np.arange(len(panel)), h),
        "ds": times.ravel(),
        "cutoff": np.repeat(cutoffs[:, 0], h),
        "y": panel.values[ends + np.arange(h)].ravel(),
    }


def to_frame(kind: FrameKind, panel: Panel, table: dict[str, Array]) -> Any:
    """The table as the user's kind of frame."""
    ids = [panel.ids[index] for index in table["series"]]
    times = {name: table[name] for name in ("ds", "cutoff")}
    return kind.make(ids, times, {k: v for k, v in table.items() if k not in ("series", "ds", "cutoff")})


def score_models(known: Panel, table: dict[str, Array], season: int, seconds: float) -> list[Score]:
    """Score each point forecast where y was observed; MASE is the mean over the series that have one."""
    models = [name for name in table if name == "GRU" or name.startswith("SeasonalNaive")]
    scores = []
    for model in models:
        y, forecast = table["y"], table[model]
        seen = ~np.isnan(y) & ~np.isnan(forecast)
        scaled = [
            metrics.mase(y[own], forecast[own], known.series(index), season)
            for index in range(len(known))
            if (own := seen & (table["series"] == index)).any()
        ]
        mae, rmse = metrics.mae(y[seen], forecast[seen]), metrics.rmse(y[seen], forecast[seen])
        defined = [value for value in scaled if not math.isnan(value)]
        mase = float(np.mean(defined)) if defined else math.nan
        scores.append(Score(model, mae, rmse, mase, seconds if model == "GRU" else 0.0))
    return sorted(scores, key=lambda score: (math.isnan(score.mase), score.mase, score.mae))
