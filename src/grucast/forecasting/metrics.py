"""Accuracy measures as pure functions of arrays.

A step whose actual value is NaN was not observed and does not count; a forecast that is NaN makes the measure NaN.
Where a measure is not defined, such as over no step at all or with a scale of 0, it is NaN.

>>> from grucast.forecasting import metrics
>>> metrics.mase([3.0], [2.0], history=[1.0, 2.0, 4.0])
0.6666666666666666
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def mae(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, mean |y - f|, in the unit of y.

    >>> mae([1.0, 2.0, float("nan")], [2.0, 4.0, 5.0])
    1.5
    """
    y, f = observed(actual, predicted)
    return mean(np.abs(y - f))


def mse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean squared error, mean (y - f)^2, in the squared unit of y.

    >>> mse([1.0, 2.0], [2.0, 4.0])
    2.5
    """
    y, f = observed(actual, predicted)
    return mean((y - f) ** 2)


def rmse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error, sqrt(mean (y - f)^2), in the unit of y.

    >>> rmse([1.0, 2.0], [2.0, 3.0])
    1.0
    """
    return math.sqrt(mse(actual, predicted))


def smape(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Symmetric mean absolute percentage error, 200 mean |y - f| / (|y| + |f|), in percent from 0 to 200.

    A step where both are 0 has no error.

    Source: Makridakis et al. 2020, the M4 competition.

    >>> smape([1.0, 0.0], [3.0, 0.0])
    50.0
    """
    y, f = observed(actual, predicted)
    size = np.abs(y) + np.abs(f)
    return 200 * mean(np.abs(y - f) / np.where(size == 0, 1, size))


def mase(actual: ArrayLike, predicted: ArrayLike, history: ArrayLike, season: int = 1) -> float:
    """Mean absolute scaled error: MAE over the seasonal naive's MAE in the history; no unit.

        MASE = mean |y - f| / mean |y_t - y_{t-season}|;   NaN in the history is left out

    NaN where it is not defined: the history repeats itself exactly, or is not longer than a season.

    Source: Hyndman and Koehler 2006.

    >>> mase([3.0], [2.0], [1.0, 2.0, 4.0])
    0.6666666666666666
    """
    return ratio(mae(actual, predicted), mean(np.abs(seasonal_differences(history, season))))


def rmsse(actual: ArrayLike, predicted: ArrayLike, history: ArrayLike, season: int = 1) -> float:
    """Root mean squared scaled error: RMSE over the seasonal naive's RMSE in the history; no unit.

        RMSSE = sqrt(mean (y - f)^2 / mean (y_t - y_{t-season})^2);   NaN in the history is left out

    NaN where MASE is.

    Source: Makridakis et al. 2022, the M5 competition.

    >>> rmsse([3.0], [2.0], [1.0, 2.0, 4.0, 4.0])
    0.7745966692414834
    """
    return math.sqrt(ratio(mse(actual, predicted), mean(seasonal_differences(history, season) ** 2)))


def pinball(actual: ArrayLike, predicted: ArrayLike, probability: float) -> float:
    """Quantile loss of one quantile, mean max(p e, (p - 1) e) with e = y - f, in the unit of y.

    Source: Koenker and Bassett 1978.

    >>> pinball([1.0, 2.0], [2.0, 0.0], 0.75)
    0.875
    """
    y, f = observed(actual, predicted)
    return mean(np.maximum(probability * (y - f), (probability - 1) * (y - f)))


def crps(actual: ArrayLike, quantiles: ArrayLike, probabilities: ArrayLike) -> float:
    """Continuous ranked probability score of a few quantiles, in the unit of y.

        CRPS = 2 mean over p of mean max(p e, (p - 1) e),   e = y - f_p

    Args:
        actual: Values (...).
        quantiles: Forecasts (..., Q).
        probabilities: Of each quantile, (Q,).

    Source: Gneiting and Raftery 2007.

    >>> crps([1.0, 3.0], [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]], [0.25, 0.5, 0.75])
    0.3333333333333333
    """
    f = np.asarray(quantiles, dtype=np.float64)
    return 2 * float(np.mean([pinball(actual, f[..., q], p) for q, p in enumerate(np.asarray(probabilities))]))


def scaled_crps(actual: ArrayLike, quantiles: ArrayLike, probabilities: ArrayLike) -> float:
    """Scaled continuous ranked probability score, also called the mean weighted quantile loss; no unit.

        sCRPS = 2 mean over p of sum max(p e, (p - 1) e) / sum |y|,   e = y - f_p

    NaN where all actual values are 0.

    Args:
        actual: Values (...).
        quantiles: Forecasts (..., Q).
        probabilities: Of each quantile, (Q,).

    Source: Gneiting and Raftery 2007; Park et al. 2022, arXiv:2111.06581.

    >>> scaled_crps([1.0, 3.0], [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]], [0.25, 0.5, 0.75])
    0.16666666666666666
    """
    return ratio(crps(actual, quantiles, probabilities), mae(actual, np.zeros(np.shape(actual))))


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Share of the actual values within an interval, its bounds included; from 0 to 1.

    >>> coverage([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 3.0])
    0.75
    """
    y, low, high = observed(actual, lower, upper)
    unknown = np.isnan(low + high)
    return mean(np.where(unknown, np.nan, (low <= y) & (y <= high)))


def interval_width(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> float:
    """Mean width of an interval over the steps that were observed, in the unit of y.

    >>> interval_width([1.0, 2.0], [0.0, 0.0], [2.0, 4.0])
    3.0
    """
    _, low, high = observed(actual, lower, upper)
    return mean(high - low)


def r2(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Coefficient of determination 1 - SSE / SST, the mean over outputs; no unit. It takes no NaN.

    An output that is constant scores 1 when it is met and 0 when not, as in scikit-learn.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    1.0
    """
    y, f = np.asarray(actual, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    residual = np.atleast_1d(((y - f) ** 2).sum(0))
    total = np.atleast_1d(((y - y.mean(0)) ** 2).sum(0))
    unexplained = residual / np.where(total == 0, 1, total)
    return float(np.mean(1 - np.where(total == 0, residual > 0, unexplained)))


def observed(actual: ArrayLike, *forecasts: ArrayLike) -> tuple[Array, ...]:
    """Actual values and forecasts of the steps that were observed, flat."""
    y = np.asarray(actual, dtype=np.float64)
    seen = ~np.isnan(y)
    return y[seen], *(np.asarray(f, dtype=np.float64)[seen] for f in forecasts)


def seasonal_differences(history: ArrayLike, season: int) -> Array:
    """Each value of a history less the one a season before, where both were observed."""
    past = np.asarray(history, dtype=np.float64)
    differences: Array = past[season:] - past[:-season]
    return differences[~np.isnan(differences)]


def mean(values: Array) -> float:
    """Mean; NaN of nothing."""
    return float(values.mean()) if values.size else math.nan


def ratio(error: float, scale: float) -> float:
    """Error over scale; NaN where there is no scale."""
    return error / scale if scale > 0 else math.nan
