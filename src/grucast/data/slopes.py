"""Derivatives of what data.features computes: how numbers of a network change with the window it reads."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import Schema
from grucast.data.features import MOVES, STILL, continuations_of, seasonal_difference
from grucast.data.scaling import all_equal, scaled, window_scale
from grucast.data.smoothing import SMOOTHINGS
from grucast.data.spikes import without_spikes
from grucast.data.windows import Window

Array = NDArray[Any]
CELLS = 2**22  # numbers of the windows that are continued at once


class Slopes(NamedTuple):
    """Derivatives of h numbers on the scale of one window with respect to its features, a row for each number."""

    inputs: Array  # (h, T, C)
    continuations: Array  # (h, C, h)
    static: Array  # (h, ...)
    ahead: Array  # (h, h, A)


def by_values(
    slopes: Slopes, found: Array, history: Array, seasons: tuple[int, ...], smoothed: bool
) -> NDArray[np.float64]:
    """How h numbers in the unit of y change with each value of a window, in units of y per unit of y.

        y_k = c + s f_k(z),   z = (y - c) / s,   G = df / dz
        dy_k / dy_t = G_kt + (1 - sum of G_k) dc / dy_t + (f_k - sum of G_k z) ds / dy_t

    Args:
        slopes: Derivatives of f by the features of the window.
        found: f, (h,).
        history: The window, (T,).
        seasons: Seasonal periods, as in `make_features`.
        smoothed: As there.

    Returns:
        Derivatives (h, T); NaN where nothing is observed, spikes included, and wherever two values or more are all
        equal: there is no derivative where the scale is chosen otherwise for any window beside it.
    """
    history = without_spikes(history[None])
    centre, scale = window_scale(history, 2 * seasons[0])
    z = scaled(history, centre, scale)[0]
    own, seen = by_scaled_values(slopes, z, seasons, smoothed), ~np.isnan(z)
    d_centre, d_scale = scale_slopes(history[0], 2 * seasons[0])
    shift = 1 - own.sum(1, keepdims=True)
    stretch = found[:, None] - own[:, seen] @ z[seen, None]
    return np.where(seen, own + shift * d_centre + stretch * d_scale, np.nan)


def scale_slopes(history: Array, recent: int) -> tuple[Array, Array]:
    """How centre and scale of a window change with each of its values, (T,) each; NaN where they jump.

    >>> import numpy as np
    >>> scale_slopes(np.array([1.0, 3.0, 8.0]), recent=2)
    (array([0. , 0.5, 0.5]), array([-0.33333333, -0.16666667,  0.5       ]))
    """
    seen = ~np.isnan(history)
    (highest,), (equal,) = all_equal(history, seen)
    if equal:  # one value alone is centre and scale itself
        step = 1.0 if seen.sum() == 1 and highest else np.nan
        return np.where(seen, step, 0), np.where(seen, step * np.sign(highest), 0)
    late = seen & (np.arange(len(history)) >= len(history) - recent)
    late = late if late.any() else seen
    d_centre = late / late.sum()
    side = np.where(seen, np.sign(history - d_centre[seen] @ history[seen]), 0)
    return d_centre, (side - side.sum() * d_centre) / seen.sum()


def by_scaled_values(slopes: Slopes, z: Array, seasons: tuple[int, ...], smoothed: bool) -> NDArray[np.float64]:
    """Derivatives (h, T) by the values of a window on its own scale (T,), 0 where nothing is observed."""
    seen = ~np.isnan(z)
    found = np.where(seen, slopes.inputs[..., 0], 0).astype(np.float64)
    for place, season in enumerate(seasons, 2):
        change = np.where(seen[season:] & seen[:-season], slopes.inputs[:, season:, place], 0)
        found[:, season:] += change
        found[:, :-season] -= change
    found += by_continued(slopes.continuations, z, seasons, smoothed)
    for place in range(MOVES if smoothed else 0):
        last = (len(z), slopes.continuations.shape[2])[place]
        found += slopes.static[:, place, None] * move_slopes(z, last)
    return found


def by_continued(slopes: Array, z: Array, seasons: tuple[int, ...], smoothed: bool) -> Array:
    """The part of the continuations: these are linear, so windows of a single 1 have their derivatives."""
    seen, (_, numbers, h) = ~np.isnan(z), slopes.shape
    found, places, size = np.zeros((len(slopes), len(z))), np.flatnonzero(seen), max(CELLS // len(z), 1)
    for start in range(0, len(places), size):
        chosen = places[start : start + size]
        ones = np.where(seen[None], np.arange(len(z)) == chosen[:, None], np.nan)
        continued = continuations_of(ones, seasons, h, SMOOTHINGS if smoothed else ())
        found[:, chosen] = slopes.reshape(len(slopes), -1) @ continued.reshape(len(chosen), numbers * h).T
    return found


def move_slopes(z: Array, last: int) -> Array:
    """Derivatives (T,) of log(STILL + the mean |z_t - z_(t-1)| of the last steps)."""
    steps = seasonal_difference(z[None], 1)[0, -last:]
    there = ~np.isnan(steps)
    mean = np.abs(steps[there]).sum() / max(there.sum(), 1)
    own = np.zeros(len(z))
    own[-last:][there] = np.sign(steps[there]) / (max(there.sum(), 1) * (STILL + mean))
    return np.asarray(own - np.append(own[1:], 0))


def by_numbers(
    slopes: Slopes, window: Window, schema: Schema, seasons: tuple[int, ...], smoothed: bool
) -> dict[str, Array]:
    """How h numbers on the scale of one window change with each covariate that is a number, by its name.

    Returns:
        Derivatives per unit of the covariate: (h, T + h) of one that changes with time, at the steps of window and
        horizon, (h,) of a static one; NaN where the network sees no value.
    """
    steps, h, past = window.history.shape[1], len(slopes.inputs), len(schema.numbers("past"))
    columns, static = schema.numbers("past", "future"), schema.numbers("static")
    own, known = 2 + len(seasons), len(columns) - past
    found = np.zeros((h, steps + h, len(columns)))
    found[:, :steps] = slopes.inputs[..., own : own + len(columns)]
    if known:
        before = steps - seasons[0] + np.arange(h) % seasons[0]
        change = np.isnan(window.numbers[0, steps:, past:] - window.numbers[0, before, past:])
        change_slopes = np.where(change, 0, slopes.ahead[..., 2 * known : 3 * known])
        found[:, steps:, past:] = slopes.ahead[..., :known] + change_slopes
        for step, place in enumerate(before):
            found[:, place, past:] -= change_slopes[:, step]
    found[:, steps:, :past] = np.nan
    found[:, np.isnan(window.numbers[0])] = np.nan
    fixed = np.where(np.isnan(window.static_numbers), np.nan, slopes.static[:, MOVES * smoothed :][:, : len(static)])
    parts = {column.name: found[..., place] / column.scale for place, column in enumerate(columns)}
    return parts | {column.name: fixed[:, place] / column.scale for place, column in enumerate(static)}
