"""From the ends of series to their forecasts: windows, series without a value there, sample paths."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.ahead import fill_future, read_future, require_future
from grucast.data.encoding import encode
from grucast.data.panel import Panel
from grucast.data.windows import Windows, last_windows
from grucast.data.wording import count
from grucast.errors import ConfigError, DataError, DataWarning
from grucast.forecasting.arguments import positive
from grucast.model.config import TrainingConfig
from grucast.model.dependence import draw_scores
from grucast.model.models import ForecastModel

Array = NDArray[Any]


def windows_ahead(model: ForecastModel, panel: Panel, future: Any) -> Windows:
    """Each series' last window, with what is known of the horizon."""
    schema, h = model.schema, model.h
    names = schema.covariates.future
    require_future(names, future)  # before what takes time with many series
    rows = read_future(future, model.reading, schema.texts) if names else None
    extended = panel.extend(h)
    if names:
        extended = fill_future(extended, h, rows, names, schema.known)
    return last_windows(extended, encode(extended, schema), model.input_size, h, drop=h)


def valid_samples(model: ForecastModel, samples: Any) -> int:
    """A number of paths that a model can draw.

    Raises:
        ConfigError: It is none, or the model does not know how its steps depend on each other.
    """
    number = positive("samples", samples)
    if model.dependence is None:
        raise ConfigError(
            "this model does not know how the errors of its steps depend on each other, so it cannot draw samples: "
            "train it anew, with levels, and on series long enough to hold a horizon out (val_size)"
        )
    return number


def sample_columns(model: ForecastModel, windows: Windows, silent: Array, samples: int) -> dict[str, Array]:
    """Paths of each series as the flat columns GRU-sample-1, ...; each depends on its own series alone."""
    seed = (model.training or TrainingConfig()).seed
    shape, dependence = (model.h, samples), model.dependence or ()
    scores = np.stack([draw_scores(name, seed, shape, dependence) for name in windows.panel.ids])  # (B, h, S)
    paths = model.sample(windows, scores)
    paths[silent] = np.nan
    return {f"GRU-sample-{place}": paths[..., place - 1].ravel() for place in range(1, samples + 1)}


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
            stacklevel=4,
        )
