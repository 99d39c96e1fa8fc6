"""What the network sees of a window, as operations: data/scaling.py, features.py and calendar.py in ONNX."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.calendar import CYCLES, MONDAY, Cycle
from grucast.data.covariates import Column
from grucast.data.encoding import MOST_DEVIATIONS
from grucast.data.features import STILL, places
from grucast.data.scaling import CERTAIN, ROUNDING
from grucast.data.sparse import TINIEST, WHOLE
from grucast.data.spikes import FAR, FEW, SHARE
from grucast.onnx.builder import LAST, Builder

Array = NDArray[Any]
ZERO, ONE = np.float64(0), np.float64(1)


class Scaled(NamedTuple):
    """A window on its own scale, in double precision."""

    z: str  # (B, T), 0 where not observed
    observed: str  # (B, T)
    centre: str  # (B, 1)
    scale: str  # (B, 1)


def scaled_window(g: Builder, y: str, observed: str, recent: int) -> Scaled:
    """Bring windows to their own scale; what is NaN is not observed, whatever the mask says."""
    observed = without_spikes(g, y, present(g, y, observed))
    centre, scale = window_scale(g, y, observed, recent)
    divisor = g.op("Where", g.op("Equal", scale, ZERO), np.float64(np.inf), scale)
    z = g.op("Div", g.op("Sub", y, centre), divisor)
    return Scaled(g.op("Where", observed, z, ZERO), observed, centre, scale)


def present(g: Builder, y: str, observed: str) -> str:
    """What is observed and not NaN, (B, T)."""
    return g.op("And", observed, g.op("Not", g.op("IsNaN", y)))


def without_spikes(g: Builder, y: str, observed: str) -> str:
    """What is observed but the spikes, (B, T); data/spikes.py has the equations."""
    number = count(g, observed)
    middle = g.cast(g.op("Floor", g.op("Div", g.op("Max", g.op("Sub", number, ONE), ZERO), np.float64(2))), np.int64)
    median = place_of(g, y, observed, middle)
    distance = g.op("Abs", g.op("Sub", y, median))
    usual = g.op("Add", g.op("Abs", median), place_of(g, distance, observed, middle))
    far = g.op("And", observed, g.op("Greater", distance, g.op("Mul", usual, np.float64(FAR))))
    most = g.op("Max", g.op("Floor", g.op("Div", number, np.float64(SHARE))), ONE)
    told = g.op("And", g.op("LessOrEqual", count(g, far), most), g.op("Greater", usual, ZERO))
    told = g.op("And", told, g.op("GreaterOrEqual", number, np.float64(FEW)))
    return g.op("And", observed, g.op("Not", g.op("And", far, told)))


def place_of(g: Builder, values: str, observed: str, place: str) -> str:
    """The observed value at a place in ascending order, (B, 1); 0 where there is none."""
    ordered = g.ascending(g.op("Where", observed, values, np.float64(np.inf)))
    found = g.op("GatherElements", ordered, place, axis=1)
    return g.op("Where", g.op("IsInf", found), ZERO, found)


def window_scale(g: Builder, y: str, observed: str, recent: int) -> tuple[str, str]:
    """Centre and scale of each window, (B, 1)."""
    far = np.iinfo(np.int64).max
    late = g.cut(observed, 1, -recent, far)
    silent = g.op("Equal", count(g, late), ZERO)
    centre = g.op("Where", silent, masked_mean(g, y, observed), masked_mean(g, g.cut(y, 1, -recent, far), late))
    lowest = extreme(g, "ReduceMin", y, observed, np.inf)
    highest = extreme(g, "ReduceMax", y, observed, -np.inf)
    number, rounding = count(g, observed), g.op("Mul", g.op("Abs", highest), np.float64(ROUNDING))
    equal = g.op("LessOrEqual", g.op("Sub", highest, lowest), rounding)
    centre = g.op("Where", g.op("And", equal, g.op("Greater", number, ZERO)), highest, centre)
    deviation = masked_mean(g, g.op("Abs", g.op("Sub", y, centre)), observed)
    return centre, g.op("Where", equal, equal_scale(g, centre, number), deviation)


def extreme(g: Builder, reduce: str, y: str, observed: str, otherwise: float) -> str:
    """The lowest or highest value that is observed, (B, 1)."""
    return g.op(reduce, g.op("Where", observed, y, np.float64(otherwise)), axes=[1])


def equal_scale(g: Builder, value: str, number: str) -> str:
    """The scale of windows of equal values."""
    size = g.op("Where", g.op("Equal", value, ZERO), ONE, g.op("Abs", value))
    halved = g.op("Div", size, g.op("Pow", np.float64(2), g.op("Sub", g.op("Max", number, ONE), ONE)))
    return g.op("Where", g.op("Less", number, np.float64(CERTAIN)), halved, ZERO)


def masked_mean(g: Builder, values: str, observed: str) -> str:
    """Mean over the last axis of what is observed; 0 where nothing is."""
    total = g.sum(g.op("Where", observed, values, ZERO), -1)
    return g.op("Div", total, g.op("Max", count(g, observed), ONE))


def count(g: Builder, observed: str, axis: int = -1) -> str:
    """How many are observed."""
    return g.sum(g.cast(observed, np.float64), axis)


def seasonal_difference(g: Builder, window: Scaled, steps: int, season: int) -> tuple[str, str]:
    """Each value less the one a season before, 0 where either is not observed; and where both are."""
    before = np.maximum(np.arange(steps) - season, 0)
    both = g.op("And", window.observed, g.op("Gather", window.observed, before, axis=1))
    both = g.op("And", both, (np.arange(steps) >= season)[None])
    return g.op("Where", both, g.op("Sub", window.z, g.op("Gather", window.z, before, axis=1)), ZERO), both


def moved(g: Builder, window: Scaled, steps: int, h: int) -> list[str]:
    """How much a window moved from step to step, in all and in its last h steps, (B, 1) each."""
    difference, both = seasonal_difference(g, window, steps, 1)
    whole = g.op("Abs", difference), both
    late = [g.cut(part, 1, -h, np.iinfo(np.int64).max) for part in whole]
    means = (masked_mean(g, values, seen) for values, seen in (whole, late))
    return [g.cast(g.op("Log", g.op("Add", mean, np.float64(STILL))), np.float32) for mean in means]


def continue_seasons(g: Builder, window: Scaled, steps: int, seasons: tuple[int, ...], h: int) -> list[str]:
    """The continuations of all seasons, (B, 1, h) each."""
    continued = [last_observed(g, window, steps)] * 2
    for season in seasons:
        continued += continue_season(g, window, places(steps, season, h), continued[-2:])
    return continued[2:]


def last_observed(g: Builder, window: Scaled, steps: int) -> str:
    """The last value that is observed, 0 where none is, (B, 1, 1)."""
    step = g.op("Where", window.observed, np.arange(1, steps + 1)[None], np.int64(0))
    is_last = g.op("Equal", step, g.op("ReduceMax", step, axes=[1]))
    value = g.sum(g.op("Where", g.op("And", is_last, window.observed), window.z, ZERO), -1)
    return g.op("Unsqueeze", value, LAST)


def continue_season(g: Builder, window: Scaled, where: Array, otherwise: list[str]) -> list[str]:
    """The last season, and the mean of the last three, over the horizon, (B, 1, h) each."""
    past = g.op("Gather", window.z, where, axis=1)  # (B, R, h), latest season first, 0 where not observed
    seen = g.op("Gather", window.observed, where, axis=1)
    latest = otherwise[0]
    for season_ago in reversed(range(len(where))):
        here = (season_ago, season_ago + 1)
        latest = g.op("Where", g.cut(seen, 1, *here), g.cut(past, 1, *here), latest)
    number = count(g, seen, 1)
    mean = g.op("Div", g.sum(past, 1), g.op("Max", number, ONE))
    return [latest, g.op("Where", g.op("Greater", number, ZERO), mean, otherwise[1])]


def settled(g: Builder, forecast: str, y: str, observed: str) -> str:
    """Forecasts (B, h, Q) of windows that are mostly zero, on their grid; data/sparse.py has the equations."""
    sizes = g.op("Where", observed, g.op("Abs", y), ZERO)
    positive = g.op("Greater", sizes, ZERO)
    unit = extreme(g, "ReduceMin", sizes, positive, np.inf)
    zeros = g.op("Sub", count(g, observed), count(g, positive))
    sparse = g.op("GreaterOrEqual", zeros, count(g, positive))
    for compare, bound in (("Less", np.inf), ("Greater", TINIEST)):
        sparse = g.op("And", sparse, g.op(compare, unit, np.float64(bound)))
    unit = g.op("Where", sparse, unit, ONE)
    times = g.op("Div", sizes, unit)
    off = g.op("ReduceMax", g.op("Abs", g.op("Sub", times, g.op("Round", times))), axes=[1])
    sparse, unit, off = (g.op("Unsqueeze", part, LAST) for part in (sparse, unit, off))
    rounded = g.op("Mul", g.op("Round", g.op("Div", forecast, unit)), unit)
    near = g.op("Less", g.op("Abs", forecast), g.op("Mul", unit, np.float64(0.5)))
    own = g.op("Where", near, ZERO, forecast)
    return g.op("Where", sparse, g.op("Where", g.op("LessOrEqual", off, np.float64(WHOLE)), rounded, own), forecast)


def scaled_numbers(g: Builder, numbers: str, columns: tuple[Column, ...]) -> str:
    """Numbers (..., C) in deviations from the training data's mean, at most MOST_DEVIATIONS, NaN where missing."""
    centre = np.array([column.centre for column in columns])
    scale = np.array([column.scale for column in columns])
    distance = g.op("Sub", numbers, centre)
    bounded = g.op("Max", g.op("Min", distance, MOST_DEVIATIONS * scale), -MOST_DEVIATIONS * scale)
    kept = g.op(
        "Where", g.op("IsNaN", distance), distance, bounded
    )  # runtimes disagree on the smaller of NaN and a number
    return g.cast(g.op("Div", kept, scale), np.float32)


def flagged(g: Builder, numbers: str) -> list[str]:
    """Numbers with 0 for NaN, and a flag for each that says whether it is there."""
    missing = g.op("IsNaN", numbers)
    flags = g.cast(g.op("Not", missing), np.float32)
    return [g.op("Where", missing, np.float32(0), numbers), flags]


def known_ahead(g: Builder, numbers: str, steps: int, season: int, h: int) -> list[str]:
    """Numbers known in advance and their change from the last known season, over the horizon, with flags."""
    coming = g.cut(numbers, 1, steps, steps + h)
    before = g.op("Gather", numbers, steps - season + np.arange(h) % season, axis=1)
    return [*flagged(g, coming), *flagged(g, g.op("Sub", coming, before))]


def phases(g: Builder, time: str, cycles: tuple[Cycle, ...]) -> list[str]:
    """Sine and cosine of where in each cycle microseconds since 1970 lie, (B, T + h, 1) each."""
    since = g.op("Unsqueeze", g.cast(g.op("Sub", time, MONDAY.astype(np.int64)), np.float64), LAST)
    found = []
    for cycle in cycles:
        turns = g.op("Div", since, np.float64(CYCLES[cycle]))
        part = g.cast(g.op("Sub", turns, g.op("Floor", turns)), np.float32)
        angle = g.op("Mul", part, np.float32(2 * np.pi))
        found += [g.op("Sin", angle), g.op("Cos", angle)]
    return found
