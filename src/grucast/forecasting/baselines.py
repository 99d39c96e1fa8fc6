"""Forecasts that any model must beat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import continue_season
from grucast.data.panel import Panel


def seasonal_naive(panel: Panel, season: int, h: int) -> NDArray[np.float64]:
    """Repeat each series' last season over h steps, (S, h); season 1 repeats the last value.

    Where the last season has no value, the one before it serves, up to three back; NaN where there is none.
    """
    history = panel.tails(min(3 * season, int(panel.lengths.max())))
    if history.shape[1] < season:
        return np.full((len(panel), h), np.nan)
    forecast: NDArray[Any] = continue_season(history, season, h, nothing=np.nan)[:, 0]
    return forecast
