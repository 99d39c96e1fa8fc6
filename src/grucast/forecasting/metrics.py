"""Accuracy measures as pure functions of arrays."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mae(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error, mean |y - f|, in the unit of y.

    >>> mae([1.0, 2.0], [2.0, 4.0])
    1.5
    """
    return float(np.mean(np.abs(_errors(actual, predicted))))


def mse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Mean squared error, mean (y - f)^2, in the squared unit of y.

    >>> mse([1.0, 2.0], [2.0, 4.0])
    2.5
    """
    return float(np.mean(_errors(actual, predicted) ** 2))


def rmse(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error, sqrt(mean (y - f)^2), in the unit of y.

    >>> rmse([1.0, 2.0], [2.0, 3.0])
    1.0
    """
    return float(np.sqrt(mse(actual, predicted)))


def mase(actual: ArrayLike, predicted: ArrayLike, history: ArrayLike, season: int = 1) -> float:
    """Mean absolute scaled error: MAE over the seasonal naive's MAE in the history; no unit.

        MASE = mean |y - f| / mean |y_t - y_{t-season}|;   NaN in the history is left out

    NaN where it is not defined: the history repeats itself exactly, or is not longer than a season.

    Source: Hyndman and Koehler 2006.

    >>> mase([3.0], [2.0], [1.0, 2.0, 4.0])
    0.6666666666666666
    """
    past = np.asarray(history, dtype=np.float64)
    errors = np.abs(past[season:] - past[:-season])
    known = errors[~np.isnan(errors)]
    return mae(actual, predicted) / float(known.mean()) if known.any() else math.nan


def r2(actual: ArrayLike, predicted: ArrayLike) -> float:
    """Coefficient of determination 1 - SSE / SST, the mean over outputs; no unit.

    An output that is constant scores 1 when it is met and 0 when not, as in scikit-learn.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    1.0
    """
    y = np.asarray(actual, dtype=np.float64)
    residual = np.atleast_1d((_errors(actual, predicted) ** 2).sum(0))
    total = np.atleast_1d(((y - y.mean(0)) ** 2).sum(0))
    ratio = residual / np.where(total == 0, 1, total)
    return float(np.mean(1 - np.where(total == 0, residual > 0, ratio)))


def _errors(actual: ArrayLike, predicted: ArrayLike) -> NDArray[Any]:
    return np.asarray(actual, dtype=np.float64) - np.asarray(predicted, dtype=np.float64)
