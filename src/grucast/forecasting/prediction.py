"""From the ends of series to their forecasts: windows, series without a value there, sample paths."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.ahead import fill_future, read_future, require_future
from grucast.data.encoding import encode
from grucast.data.panel import Panel
from grucast.data.sparse import settled
from grucast.data.windows import Windows, last_windows
from grucast.data.wording import count
from grucast.errors import ConfigError, DataError, DataWarning, HorizonWarning
from grucast.forecasting.arguments import positive
from grucast.forecasting.frames import FrameKind, forecast_columns
from grucast.model.config import TrainingConfig
from grucast.model.dependence import draw_scores
from grucast.model.models import ForecastModel
from grucast.model.values import Values

Array = NDArray[Any]
MOST_HORIZONS, MOST_SAMPLES = 100, 10_000


def windows_ahead(model: ForecastModel, panel: Panel, future: Any, steps: int) -> Windows:
    """Each series' last window, with what is known of the steps to come, in a panel that has whole horizons of them."""
    schema = model.schema
    names = schema.covariates.future
    require_future(names, future)  # before what takes time with many series
    rows = read_future(future, model.reading, schema.texts) if names else None
    extended = panel.extend(steps)
    if names:
        extended = fill_future(extended, steps, rows, names, schema.known)
    rest = -steps % model.h
    extended = extended.extend(rest) if rest else extended
    return last_windows(extended, encode(extended, schema), model.input_size, model.h, drop=steps + rest)


def forecast_frame(
    model: ForecastModel,
    data: tuple[Panel, FrameKind],
    future: Any,
    steps: int,
    level: tuple[float, ...],
    samples: int,
) -> Any:
    """The forecast of each series as a frame; NaN of those without a value in their last window."""
    panel, kind = data
    windows = windows_ahead(model, panel, future, steps)
    silent = silent_series(panel, model)
    quantiles, paths = forecast_ahead(model, windows, steps, level, samples)
    quantiles[silent], paths[silent] = np.nan, np.nan
    warn_of_silent(panel, silent, model)
    columns = forecast_columns(quantiles, level) | sample_columns(paths)
    times = panel.times(np.arange(1, steps + 1))
    ids = [name for name in panel.ids for _ in range(steps)]
    return kind.make(ids, {"ds": times.ravel()}, columns)


def forecast_ahead(
    model: ForecastModel, windows: Windows, steps: int, level: tuple[float, ...], samples: int
) -> tuple[Array, Array]:
    """Quantiles (B, steps, Q) and sample paths (B, steps, S) after windows, in the unit of y."""
    chain = chained(model, windows, steps) if samples or steps > model.h else np.empty(0)
    if steps > model.h:
        quantiles = possible(at_levels(model, chain, level), model, windows)
    else:
        quantiles = model.forecast(windows, level)[:, :steps]
    if not samples:
        return quantiles, np.empty((*quantiles.shape[:2], 0))
    seed, dependence = (model.training or TrainingConfig()).seed, model.dependence or ()
    own = np.stack([draw_scores(name, seed, (steps, samples), dependence, model.h) for name in windows.panel.ids])
    return quantiles, possible(model.output.drawn(chain, carried_on(own, chain, model.h)), model, windows)


def possible(y: Array, model: ForecastModel, windows: Windows) -> Array:
    """Forecasts (B, steps, Q) as values that their series can have: none below 0 where none was, counts as counts."""
    y = np.maximum(y, np.where(windows.nonnegative, 0, -np.inf)[:, None, None])
    parts = [settled(y[rows], windows.take(rows).history) for rows in model.chunks(np.arange(len(windows)))]
    return np.concatenate(parts)


def sample_columns(paths: Array) -> dict[str, Array]:
    """Paths (B, steps, S) as the flat columns GRU-sample-1, ..."""
    return {f"GRU-sample-{place + 1}": paths[..., place].ravel() for place in range(paths.shape[-1])}


def chained(model: ForecastModel, windows: Windows, steps: int) -> Array:
    """Quantiles (B, steps, Q) at the trained levels, negative ones too; after each horizon from the medians so far."""
    panel, h = windows.panel, model.h
    values, middle = panel.values.copy(), len(model.level)
    found: list[Array] = []
    for first in range(0, steps, h):
        places = windows.ends[:, None] + first + np.arange(h)
        now = replace(windows, panel=replace(panel, values=values), ends=windows.ends + first)
        own = model.forecast_unbounded(now)
        found.append(widened(own, found[-1]) if found else own)
        values[places] = possible(own[..., middle, None], model, now)[..., 0]
    return np.concatenate(found, axis=1)[:, :steps]


def widened(own: Array, before: Array) -> Array:
    """Quantiles (B, h, Q) of a horizon whose past is the median of the one before, with the error of that.

        d_k = sqrt(own_k^2 + max(before_k, before_h)^2),   distances from the median

    That is what the errors of a random walk add up to, and more where series return to a level; never less than before.
    """
    middle = own.shape[-1] // 2
    ours, theirs = (np.abs(part - part[..., middle, None]) for part in (own, before))
    carried = np.maximum(theirs, theirs[:, -1:])
    side = np.sign(np.arange(own.shape[-1]) - middle)
    return np.asarray(own[..., middle, None] + side * np.hypot(ours, carried))


def carried_on(own: Array, quantiles: Array, h: int) -> Array:
    """Scores (B, steps, S) of whole errors, from those of each horizon's own and the quantiles (B, steps, Q) of both.

    score_k = a own_k + sqrt(1 - a^2) before,   before: the score of that error which `widened` carries on
    """
    scores, width = own.copy(), quantiles[..., -1:] - quantiles[..., :1]
    for first in range(h, own.shape[1], h):
        count = min(h, own.shape[1] - first)
        past, now = slice(first - h, first - h + count), slice(first, first + count)
        last = slice(first - 1, first)
        from_last = width[:, last] > width[:, past]
        carried = np.where(from_last, width[:, last], width[:, past])
        share = np.divide(carried, width[:, now], out=np.zeros_like(carried), where=width[:, now] > 0).clip(0, 1)
        before = np.where(from_last, scores[:, last], scores[:, past])
        scores[:, now] = np.sqrt(1 - share**2) * own[:, now] + share * before
    return scores


def at_levels(model: ForecastModel, quantiles: Array, level: tuple[float, ...]) -> Array:
    """Quantiles at the trained levels as those of others."""
    if level == model.level:
        return quantiles
    return model.output.at(Values({}, model.network), quantiles, (1.0,) * len(model.level), level)


def valid_samples(model: ForecastModel, samples: Any) -> int:
    """A number of paths that a model can draw.

    Raises:
        ConfigError: It is none or too large, or the model does not know how its steps depend on each other.
    """
    number = positive("samples", samples)
    if number > MOST_SAMPLES:
        raise ConfigError(f"samples={number} asks for a column each: give {MOST_SAMPLES:,} at the most")
    if model.dependence is None:
        raise ConfigError(
            "this model does not know how the errors of its steps depend on each other, so it cannot draw samples: "
            "train it anew, with levels, and on series long enough to hold a horizon out (val_size)"
        )
    return number


def valid_steps(model: ForecastModel, h: Any) -> int:
    """How many steps to forecast: the horizon of the model when None; more come with a warning.

    Raises:
        ConfigError: It is no such number, or so large that nothing is known of the last ones.
    """
    steps = model.h if h is None else positive("h", h)
    if steps > MOST_HORIZONS * model.h:
        raise ConfigError(
            f"h={steps} is more than {MOST_HORIZONS} times the {model.h} steps that this model was trained for: train "
            "with a larger h"
        )
    if steps > model.h:
        warnings.warn(
            f"h={steps} goes beyond the {model.h} steps that this model was trained for, on from its own medians, so "
            f"errors add up: train with h={steps} for better forecasts",
            HorizonWarning,
            stacklevel=4,
        )
    return steps


def silent_series(panel: Panel, model: ForecastModel) -> Array:
    """Which series have no value in the window that the model reads, (S,).

    Raises:
        DataError: None has.
    """
    silent = panel.silent(model.input_size)
    if silent.all():
        raise DataError(
            f"series {panel.ids[0]!r} has no value in its last {model.input_size} steps of {model.frequency.name}, the "
            f"window this model reads ({count(len(silent), 'such series')} in all)"
        )
    return silent


def warn_of_silent(panel: Panel, silent: Array, model: ForecastModel) -> None:
    """Say which series get no forecast."""
    if silent.any():
        first = panel.ids[int(silent.argmax())]
        warnings.warn(
            f"{int(silent.sum())} of {len(silent)} series have no value in their last {model.input_size} steps, such "
            f"as {first!r}: their forecasts are NaN",
            DataWarning,
            stacklevel=5,
        )
