"""Figures of what a forecast is made of: gates over time, how long units remember, what the forecast responds to."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grucast.errors import ConfigError
from grucast.plotting.canvas import (
    BLUE,
    GREY,
    LOOKS,
    NOTHING,
    OURS,
    SHARE,
    WIDE,
    canvas,
    figure,
    plain_logarithms,
    signed_colours,
    time_axis,
    whole_numbers,
)
from grucast.plotting.forecasts import draw_line
from grucast.plotting.lines import Array, Line, local, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 15  # covariates in one picture
PANEL = 1.9  # inches of a map
SERIES = 1.5  # of the series above
GATES = {
    "reset": "Reset gate{}: dark where a unit leaves its past out of the candidate",
    "update": "Update gate{}: bright where a unit keeps its state",
    "candidate": "Candidate{}: what a unit would take in",
}


def plot_gates(explanation: Any, path: str | Path | None = None, layer: int = 0, target: str = "y") -> "Figure":
    """Reset gate, update gate and candidate of each unit over time, below the series on the same axis of time.

    Args:
        explanation: Of one series, as `GRUForecaster.explain` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        layer: Which of `explanation.layers`.
        target: What the values are, for the axis.

    Raises:
        ConfigError: There is no such layer, or the path is not a picture's.
    """
    require_layer(explanation, layer)
    with canvas(path, WIDE, SERIES + 3 * PANEL) as drawing:
        above, *maps = stacked(drawing, [SERIES, PANEL, PANEL, PANEL])
        draw_window(above, explanation, target)
        draw_gates(drawing, maps, explanation, layer)
        finish_time(maps[-1], explanation)
    return drawing


def plot_sensitivity(explanation: Any, path: str | Path | None = None, target: str = "y") -> "Figure":
    """How each forecast step responds to each past observation, below the series on the same axis of time.

    Args:
        explanation: Of one series, as `GRUForecaster.explain` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        target: What the values are, for the axis.

    Raises:
        ConfigError: The path is not a picture's.
    """
    with canvas(path, WIDE, SERIES + 1.6 * PANEL) as drawing:
        above, below = stacked(drawing, [SERIES, 1.6 * PANEL])
        draw_window(above, explanation, target)
        draw_sensitivity(drawing, below, explanation)
        finish_time(below, explanation)
    return drawing


def plot_memory(explanation: Any, path: str | Path | None = None, ax: "Axes | None" = None) -> "Figure":
    """Steps over which each unit forgets, from the fastest unit to the slowest, a curve for each layer.

    Args:
        explanation: Of one series, as `GRUForecaster.explain` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        ax: Axes to draw in; new ones when None.

    Raises:
        ConfigError: The path is not a picture's.
    """
    with figure(path, ax=ax) as (drawing, (axes,)):
        draw_memory(axes, explanation)
    return drawing


def plot_covariates(
    explanation: Any, path: str | Path | None = None, target: str = "y", ax: "Axes | None" = None
) -> "Figure":
    """How much the forecast changes without each covariate, the one that matters most on top.

    Args:
        explanation: Of one series, as `GRUForecaster.explain` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        target: What the values are, for the axis.
        ax: Axes to draw in; new ones when None.

    Raises:
        ConfigError: The model reads no covariates, or the path is not a picture's.
    """
    if not explanation.withheld:
        raise ConfigError("this model reads no covariates, so none can matter: declare them when it is trained")
    height = 1.2 + 0.3 * min(len(explanation.withheld), MOST_COLUMNS)
    with figure(path, height=height, ax=ax) as (drawing, (axes,)):
        draw_covariates(axes, explanation, target)
    return drawing


def plot_explanation(explanation: Any, path: str | Path | None = None, layer: int = 0, target: str = "y") -> "Figure":
    """All of it in one picture: series, gates and sensitivity on one axis of time; memory length and covariates below.

    Args:
        explanation: Of one series, as `GRUForecaster.explain` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        layer: Which of `explanation.layers` has its gates drawn.
        target: What the values are, for the axis.

    Raises:
        ConfigError: There is no such layer, or the path is not a picture's.
    """
    require_layer(explanation, layer)
    heights = [SERIES, PANEL, PANEL, PANEL, 1.3 * PANEL, 1.4 * PANEL]
    with canvas(path, WIDE, sum(heights)) as drawing:
        grid = drawing.add_gridspec(len(heights), 2, height_ratios=heights)
        above, *maps, below = stacked(drawing, heights[:-1], grid)
        draw_window(above, explanation, target)
        draw_gates(drawing, maps, explanation, layer)
        draw_sensitivity(drawing, below, explanation)
        finish_time(below, explanation)
        if explanation.withheld:
            draw_memory(drawing.add_subplot(grid[-1, 0]), explanation)
            draw_covariates(drawing.add_subplot(grid[-1, 1]), explanation, target)
        else:
            draw_memory(drawing.add_subplot(grid[-1, :]), explanation)
    return drawing


def require_layer(explanation: Any, layer: int) -> None:
    """Refuse a layer that is not there."""
    count = len(explanation.layers)
    if not 0 <= layer < count:
        raise ConfigError(f"layer {layer} is not there: give 0 to {count - 1}, for {', '.join(explanation.layers)}")


def stacked(drawing: "Figure", heights: Sequence[float], grid: Any = None) -> list["Axes"]:
    """Axes under each other on one axis of time, which only the last one writes."""
    grid = grid or drawing.add_gridspec(len(heights), 2, height_ratios=heights)
    first = drawing.add_subplot(grid[0, :])
    rows = [first, *(drawing.add_subplot(grid[row, :], sharex=first) for row in range(1, len(heights)))]
    for axes in rows[:-1]:
        axes.tick_params(labelbottom=False)
    return rows


def draw_window(axes: "Axes", explanation: Any, target: str) -> None:
    """What the network reads."""
    draw_line(axes, Line(local(explanation.times, explanation.zone), explanation.values), color=GREY)
    axes.set(title=f"{short(explanation.series)}: what the network reads", ylabel=short(target))


def draw_gates(drawing: "Figure", rows: Sequence["Axes"], explanation: Any, layer: int) -> None:
    """The three maps; units from the fastest, below, to the slowest."""
    gates, order = explanation.gates[layer], np.argsort(explanation.memory_length[layer])
    time = edges(explanation, explanation.patch_size)
    units = np.arange(len(order) + 1) + 0.5
    looks: Any = [{"cmap": SHARE, "vmin": 0}] * 2 + [{"cmap": signed_colours(), "vmin": -1}]
    place = f" of {explanation.layers[layer]}" if len(explanation.layers) > 1 else ""
    maps = []
    for axes, (name, title), look in zip(rows, GATES.items(), looks, strict=True):
        maps.append(axes.pcolormesh(time, units, getattr(gates, name)[:, order].T, vmax=1, rasterized=True, **look))
        axes.grid(visible=False)
        axes.set(title=title.format(place), ylabel="unit\nslowest on top")
    drawing.colorbar(maps[0], ax=rows[:2], label="gate", aspect=30, pad=0.01)
    drawing.colorbar(maps[2], ax=rows[2], label="candidate", aspect=15, pad=0.01)


def draw_sensitivity(drawing: "Figure", axes: "Axes", explanation: Any) -> None:
    """The map, with colours for all but the largest hundredth of the values."""
    slopes = np.ma.masked_invalid(explanation.sensitivity)
    size = np.abs(slopes.compressed())
    top, largest = (float(np.quantile(size, 0.99)), float(size.max())) if size.size else (0.0, 0.0)
    limit = top or largest or 1.0
    axes.set_facecolor(NOTHING)
    steps = np.arange(len(slopes) + 1) + 0.5
    colours = axes.pcolormesh(
        edges(explanation, 1), steps, slopes, cmap=signed_colours(), vmin=-limit, vmax=limit, rasterized=True
    )
    beyond: Any = "both" if largest > limit else "neither"
    drawing.colorbar(colours, ax=axes, label="change per unit", aspect=20, pad=0.01, extend=beyond)
    axes.set(title="Sensitivity: how each forecast step moves with each observation", ylabel="forecast step")
    axes.grid(visible=False)
    if len(slopes) == 1:
        axes.set_yticks([1])
    else:
        axes.locator_params(axis="y", integer=True)


def draw_memory(axes: "Axes", explanation: Any) -> None:
    """The curves on a logarithmic scale, and the lengths of the seasons and the window to compare with."""
    for name, lengths, look in zip(explanation.layers, explanation.memory_length, cycle([OURS, *LOOKS]), strict=False):
        axes.plot(np.arange(1, len(lengths) + 1), np.sort(lengths), label=name, **look)
    marks = {"season": [s for s in explanation.continuations if s > 1], "window": [len(explanation.values)]}
    for name, places in marks.items():
        for place in places:
            axes.axhline(place, color=GREY, linewidth=0.8, linestyle=":")
            text = f"{name} of {place:,}"
            axes.annotate(text, (1.01, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set(
        yscale="log",
        title="Memory length: steps until a unit forgets",
        xlabel="unit, fastest to slowest",
        ylabel="steps",
    )
    plain_logarithms(axes)
    axes.margins(x=0.01)
    if len(explanation.layers) > 1:
        axes.legend(loc="upper left")


def draw_covariates(axes: "Axes", explanation: Any, target: str) -> None:
    """Bars, the longest on top."""
    worth = sorted((float(np.abs(change).mean()), short(name)) for name, change in explanation.withheld.items())
    sizes, names = zip(*worth[-MOST_COLUMNS:], strict=True)
    axes.barh(names, sizes, color=BLUE, height=0.7)
    axes.set(
        title="Covariates that matter",
        xlabel=f"mean change of the median without it\n(unit of {short(target)})",
    )
    axes.grid(visible=False, axis="y")


def edges(explanation: Any, patch: int) -> Array:
    """Where each patch of the window begins, and where the last one ends."""
    times = local(explanation.times, explanation.zone)
    step = times[-1] - times[-2] if len(times) > 1 else times[-1] - (times[-1] - 1)
    return np.append(times[::patch], times[-1] + step)


def finish_time(axes: "Axes", explanation: Any) -> None:
    """The shared axis of time."""
    times = edges(explanation, 1)
    if times.dtype.kind == "M":
        time_axis(axes, times)
    else:
        whole_numbers(axes, times)
    axes.set_xlim(times[0], times[-1])
    axes.set_xlabel("time")
