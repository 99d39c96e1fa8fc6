"""Seasonal periods that the data show, and how strong each is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from grucast.data.panel import Panel

Array = NDArray[Any]

SAMPLED_SERIES = 100  # spread evenly over the panel
LAST_STEPS = 4096  # the last ones of each
PEAKS = 5
FEWEST_CYCLES = 3  # whole periods that a series must have
WEAK = 0.1  # a usual season must be stronger,
CLEAR = 0.3  # any other that strong,
STRONGER = 0.05  # and a multiple of a season that much stronger than it


@dataclass(frozen=True)
class Season:
    """A period in steps, its strength from 0 to 1, and whether it is usual at this frequency."""

    period: int
    strength: float
    usual: bool


def seasons_to_use(panel: Panel) -> tuple[int, ...]:
    """The seasonal periods that a forecaster uses: those usual at the frequency, of a counter the two strongest."""
    if panel.frequency.kind != "integer":
        return panel.frequency.seasons
    strongest = sorted(find_seasons(panel), key=lambda season: -season.strength)[:2]
    return tuple(sorted(season.period for season in strongest))


def find_seasons(panel: Panel) -> list[Season]:
    """The periods usual at the frequency and those at which the autocorrelation peaks, where the data show them.

    A multiple of a shorter season counts where it is stronger.
    """
    longest = np.argsort(-panel.lengths, kind="stable")[: 10 * SAMPLED_SERIES]
    some = longest[np.linspace(0, len(longest) - 1, min(len(longest), SAMPLED_SERIES)).astype(int)]
    steps = int(min(panel.lengths.max(), LAST_STEPS))
    values = np.stack([last(panel.series(index), steps) for index in some])
    found: list[Season] = []
    for period in panel.frequency.seasons:
        strength = seasonal_strength(values, period)
        if strength > max([WEAK, *(s.strength + STRONGER for s in found)]):
            found.append(Season(period, round(strength, 3), True))
    others = {period: seasonal_strength(values, period) for period in sorted(set(peaks(values)))}
    for period, strength in others.items():
        best = strength == max(s for p, s in others.items() if abs(p - period) <= 0.1 * period)
        shorter = [s.strength for s in found if is_multiple(period, s.period)]
        known = any(is_multiple(s.period, period) for s in found) or (shorter and panel.frequency.seasons)
        if best and not known and strength > max([CLEAR, *(s + STRONGER for s in shorter)]):
            found.append(Season(period, round(strength, 3), False))
    return sorted(found, key=lambda season: season.period)


def is_multiple(period: int, season: int) -> bool:
    """Whether a period is a whole number of seasons, as nearly as a peak can be told."""
    return period >= season and abs(period / season - round(period / season)) < 0.02


def last(values: Array, steps: int) -> Array:
    """The last steps of a series, NaN before its first."""
    return np.concatenate([np.full(max(steps - len(values), 0), np.nan), values[-steps:]])


def seasonal_strength(values: Array, period: int) -> float:
    """Median over series of the seasonal strength, 0 for none and 1 for nothing else.

        F = max(0, 1 - var(R) / var(S + R))

    The trend T is the centred moving mean of a period, S the mean of y - T at each place in the period and R the rest,
    whose variance counts the degrees of freedom that S takes, so that noise has F = 0 on average.

    Args:
        values: Series with NaN where not observed, (S, T).
        period: Steps.

    Source: Wang, Smith and Hyndman 2006, doi:10.1007/s10618-005-0039-x.
    """
    detrended = values - moving_mean(values, period)
    whole = detrended.shape[1] // period
    if whole < FEWEST_CYCLES - 1:
        return 0.0
    cycles = detrended[:, detrended.shape[1] - whole * period :].reshape(len(values), whole, period)
    seen = np.isfinite(cycles)
    count = seen.sum(1, keepdims=True)
    season = np.where(seen, cycles, 0).sum(1, keepdims=True) / np.maximum(count, 1)
    total, rest = (np.where(seen, part, 0).reshape(len(values), -1) for part in (cycles, cycles - season))
    size = seen.sum((1, 2))
    free = size - (count > 0).sum((1, 2))
    known = (free > period / 2) & ((total**2).sum(1) > 0)
    if not known.any():
        return 0.0
    variance = (rest**2).sum(1)[known] / free[known], (total**2).sum(1)[known] / size[known]
    return float(np.median(np.clip(1 - variance[0] / variance[1], 0, 1)))


def moving_mean(values: Array, period: int) -> Array:
    """Centred mean over a period, the two ends of an even one counting half; NaN where half of it is missing."""
    weights = np.ones(period + 1 - period % 2)
    if period % 2 == 0:
        weights[[0, -1]] = 0.5
    side = len(weights) // 2
    padded = np.pad(values, ((0, 0), (side, side)), constant_values=np.nan)
    seen = np.isfinite(padded)
    total, count = (convolve(part, weights) for part in (np.where(seen, padded, 0), seen.astype(float)))
    inside = np.arange(values.shape[1])
    whole = (inside >= side) & (inside < values.shape[1] - side)
    return np.where(whole & (2 * count >= period), total / np.maximum(count, 0.5), np.nan)


def convolve(values: Array, weights: Array) -> Array:
    """Weighted sums of neighbouring values, as many as fit."""
    sums: Array = sliding_window_view(values, len(weights), axis=1) @ weights
    return sums


def peaks(values: Array) -> list[int]:
    """Lags at which the series' median autocorrelation, of differences or around a linear trend, has its peaks."""
    found: list[int] = []
    for series in (np.diff(values, axis=1), without_line(values)):
        correlation = np.median(autocorrelation(series), axis=0)
        lags = np.arange(2, min(len(correlation), values.shape[1] // (FEWEST_CYCLES + 1) + 1) - 1)
        if not len(lags):
            continue
        here, before, after = correlation[lags], correlation[lags - 1], correlation[lags + 1]
        noise = 2 / np.sqrt(max(np.isfinite(series).sum(1).max(), 1))
        high = lags[(here > before) & (here >= after) & (here > max(noise, 0.1))]
        found += high[np.argsort(-correlation[high], kind="stable")][:PEAKS].tolist()
    return found


def without_line(values: Array) -> Array:
    """Each series less its regression line."""
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(1, keepdims=True), 1)
    time = np.where(seen, np.arange(values.shape[1]), 0.0)
    time = np.where(seen, time - time.sum(1, keepdims=True) / count, 0)
    level = values - np.where(seen, values, 0).sum(1, keepdims=True) / count
    slope = (time * np.where(seen, level, 0)).sum(1, keepdims=True) / np.maximum((time**2).sum(1, keepdims=True), 1)
    return np.asarray(level - slope * time)


def autocorrelation(values: Array) -> Array:
    """Autocorrelation at every lag from the pairs observed, by Fourier transform."""
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(1, keepdims=True), 1)
    centred = np.where(seen, values - np.where(seen, values, 0).sum(1, keepdims=True) / count, 0)
    size = 2 * values.shape[1]

    def products(series: Array) -> Array:
        spectrum = np.abs(np.fft.rfft(series, size, axis=1)) ** 2
        return np.asarray(np.fft.irfft(spectrum, size, axis=1)[:, : values.shape[1]])

    pairs, power = products(seen.astype(float)), products(centred)
    variance = np.maximum(power[:, :1] / count, np.finfo(float).tiny)
    return np.where(pairs > 0.5, power / np.maximum(pairs, 1) / variance, 0)
