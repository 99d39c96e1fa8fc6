"""Forecasts of several histories at once, each with the bits that it has alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Times
from grucast.data.panel import make_panel
from grucast.data.windows import Window
from grucast.forecasting.prediction import silent_series, windows_ahead
from grucast.model.models import ForecastModel

Array = NDArray[Any]


class Ahead(NamedTuple):
    """What a forecast of a history's S series needs, and what says where it lies.

    Attributes:
        ids: Names of the series.
        times: Time stamps of the h steps, (S, h).
        window: The last window of each.
        silent: Which have no value there, (S,).
    """

    ids: Sequence[Any]
    times: Times
    window: Window
    silent: NDArray[np.bool_]


def look_ahead(model: ForecastModel, rows: Any, future: Any = None) -> Ahead:
    """The ends of a history, rows or a table as a model's training data were read.

    Raises:
        DataError: The rows cannot be used, or no series has a value in its last window.
    """
    schema = model.schema
    panel = make_panel(rows, model.frequency, schema.covariates, bool(model.reading.freq), schema.known)
    windows = windows_ahead(model, panel, future, model.h)
    silent = silent_series(panel, model)
    return Ahead(panel.ids, panel.times(np.arange(1, model.h + 1)), windows.take(np.arange(len(windows))), silent)


def forecast_together(model: ForecastModel, ends: Sequence[Ahead], level: tuple[float, ...]) -> list[Array]:
    """Quantiles (S, h, Q) of each history, in the unit of y; NaN of series without a value in their last window.

    What a history is, who else asks does not change: only windows are put together, and a row's bits are its own.
    """
    window = joined([end.window for end in ends])
    places = np.arange(len(window.history))
    parts = [model.forecast_window(Window._make(part[rows] for part in window), level) for rows in model.chunks(places)]
    quantiles = np.concatenate(parts)
    quantiles[np.concatenate([end.silent for end in ends])] = np.nan
    return np.split(quantiles, np.cumsum([len(end.ids) for end in ends])[:-1])


def joined(windows: Sequence[Window]) -> Window:
    """All windows as one batch."""
    if len(windows) == 1:
        return windows[0]
    return Window._make(np.concatenate(parts) for parts in zip(*windows, strict=True))
