"""Scores of models over the past forecasts of many series, without a loop over them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.panel import Panel
from grucast.forecasting import metrics
from grucast.model.outputs.quantiles import Quantiles

Array = NDArray[Any]
Table = Mapping[str, Array]  # flat columns of one row a forecast step
KEYS = ("series", "step", "ds", "cutoff", "y")  # columns of it that belong to no model


@dataclass(frozen=True)
class Score:
    """Accuracy of one model over all windows of all series, and what it cost.

    Attributes:
        model: Its column.
        mae: Mean absolute error in the unit of y.
        rmse: Root mean squared error in the unit of y.
        smape: Symmetric mean absolute percentage error, 0 to 200.
        mase: Mean over the series of their MASE, no unit; NaN if no series has one.
        scaled_crps: Mean weighted quantile loss, no unit; NaN without intervals.
        coverage: Share of the actual values within each interval, by its level in percent.
        mae_by_step: MAE at each step 1..h.
        mase_by_step: MASE at each step 1..h.
        steps: Forecast steps that were scored: those observed for which the model has a forecast.
        fit_seconds: Time to train.
        predict_seconds: Time to forecast; models that are fitted again at each cutoff do that here.
    """

    model: str
    mae: float
    rmse: float
    smape: float
    mase: float
    scaled_crps: float
    coverage: dict[float, float]
    mae_by_step: tuple[float, ...]
    mase_by_step: tuple[float, ...]
    steps: int
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0


def score_models(table: Table, naive_errors: Array) -> list[Score]:
    """Score every model of a table; the best MASE first, then the best MAE.

    Args:
        table: Columns series (its index), step (1..h), y, a column a model, and its intervals.
        naive_errors: Seasonal naive error of each series' history, the scale of MASE; NaN where it has none.
    """
    models = [name for name in table if name not in KEYS and "-lo-" not in name and "-hi-" not in name]
    scores = [score_model(model, table, naive_errors) for model in models]
    return sorted(scores, key=lambda score: (math.isnan(score.mase), score.mase, math.isnan(score.mae), score.mae))


def score_model(model: str, table: Table, naive_errors: Array) -> Score:
    """Score one model where y was observed and it has a forecast."""
    h = int(table["step"].max())
    seen = ~np.isnan(table["y"]) & ~np.isnan(table[model])
    own = {name: column[seen] for name, column in table.items() if name in KEYS or name.startswith(model)}
    y, forecast, series, step = own["y"], own[model], own["series"], own["step"] - 1
    error = np.abs(y - forecast)
    by_series = group_means(error, series, len(naive_errors)) / naive_errors
    scaled = error / naive_errors[series]
    defined = ~np.isnan(scaled)
    return Score(
        model,
        metrics.mae(y, forecast),
        metrics.rmse(y, forecast),
        metrics.smape(y, forecast),
        metrics.mean(by_series[~np.isnan(by_series)]),
        *score_intervals(model, own),
        tuple(group_means(error, step, h).tolist()),
        tuple(group_means(scaled[defined], step[defined], h).tolist()),
        len(y),
    )


def score_intervals(model: str, table: Table) -> tuple[float, dict[float, float]]:
    """Scaled CRPS and the coverage of each level; NaN and nothing for a model without intervals."""
    prefix = f"{model}-lo-"
    level = tuple(sorted(float(name.removeprefix(prefix)) for name in table if name.startswith(prefix)))
    if not level:
        return math.nan, {}
    lower, upper = ([table[f"{model}-{side}-{percent:g}"] for percent in level] for side in ("lo", "hi"))
    stacked = np.stack([*reversed(lower), table[model], *upper], axis=-1)
    covered = {
        percent: metrics.coverage(table["y"], *bounds) for percent, *bounds in zip(level, lower, upper, strict=True)
    }
    return metrics.scaled_crps(table["y"], stacked, Quantiles(level).probabilities), covered


def seasonal_naive_errors(panel: Panel, season: int) -> NDArray[np.float64]:
    """Mean |y_t - y_{t-season}| of each series, (S,); NaN where it is 0 or no pair was observed."""
    owner = np.repeat(np.arange(len(panel)), panel.lengths)
    difference = np.abs(panel.values[season:] - panel.values[:-season])
    known = (owner[season:] == owner[:-season]) & ~np.isnan(difference)
    error = group_means(difference[known], owner[season:][known], len(panel))
    return np.where(error > 0, error, np.nan)


def group_means(values: Array, groups: Array, size: int) -> NDArray[np.float64]:
    """Mean of the values of each group, (size,); NaN for a group without any."""
    count = np.bincount(groups, minlength=size)
    total = np.bincount(groups, values, minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
