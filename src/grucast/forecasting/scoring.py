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
Sums = dict[str, Array]  # sums and counts by what they are of, so that those of parts of the series can be added
COVERAGE = "coverage-"
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
    return scores_of(sum_models(table, naive_errors))


def sum_models(table: Table, naive_errors: Array) -> dict[str, Sums]:
    """The sums of every model of a table, as `score_models` takes it."""
    models = [name for name in table if name not in KEYS and "-lo-" not in name and "-hi-" not in name]
    return {model: sum_model(model, table, naive_errors) for model in models}


def added(first: Mapping[str, Sums], second: Mapping[str, Sums]) -> dict[str, Sums]:
    """The sums of two tables with other series, or with none."""
    both = {model: {name: first[model][name] + own for name, own in second[model].items()} for model in second if first}
    return both or dict(first or second)


def scores_of(sums: Mapping[str, Sums]) -> list[Score]:
    """The scores of the models that sums are of; the best MASE first, then the best MAE."""
    scores = [score_model(model, own) for model, own in sums.items()]
    return sorted(scores, key=lambda score: [math.inf if math.isnan(e) else e for e in (score.mase, score.mae)])


def sum_model(model: str, table: Table, naive_errors: Array) -> Sums:
    """Sums of one model where y was observed and it has a forecast."""
    h = int(table["step"].max())
    seen = ~np.isnan(table["y"]) & ~np.isnan(table[model])
    own = {name: column[seen] for name, column in table.items() if name in KEYS or name.startswith(model)}
    y, forecast, series, step = own["y"], own[model], own["series"], own["step"] - 1
    error = np.abs(y - forecast)
    by_series = group_means(error, series, len(naive_errors)) / naive_errors
    by_series = by_series[~np.isnan(by_series)]
    scaled = error / naive_errors[series]
    defined = ~np.isnan(scaled)
    return {
        "mae": summed(metrics.mae(y, forecast), len(y)),
        "mse": summed(metrics.mse(y, forecast), len(y)),
        "smape": summed(metrics.smape(y, forecast), len(y)),
        "mase": summed(metrics.mean(by_series), len(by_series)),
        "mae_by_step": group_sums(error, step, h),
        "mase_by_step": group_sums(scaled[defined], step[defined], h),
    } | sum_intervals(model, own)


def sum_intervals(model: str, table: Table) -> Sums:
    """Sums for scaled CRPS and the coverage of each level; nothing for a model without intervals."""
    prefix, y = f"{model}-lo-", table["y"]
    level = tuple(sorted(float(name.removeprefix(prefix)) for name in table if name.startswith(prefix)))
    if not level:
        return {}
    lower, upper = ([table[f"{model}-{side}-{percent:g}"] for percent in level] for side in ("lo", "hi"))
    stacked = np.stack([*reversed(lower), table[model], *upper], axis=-1)
    means = {"crps": metrics.crps(y, stacked, Quantiles(level).probabilities), "size": metrics.mae(y, np.zeros(len(y)))}
    bounds = zip(level, lower, upper, strict=True)
    means |= {f"{COVERAGE}{percent}": metrics.coverage(y, *both) for percent, *both in bounds}
    return {name: summed(value, len(y)) for name, value in means.items()}


def score_model(model: str, sums: Sums) -> Score:
    """The scores of a model: means and their quotients."""
    means = {name: quotients(*own) for name, own in sums.items()}
    covered = {float(name.removeprefix(COVERAGE)): float(m) for name, m in means.items() if name.startswith(COVERAGE)}
    crps, size = (float(means.get(name, np.nan)) for name in ("crps", "size"))
    return Score(
        model,
        float(means["mae"]),
        math.sqrt(means["mse"]),
        float(means["smape"]),
        float(means["mase"]),
        metrics.ratio(crps, size),
        covered,
        tuple(means["mae_by_step"].tolist()),
        tuple(means["mase_by_step"].tolist()),
        int(sums["mae"][1]),
    )


def seasonal_naive_errors(panel: Panel, season: int) -> NDArray[np.float64]:
    """Mean |y_t - y_{t-season}| of each series, (S,); NaN where it is 0 or no pair was observed."""
    owner = np.repeat(np.arange(len(panel)), panel.lengths)
    difference = np.abs(panel.values[season:] - panel.values[:-season])
    known = (owner[season:] == owner[:-season]) & ~np.isnan(difference)
    error = group_means(difference[known], owner[season:][known], len(panel))
    return np.where(error > 0, error, np.nan)


def group_means(values: Array, groups: Array, size: int) -> NDArray[np.float64]:
    """Mean of the values of each group, (size,); NaN for a group without any."""
    return quotients(*group_sums(values, groups, size))


def group_sums(values: Array, groups: Array, size: int) -> Array:
    """Sum of the values of each group, and how many there are, (2, size)."""
    return np.stack([np.bincount(groups, values, minlength=size), np.bincount(groups, minlength=size)])


def summed(mean: float, count: int) -> Array:
    """The sum of values with that mean, and how many there are, (2,)."""
    return np.array([mean * count if count else 0.0, count])


def quotients(totals: Array, counts: Array) -> NDArray[np.float64]:
    """Means of sums; NaN of nothing."""
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
