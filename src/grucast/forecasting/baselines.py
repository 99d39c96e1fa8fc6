"""Forecasts that any model must beat."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import continue_season
from grucast.data.panel import Panel
from grucast.errors import ConfigError, MissingExtraError

Array = NDArray[Any]
Forecast = Callable[..., Array]  # (panel, h=h) to (S, h)
SIMPLE = ("naive", "seasonal_naive", "drift")
STATISTICAL = {"ets": "AutoETS", "theta": "AutoTheta"}  # classes of statsforecast.models


def make_baselines(names: Sequence[str], seasons: Sequence[int]) -> dict[str, Forecast]:
    """The baselines of those names by the column that each fills; a seasonal naive for every season.

    Args:
        names: Of naive, seasonal_naive, drift, ets and theta; the last two need statsforecast.
        seasons: Seasonal periods in steps, shortest first; ets and theta use the first.

    Raises:
        ConfigError: There is no such baseline.
        MissingExtraError: statsforecast is not installed.

    >>> list(make_baselines(("naive", "seasonal_naive"), (24, 168)))
    ['Naive', 'SeasonalNaive24', 'SeasonalNaive168']
    """
    check_baselines(names)
    found: dict[str, Forecast] = {}
    for name in names:
        if name == "naive":
            found["Naive"] = naive
        elif name == "drift":
            found["Drift"] = drift
        elif name == "seasonal_naive":
            found |= {f"SeasonalNaive{season}": partial(seasonal_naive, season=season) for season in seasons}
        else:
            found[STATISTICAL[name]] = partial(statistical, name=name, season=seasons[0])
    return found


def check_baselines(names: Sequence[str]) -> None:
    """Refuse, before any work, a name that is not known or needs what is not installed."""
    if isinstance(names, str):
        raise ConfigError(f"baselines must be a sequence of names such as ({names!r},), not the text {names!r}")
    known = (*SIMPLE, *STATISTICAL)
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no baseline {name!r}: choose from {', '.join(known)}")
    if not set(STATISTICAL).isdisjoint(names):
        statistical_models()


def naive(panel: Panel, h: int) -> NDArray[np.float64]:
    """Repeat each series' last observed value over h steps, (S, h); NaN where there is none."""
    _, last = observed_ends(panel)
    return np.repeat(value_at(panel, last), h, axis=1)


def drift(panel: Panel, h: int) -> NDArray[np.float64]:
    """Continue the line through each series' first and last observed values over h steps, (S, h).

        f_k = y_T + k (y_T - y_1) / (T - 1)

    A single observation is repeated; NaN where there is none.

    Source: Hyndman and Athanasopoulos 2021, Forecasting: Principles and Practice, 5.2.
    """
    first, last = observed_ends(panel)
    start, end = value_at(panel, first), value_at(panel, last)
    slope = (end - start) / np.maximum(last - first, 1)[:, None]
    steps = panel.offsets[1:, None] + np.arange(h) - last[:, None]  # from the last observation
    return np.asarray(end + slope * steps)


def seasonal_naive(panel: Panel, season: int, h: int) -> NDArray[np.float64]:
    """Repeat each series' last season over h steps, (S, h); season 1 repeats the last value.

    Where the last season has no value, the one before it serves, up to three back; NaN where there is none.
    """
    history = panel.tails(min(3 * season, int(panel.lengths.max())))
    if history.shape[1] < season:
        return np.full((len(panel), h), np.nan)
    forecast: NDArray[Any] = continue_season(history, season, h, np.nan)[:, 0]
    return forecast


def statistical(panel: Panel, name: str, season: int, h: int) -> NDArray[np.float64]:
    """Forecast each series by a model of statsforecast, chosen and fitted for it alone, (S, h).

    What is missing within a series is interpolated. NaN for a series that is too short for the model.

    Source: Hyndman et al. 2008 (ets); Fiorucci et al. 2016 (theta).
    """
    model = getattr(statistical_models(), STATISTICAL[name])
    forecasts = [fit_one(model, panel.series(index), season, h) for index in range(len(panel))]
    return np.stack(forecasts).astype(np.float64)


def fit_one(model: Any, series: Array, season: int, h: int) -> Array:
    """Forecast of one series; of one too short for seasons, by the model without."""
    seen = np.flatnonzero(~np.isnan(series))
    period = season if len(seen) > 2 * season else 1
    if not seen.size:
        return np.full(h, np.nan)
    whole = np.interp(np.arange(len(series)), seen, series[seen])
    try:
        with np.errstate(all="ignore"):  # it divides by zero where a series is met exactly
            forecast = model(season_length=period).forecast(y=whole, h=h)["mean"]
        return np.asarray(forecast)
    except (NotImplementedError, ValueError, IndexError, ZeroDivisionError):  # what statsforecast raises on tiny series
        return np.full(h, np.nan)


def statistical_models() -> Any:
    """The module statsforecast.models."""
    try:
        return import_module("statsforecast.models")
    except ImportError as error:
        raise MissingExtraError("statsforecast (for the baselines ets and theta)", "baselines") from error


def observed_ends(panel: Panel) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of each series' first and last observed values in the panel's array; -1 where there is none."""
    places = np.concatenate([np.flatnonzero(~np.isnan(panel.values)), [len(panel.values)]])
    begin, end = np.searchsorted(places, panel.offsets[:-1]), np.searchsorted(places, panel.offsets[1:])
    none = begin == end
    return np.where(none, -1, places[begin]), np.where(none, -1, places[end - 1])


def value_at(panel: Panel, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values there, (S, 1); NaN at place -1."""
    return np.append(panel.values, math.nan)[places][:, None]
