"""Continuations at a smoothed level: a season's mean shape goes on from where exponential smoothing sees the series."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Smoothing(NamedTuple):
    """One way to continue a series.

    Attributes:
        weight: Of the newest value in the level.
        trend: Share of the slope that goes on; where it is 0, no slope is taken out either.
    """

    weight: float
    trend: float


SMOOTHINGS = (Smoothing(0.2, 0.0), Smoothing(0.6, 0.0), Smoothing(0.5, 0.5))


class Decomposition(NamedTuple):
    """What least squares find in windows of rows r of one season with places s; time is 0 at the last step."""

    known: Array  # (B, r, s): values, 0 where not observed
    seen: Array  # (B, r, s)
    time: Array  # (r, s)
    mean: Array  # (B, s): of each place's values
    when: Array  # (B, s): of their times
    slope: Array  # (B,)


def continue_levels(z: Array, season: int, h: int, smoothings: tuple[Smoothing, ...] = SMOOTHINGS) -> Array:
    """Continue windows (B, T), with NaN where not observed, in each of those ways, (B, ways, h).

        z_t = effect of t's place in its season + slope t + rest_t,   t = 0 at the last step, by least squares
        level = sum of w_t rest_t / sum of w_t,   w_t = (1 - weight)^(-t)
        z_k = effect + level + trend * slope * k,   k = 1 ... h

    A place that was never observed has the mean effect, and a window whose first value is younger than a season goes
    on without one. With half of the trend this is the Theta method.

    Source: Hyndman and Billah 2003, International Journal of Forecasting 19(2), "Unmasking the Theta method".

    >>> import numpy as np
    >>> continue_levels(np.array([[1.0, 2.0, 3.0, 4.0]]), season=1, h=2).round(2)
    array([[[2.78, 2.78],
            [3.44, 3.44],
            [4.5 , 5.  ]]])
    """
    parts = decompose(z, season)
    found = np.stack([go_on(parts, smoothing, h) for smoothing in smoothings], 1)
    young = np.isnan(z[:, : max(z.shape[1] - season + 1, 0)]).all(1)
    if season > 1 and young.any():
        found[young] = continue_levels(z[young], 1, h, smoothings)
    return found


def decompose(z: Array, season: int) -> Decomposition:
    """Effects and slope of windows (B, T)."""
    batch, steps = z.shape
    rows = -(-steps // season)
    places = np.full((batch, rows * season), np.nan)
    places[:, rows * season - steps :] = z
    places = places.reshape(batch, rows, season)
    seen = ~np.isnan(places)
    known, count = np.where(seen, places, 0), np.maximum(total(seen), 1)
    time = np.arange(1.0 - rows * season, 1).reshape(rows, season)
    mean, when = total(known) / count, total(seen * time) / count
    away = np.where(seen, time - when[:, None], 0)
    rise = total(total(away * np.where(seen, known - mean[:, None], 0)))
    spread = total(total(away * away))
    return Decomposition(known, seen, time, mean, when, rise / np.where(spread > 0, spread, 1))


def go_on(parts: Decomposition, smoothing: Smoothing, h: int) -> Array:
    """The continuation (B, h) in one way."""
    known, seen, time, mean, when, slope = parts
    if not smoothing.trend:
        slope = np.zeros_like(slope)
    there = np.asarray(seen.any(1))
    effect = mean - slope[:, None] * when
    usual = total(np.where(there, effect, 0)) / np.maximum(total(there), 1)
    effect = np.where(there, effect, usual[:, None])
    rest = (known - effect[:, None]) - slope[:, None, None] * time
    decay = np.multiply.accumulate(np.r_[1.0, np.full(time.size - 1, 1 - smoothing.weight)])[::-1]
    weights = (seen * decay.reshape(time.shape)).reshape(len(known), time.size)
    heavy = total(weights)
    level = total(weights * rest.reshape(weights.shape)) / np.where(heavy > 0, heavy, 1)
    ahead = np.arange(h)
    drift = (smoothing.trend * slope)[:, None] * (ahead + 1)
    return np.asarray((effect[:, ahead % time.shape[1]] + level[:, None]) + drift)


def total(x: Array) -> Array:
    """The sum over the second axis, added from the first on in whatever company."""
    return np.asarray(np.cumsum(x, 1)[:, -1])
