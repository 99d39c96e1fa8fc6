"""Figures of what a forecast is made of: gates over time, how long units remember, what the forecast responds to."""

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grucast.errors import ConfigError
from grucast.plotting.canvas import BLUE, GREY, LOOKS, OURS, WIDE, canvas, figure, plain_logarithms
from grucast.plotting.lines import Array, local, short
from grucast.plotting.maps import draw_gates, draw_median, draw_sensitivity, draw_window, edges, finish_time, stacked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 15  # covariates in one picture
PANEL = 1.9  # inches of a map
SERIES = 1.5  # of the series above


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
        finish_time(maps[-1], edges(local(explanation.times, explanation.zone)))
    return drawing


def plot_sensitivity(
    explanation: Any, path: str | Path | None = None, target: str = "y", covariate: str | None = None
) -> "Figure":
    """How each forecast step responds to each past observation, or to each value of a covariate, below the series.

    Args:
        explanation: Of one series, as `GRUForecaster.explain` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        target: What the values are, for the axis.
        covariate: A covariate of numbers that changes with time; y itself when None.

    Raises:
        ConfigError: There is no such covariate, or the path is not a picture's.
    """
    slopes = explanation.sensitivity if covariate is None else slopes_by(explanation, covariate)
    with canvas(path, WIDE, SERIES + 1.6 * PANEL) as drawing:
        above, below = stacked(drawing, [SERIES, 1.6 * PANEL])
        draw_window(above, explanation, target)
        if covariate is None:
            draw_sensitivity(drawing, below, explanation, slopes)
        else:
            draw_median(above, explanation)
            draw_sensitivity(drawing, below, explanation, slopes, f"each value of {short(covariate)}")
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
        draw_sensitivity(drawing, below, explanation, explanation.sensitivity)
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


def slopes_by(explanation: Any, covariate: str) -> Array:
    """The derivatives by a covariate at each step of window and horizon, (h, T + h)."""
    known = {name: own for name, own in explanation.covariate_sensitivity.items() if own.ndim > 1}
    if covariate not in known:
        some = f"there are {', '.join(map(short, known))}" if known else "this model reads none"
        raise ConfigError(f"{covariate!r} is no covariate of numbers that changes with time: {some}")
    return np.asarray(known[covariate])


def draw_memory(axes: "Axes", explanation: Any) -> None:
    """The curves on a logarithmic scale, and the lengths of the seasons and the window to compare with."""
    for name, lengths, look in zip(explanation.layers, explanation.memory_length, cycle([OURS, *LOOKS]), strict=False):
        axes.plot(np.arange(1, len(lengths) + 1), np.sort(lengths), label=name, **look)
    window = len(explanation.values)
    for place in sorted({window, *(season for season in explanation.continuations if season > 1)}):
        what = " and ".join(["season"] * (place in explanation.continuations) + ["window"] * (place == window))
        axes.axhline(place, color=GREY, linewidth=0.8, linestyle=":")
        spot: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "top"}
        axes.annotate(f"{what} of {place:,}", (0.01, place), (0, -2), fontsize=8, color=GREY, **spot)
    axes.set(
        yscale="log",
        title="Memory length: steps until a unit forgets",
        xlabel="unit, fastest to slowest",
        ylabel="steps",
    )
    plain_logarithms(axes)
    axes.margins(x=0.01, y=0.1)
    if len(explanation.layers) > 1:
        axes.legend(loc="best")


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
