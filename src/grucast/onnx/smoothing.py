"""Continuations at a smoothed level, as operations: data/smoothing.py in ONNX."""

from typing import NamedTuple

import numpy as np

from grucast.data.smoothing import SMOOTHINGS, Smoothing
from grucast.onnx.builder import Builder
from grucast.onnx.window import ONE, ZERO, Scaled


class DecomposedWindow(NamedTuple):
    """The decomposition of data.smoothing; what has no axis of its own there has one of length 1."""

    known: str  # (B, r, s)
    seen: str  # (B, r, s)
    there: str  # (B, 1, s): whether the place was ever observed
    mean: str  # (B, 1, s)
    when: str  # (B, 1, s)
    slope: str  # (B, 1, 1)


def continue_levels(g: Builder, window: Scaled, steps: int, season: int, h: int) -> list[str]:
    """The continuations of each way, (B, 1, h) each."""
    seasonal = continue_with(g, window, steps, season, h)
    if season == 1:
        return seasonal
    ages = g.op("Where", window.observed, np.arange(float(steps), 0, -1)[None], ZERO)
    young = g.op("Less", g.op("ReduceMax", ages, axes=[1]), np.float64(season))
    young = g.op("Unsqueeze", young, np.array([2]))
    plain = continue_with(g, window, steps, 1, h)
    return [g.op("Where", young, level, with_season) for level, with_season in zip(plain, seasonal, strict=True)]


def continue_with(g: Builder, window: Scaled, steps: int, season: int, h: int) -> list[str]:
    """The continuations of each way with that season."""
    rows = -(-steps // season)
    time = np.arange(1.0 - rows * season, 1).reshape(1, rows, season)
    parts = decompose(g, window, steps, time)
    return [go_on(g, parts, time, smoothing, h) for smoothing in SMOOTHINGS]


def decompose(g: Builder, window: Scaled, steps: int, time: np.ndarray) -> DecomposedWindow:
    """Effects and slope of a window."""
    known, seen = (
        g.op("Reshape", g.op("Pad", value, np.array([0, time.size - steps, 0, 0])), np.array([0, *time.shape[1:]]))
        for value in (window.z, g.cast(window.observed, np.float64))
    )
    number = g.sum(seen, 1)
    count = g.op("Max", number, ONE)
    mean, when = (g.op("Div", g.sum(sums, 1), count) for sums in (known, g.op("Mul", seen, time)))
    away = g.op("Mul", seen, g.op("Sub", time, when))
    rise, spread = (g.sum(g.sum(g.op("Mul", away, other), 1), 2) for other in (g.op("Sub", known, mean), away))
    slope = g.op("Div", rise, g.op("Where", g.op("Greater", spread, ZERO), spread, ONE))
    return DecomposedWindow(known, seen, g.op("Greater", number, ZERO), mean, when, slope)


def go_on(g: Builder, parts: DecomposedWindow, time: np.ndarray, smoothing: Smoothing, h: int) -> str:
    """The continuation (B, 1, h) in one way."""
    known, seen, there, mean, when, slope = parts
    if not smoothing.trend:
        slope = g.op("Mul", slope, ZERO)
    effect = g.op("Sub", mean, g.op("Mul", slope, when))
    places = g.op("Max", g.sum(g.cast(there, np.float64), 2), ONE)
    usual = g.op("Div", g.sum(g.op("Where", there, effect, ZERO), 2), places)
    effect = g.op("Where", there, effect, usual)
    rest = g.op("Sub", g.op("Sub", known, effect), g.op("Mul", slope, time))
    decay = (1 - smoothing.weight) ** -time
    weights = g.op("Mul", seen, decay)
    heavy, sums = (g.sum(g.sum(value, 1), 2) for value in (weights, g.op("Mul", weights, rest)))
    level = g.op("Div", sums, g.op("Where", g.op("Greater", heavy, ZERO), heavy, ONE))
    ahead = np.arange(h)
    season = g.op("Gather", effect, ahead % time.shape[2], axis=2)
    drift = g.op("Mul", slope, smoothing.trend * (ahead + 1.0).reshape(1, 1, h))
    return g.op("Add", g.op("Add", season, level), drift)
