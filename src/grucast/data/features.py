"""What the network sees of a window: normalised values, seasonal differences and seasonal continuations."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import Schema
from grucast.data.scaling import masked_mean, scaled, window_scale
from grucast.data.smoothing import SMOOTHINGS, Smoothing, continue_levels
from grucast.data.spikes import without_spikes
from grucast.data.windows import Window
from grucast.kernels import forecaster, native

Array = NDArray[Any]
REPEATS = 3  # seasons that a continuation averages
MOVES = 2  # numbers that say how much a window moved
STILL = 0.01  # of a window's scale, of which it takes no notice


class Features(NamedTuple):
    """A batch of windows as the network takes them, and the scale that leads back to the unit of y.

    A number that is missing is 0 with its flag 0, a category that is missing has code 0.
    """

    inputs: NDArray[np.float32]  # (B, T, C): y, observed, y - y one season before, covariates with flags, phases
    codes: NDArray[np.int64]  # (B, T, K): categories
    ahead: NDArray[np.float32]  # (B, h, A): what is known in advance
    ahead_codes: NDArray[np.int64]  # (B, h, K')
    static: NDArray[np.float32]  # (B, ...): if smoothed, how much the window moved; static numbers with flags
    static_codes: NDArray[np.int64]  # (B, K'')
    continuations: NDArray[np.float32]  # (B, C, h): last season, mean of the last three; last value, levels
    centre: NDArray[np.float64]  # (B, 1)
    scale: NDArray[np.float64]  # (B, 1)
    naive_error: NDArray[np.float32]  # (B, 1): mean |y - y one season before| on that scale, 1 where unknown

    @property
    def flat(self) -> NDArray[np.bool_]:
        """Windows of equal values, two or more, (B, 1); of any others the mean |y| is 1 on their scale."""
        y, observed = self.inputs[..., 0], self.inputs[..., 1]
        return np.asarray((np.abs(y).max(1) < 0.5) & (observed.sum(1) > 1))[:, None]

    def normalise(self, y: Array) -> NDArray[np.float32]:
        """Bring values (B, h) to the window's scale, infinite where that is too small for them."""
        with np.errstate(over="ignore"):
            return scaled(y, self.centre, self.scale).astype(np.float32)

    def restore(self, z: Array) -> NDArray[np.float64]:
        """Bring the network's (B, h, Q) back to the unit of y."""
        return np.asarray(self.centre[..., None] + self.scale[..., None] * z.astype(np.float64))


def make_features(window: Window, schema: Schema, seasons: tuple[int, ...], smoothed: bool = False) -> Features:
    """Compute a batch's features; of the future only what is known in advance is looked at.

    Args:
        window: Windows with NaN where not observed.
        schema: The covariates' columns.
        seasons: Seasonal periods in steps, shortest first, each at most T; (1,) when there is none.
        smoothed: Whether the last value and the continuations of `data.smoothing` follow those of the seasons.
    """
    steps, h = window.history.shape[1], window.future.shape[1]
    past, past_codes = len(schema.numbers("past")), len(schema.categorical("past"))
    own, covariates = 2 + len(seasons), 2 * window.numbers.shape[2]
    compute = forecaster.window_features if native.available() else window_features
    inputs, continued, centre, scale, naive_error, moved = compute(
        window.history,
        np.array(seasons),
        2 * seasons[0],
        own + covariates + window.phases.shape[2],
        h,
        SMOOTHINGS if smoothed else (),
    )
    if covariates:
        inputs[..., own : own + covariates] = flagged(window.numbers[:, :steps])
    inputs[..., own + covariates :] = window.phases[:, :steps]
    return Features(
        inputs,
        window.codes[:, :steps].astype(np.int64),
        known_ahead(window.numbers[..., past:], window.phases, seasons[0], h),
        window.codes[:, steps:, past_codes:].astype(np.int64),
        np.concatenate([np.log(STILL + moved), flagged(window.static_numbers)], 1, dtype=np.float32),
        window.static_codes.astype(np.int64),
        continued,
        centre,
        scale,
        naive_error,
    )


def window_features(
    history: NDArray[np.float64],
    seasons: NDArray[np.int64],
    recent: int,
    width: int,
    h: int,
    smoothings: tuple[Smoothing, ...] = (),
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """The inputs that come from y alone, the first of `width` columns; continuations, centre, scale and naive error;
    with smoothings the mean |z_t - z_(t-1)|, in the window and in its last h steps, (B, 2), else (B, 0).
    """
    history = without_spikes(history)
    centre, scale = window_scale(history, recent)
    z = scaled(history, centre, scale)
    differences = [seasonal_difference(z, season) for season in seasons]
    inputs = np.empty((*z.shape, width), np.float32)
    for column, values in enumerate((zero_missing(z), ~np.isnan(z), *map(zero_missing, differences))):
        inputs[..., column] = values
    count = (~np.isnan(differences[0])).sum(-1, keepdims=True)
    naive_error = np.abs(zero_missing(differences[0])).sum(-1, keepdims=True) / np.maximum(count, 1)
    moved = np.empty((len(z), 0))
    if smoothings:
        steps = np.abs(seasonal_difference(z, 1))
        moved = np.concatenate([masked_mean(part, ~np.isnan(part)) for part in (steps, steps[:, -h:])], 1)
    continued = continuations_of(z, seasons, h, smoothings).astype(np.float32)
    return inputs, continued, centre, scale, np.where(count > 0, naive_error, 1).astype(np.float32), moved


def continuations_of(z: Array, seasons: Iterable[int], h: int, smoothings: tuple[Smoothing, ...]) -> Array:
    """Continuations (B, C, h) of windows (B, T); linear in what is observed of these."""
    parts = [last_observed(z)]
    for season in seasons:
        parts.append(continue_season(z, season, h, parts[-1]))
    if smoothings:
        shortest = int(next(iter(seasons)))
        parts += [np.broadcast_to(parts[0], (len(z), 1, h)), continue_levels(z, shortest, h, smoothings)]
    return np.concatenate(parts[1:], axis=1)


def flagged(numbers: Array) -> NDArray[np.float32]:
    """Numbers (..., C) with 0 for NaN, then a flag for each that says whether it is there, (..., 2C)."""
    if not numbers.shape[-1]:
        return numbers
    return np.concatenate([zero_missing(numbers), ~np.isnan(numbers)], -1, dtype=np.float32)


def zero_missing(values: Array) -> Array:
    """Values with 0 for NaN."""
    return np.where(np.isnan(values), values.dtype.type(0), values)


def known_ahead(numbers: Array, phases: Array, season: int, h: int) -> NDArray[np.float32]:
    """Numbers known in advance, less those of the last known season, and phases, over the horizon, (B, h, 4F + 2C)."""
    steps = numbers.shape[1] - h
    if not numbers.shape[-1]:
        return phases[:, steps:]
    change = numbers[:, steps:] - numbers[:, steps - season + np.arange(h) % season]
    return np.concatenate([flagged(numbers[:, steps:]), flagged(change), phases[:, steps:]], -1, dtype=np.float32)


def seasonal_difference(z: Array, season: int) -> Array:
    """Each value less the one a season before, NaN where either is not observed."""
    difference = np.full_like(z, np.nan)
    np.subtract(z[:, season:], z[:, :-season], out=difference[:, season:])
    return difference


def last_observed(z: Array) -> Array:
    """The last value of each window that is observed, (B, 1, 1); 0, the window's centre, where none is."""
    last = z.shape[1] - 1 - np.isnan(z[:, ::-1]).argmin(1)
    return zero_missing(z[np.arange(len(z)), last])[:, None, None]


def continue_season(z: Array, season: int, h: int, otherwise: Array | float) -> Array:
    """Continue the last season, and the mean of the last three, over the horizon, (B, 2, h).

    A step without any observation at its place in those seasons gets what there is `otherwise`.
    """
    past = z.take(places(z.shape[1], season, h), axis=1)  # (B, R, h), latest season first
    missing: Array = np.isnan(past)
    count = past.shape[1] - missing.sum(1)
    latest = past[np.arange(len(z))[:, None], missing.argmin(1), np.arange(h)]
    mean = np.where(missing, 0, past).sum(1) / np.maximum(count, 1)
    return np.where(count[:, None] > 0, np.stack([latest, mean], axis=1), otherwise)


@lru_cache(maxsize=64)
def places(steps: int, season: int, h: int) -> NDArray[np.int64]:
    """Where the last seasons have each step of the horizon, (R, h), latest season first."""
    lags = season * np.arange(1, min(REPEATS, steps // season) + 1)[:, None]
    return np.asarray(steps - lags + np.arange(h) % season)
