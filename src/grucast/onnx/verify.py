"""Whether an ONNX graph forecasts what the model does, on windows drawn at random and on real ones."""

from typing import Any, NamedTuple

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from grucast.data.calendar import phases
from grucast.data.covariates import Column
from grucast.data.encoding import encode
from grucast.data.frequency import Times
from grucast.data.panel import Panel
from grucast.data.scaling import window_scale
from grucast.data.sparse import settled
from grucast.data.spikes import without_spikes
from grucast.data.windows import Window, make_windows
from grucast.model.models import ForecastModel
from grucast.onnx.graph import columns_of

Array = NDArray[Any]
MOST_WINDOWS = 64  # windows of each kind, fewer where they are long
VALUES = 2**20  # in all windows of a kind
NEAR = 1e-5  # of its size, by which a value may lie on the other side of where a grid rounds it
SPAN = 365 * 60  # from 1980 on, where random windows begin


class Case(NamedTuple):
    """Windows as the model takes them, all that there is of their series, and the time stamps of their steps."""

    window: Window
    times: Times  # (B, T + h)


def difference(model: ForecastModel, content: bytes, cases: list[Case]) -> float:
    """The largest difference between a graph's forecasts and the model's, in proportion to the model's.

        |graph - model| / (scale + |model - centre|),   centre and scale of the window

    A forecast near 0 thus counts by the size of its window, and a small movement on a large level by the movement.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return max(case_difference(model, session, case) for case in cases)


def case_difference(model: ForecastModel, session: Any, case: Case) -> float:
    """That of one case; infinite where only one of them is finite."""
    quantiles, point = session.run(["quantiles", "point"], feed(model, case))
    got, history = np.concatenate([quantiles, point[..., None]], axis=2), case.window.history
    wanted, middle = model.unsettled(case.window, model.level), len(model.level)
    wanted = np.concatenate([wanted, wanted[..., middle : middle + 1]], axis=2)
    centre, scale = window_scale(without_spikes(history), 2 * model.seasons[0])
    size = scale[..., None] + np.abs(wanted - centre[..., None])
    low, high = (settled(wanted + sign * NEAR * size, history) for sign in (-1, 1))
    jumps = (high - low > 4 * NEAR * size) & (low <= got) & (got <= high)  # from one value of a grid to the next
    apart = np.where(jumps, 0, np.abs(got - settled(wanted, history)))
    share = np.divide(apart, size, out=np.where(apart == 0, 0, np.inf), where=size > 0)
    return float(np.nan_to_num(share, nan=np.inf).max())


def feed(model: ForecastModel, case: Case) -> dict[str, Array]:
    """The graph's inputs: a window's values and covariates in their own units."""
    window, known = case.window, columns_of(model.schema)
    arrays = (window.numbers, window.codes, window.static_numbers, window.static_codes)
    found: dict[str, Array] = {"y": window.history, "observed": ~np.isnan(window.history)}
    if model.schema.cycles:
        found["time"] = case.times.astype(np.int64)
    for (name, columns), values in zip(known.items(), arrays, strict=True):
        if columns:
            is_number = columns[0].categories is None
            found[name] = unscaled(values, columns) if is_number else values.astype(np.int64)
    return found


def unscaled(numbers: Array, columns: tuple[Column, ...]) -> Array:
    """Deviations from the training data's mean as the numbers that they come from."""
    scale, centre = np.array([c.scale for c in columns]), np.array([c.centre for c in columns])
    return np.asarray(numbers.astype(np.float64) * scale + centre)


def panel_case(model: ForecastModel, panel: Panel) -> Case:
    """Windows of a panel, spread over all of it."""
    windows = make_windows(panel, encode(panel, model.schema), model.input_size, model.h)
    chosen = np.unique(np.linspace(0, len(windows) - 1, rows(model)).astype(np.int64))
    series = windows.series[chosen]
    first = windows.ends[chosen] - panel.offsets[series]
    times = panel.frequency.times(panel.starts[series][:, None], first[:, None] + steps(model))
    window = windows.take(chosen)
    return Case(window._replace(nonnegative=never_below(window.history)), times)


def random_case(model: ForecastModel, rng: np.random.Generator) -> Case:
    """Windows of 12 orders of magnitude: noise, seasons, trends, constants, zeros, counts, spikes, gaps, none else."""
    batch, whole, known = rows(model), model.input_size + model.h, columns_of(model.schema)

    def numbers(*shape: int) -> Array:
        drawn = rng.normal(size=shape).astype(np.float32)
        return np.where(rng.random(shape) < 0.1, np.float32("nan"), drawn)

    def codes(shape: tuple[int, ...], name: str) -> Array:
        sizes = [len(column.categories or ()) + 1 for column in known[name]]
        return rng.integers(0, sizes, (*shape, len(sizes))).astype(np.int32)

    frequency, cycles = model.frequency, model.schema.cycles
    starts = (np.datetime64("1980-01-01") + rng.integers(0, SPAN, batch)).astype("datetime64[us]")
    positions = np.broadcast_to(model.input_size + steps(model), (batch, whole))
    history = random_histories(batch, model.input_size, model.seasons[0], rng)
    window = Window(
        history,
        np.full((batch, model.h), np.nan),
        numbers(batch, whole, len(known["numbers"])),
        codes((batch, whole), "categories"),
        numbers(batch, len(known["static_numbers"])),
        codes((batch,), "static_categories"),
        phases(frequency, starts, cycles, positions),
        never_below(history),
    )
    return Case(window, frequency.times(starts[:, None], positions) if cycles else positions)


def never_below(history: Array) -> NDArray[np.bool_]:
    """Which histories (B, T) have no negative value."""
    return np.asarray(~(history < 0).any(axis=1))


def random_histories(batch: int, size: int, season: int, rng: np.random.Generator) -> Array:
    """Histories (batch, size) with NaN for gaps."""
    k = np.arange(size)
    parts = [rng.normal(size=(batch, size)), 3 * np.sin(2 * np.pi * k / max(season, 2)), 5 * k / size, 10]
    present = rng.integers(0, 2, (len(parts), batch, 1))
    y = sum(there * part for there, part in zip(present, parts, strict=True))
    y = np.where(rng.random((batch, 1)) < 0.2, rng.poisson(0.4, (batch, size)), y) * 10 ** rng.uniform(
        -6, 6, (batch, 1)
    )
    y[rng.random((batch, size)) < rng.choice([0, 0.01], (batch, 1))] *= 1000
    gaps = rng.random((batch, size)) < rng.choice([0, 0.2, 0.9], (batch, 1))
    gaps[0], gaps[-1, -2 * season :] = True, True
    return np.where(gaps, np.nan, y)


def steps(model: ForecastModel) -> NDArray[np.int64]:
    """Steps of a window, counted from the end of its history."""
    return np.arange(-model.input_size, model.h)


def rows(model: ForecastModel) -> int:
    """Windows of each kind."""
    return int(np.clip(VALUES // (model.input_size + model.h), 2, MOST_WINDOWS))
