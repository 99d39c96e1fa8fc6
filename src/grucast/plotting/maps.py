"""Maps over time below the series that they belong to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grucast.plotting.canvas import GREY, NOTHING, OURS, SHARE, signed_colours, time_axis
from grucast.plotting.forecasts import draw_line
from grucast.plotting.lines import Array, Line, local, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GATES = {
    "reset": "Reset gate{}: dark where a unit leaves its past out of the candidate",
    "update": "Update gate{}: bright where a unit keeps its state",
    "candidate": "Candidate{}: what a unit would take in",
}


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
    time = edges(local(explanation.times, explanation.zone), explanation.patch_size)
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


def draw_median(axes: "Axes", explanation: Any) -> None:
    """The forecast, from the last observation on."""
    times = local(explanation.times, explanation.zone), local(explanation.ahead, explanation.zone)
    last = Line(times[0], explanation.values).end
    axes.plot(np.append(last.times, times[1]), np.append(last.values, explanation.median), **OURS)
    axes.set_title(f"{short(explanation.series)}: what the network reads, and its forecast")


def draw_sensitivity(
    drawing: "Figure", axes: "Axes", explanation: Any, derivatives: Array, by: str = "each observation"
) -> None:
    """The map and the axis of time, with colours for all but the largest hundredth of the values."""
    slopes = np.ma.masked_invalid(derivatives)
    size = np.abs(slopes.compressed())
    top, largest = (float(np.quantile(size, 0.99)), float(size.max())) if size.size else (0.0, 0.0)
    limit = top or largest or 1.0
    steps = np.arange(len(slopes) + 1) + 0.5
    times = np.append(explanation.times, explanation.ahead)[: slopes.shape[1]]
    time = edges(local(times, explanation.zone))
    look: Any = {"cmap": signed_colours(), "vmin": -limit, "vmax": limit, "rasterized": True}
    colours = axes.pcolormesh(time, steps, slopes, **look)
    beyond: Any = "both" if largest > limit else "neither"
    drawing.colorbar(colours, ax=axes, label="change per unit", aspect=20, pad=0.01, extend=beyond)
    axes.set(title=f"Sensitivity: how each forecast step moves with {by}", ylabel="forecast step")
    axes.set_facecolor(NOTHING)
    axes.grid(visible=False)
    if len(slopes) == 1:
        axes.set_yticks([1])
    else:
        axes.locator_params(axis="y", integer=True)
    finish_time(axes, time)


def edges(times: Array, patch: int = 1) -> Array:
    """Where each patch begins, and where the last one ends."""
    step = times[-1] - times[-2] if len(times) > 1 else times[-1] - (times[-1] - 1)
    return np.append(times[::patch], times[-1] + step)


def finish_time(axes: "Axes", times: Array) -> None:
    """The shared axis of time, from edge to edge."""
    time_axis(axes, times)
    axes.set_xlim(times[0], times[-1])
    axes.set_xlabel("time")
