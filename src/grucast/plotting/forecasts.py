"""Figures of series and of their forecasts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from grucast.errors import ConfigError
from grucast.plotting.canvas import BLUE, GREY, OURS, SIZE, WIDE, figure, time_axis
from grucast.plotting.lines import MOST_SERIES, Array, Frame, Line, choose, lines_of, numbers, short, wall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SeriesNames = Sequence[Any] | str | None
MORE = 2.2  # inches of each further series
DENSE, BINS = 3000, 600  # points of a line that a picture can show; means to show in the place of more


def plot_series(
    frame: Any,
    path: str | Path | None = None,
    series: SeriesNames = None,
    last: int | None = None,
    target: str = "y",
    ax: "Axes | None" = None,
) -> "Figure":
    """Some series as they are; a gap breaks the line.

    Args:
        frame: Frame with unique_id, ds, y.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        series: Which to draw; the first four when None, or the first one where `ax` is given.
        last: Steps to draw of each, counted from its end; all when None.
        target: What the values are, for the axis.
        ax: Axes to draw one series in; new ones when None.

    Raises:
        ConfigError: There is no such series, or the path is not a picture's, or `ax` is given for several series.
    """
    if last is not None and last < 1:
        raise ConfigError(f"last must be at least 1 step, not {last}")
    data = nw.from_native(frame, eager_only=True)
    ids = data["unique_id"].unique(maintain_order=True).to_list()
    shown = choose(ids, series, MOST_SERIES if ax is None else 1)
    lines = lines_of(data, shown)
    with panels(path, shown, len(ids), target, ax) as (drawing, rows):
        for axes, name in zip(rows, shown, strict=True):
            draw_line(axes, lines[name].last(last), color=BLUE)
            time_axis(axes, lines[name].times)
    return drawing


def plot_forecast(
    history: Any,
    forecast: Any,
    path: str | Path | None = None,
    context: int | None = None,
    series: SeriesNames = None,
    target: str = "y",
    ax: "Axes | None" = None,
) -> "Figure":
    """The end of each series and its forecast with intervals, which begin at the last observation.

    Args:
        history: Frame with unique_id, ds, y.
        forecast: Frame as `GRUForecaster.predict` gives it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        context: Steps to show before the forecast; 7 horizons when None.
        series: Which to draw; the first four when None, or the first one where `ax` is given.
        target: What the values are, for the axis.
        ax: Axes to draw one series in; new ones when None.

    Raises:
        ConfigError: There is no such series, or the path is not a picture's, or `ax` is given for several series.
    """
    past, future = (nw.from_native(frame, eager_only=True) for frame in (history, forecast))
    ids = future["unique_id"].unique(maintain_order=True).to_list()
    shown = choose(ids, series, MOST_SERIES if ax is None else 1)
    lines = lines_of(past, shown)
    with panels(path, shown, len(ids), target, ax) as (drawing, rows):
        for axes, name in zip(rows, shown, strict=True):
            ahead = future.filter(nw.col("unique_id") == name)
            before = lines.get(name, Line(wall(ahead["ds"])[:0], np.empty(0)))
            draw_line(axes, before.last(context or 7 * len(ahead)), color=GREY, label="observed")
            draw_forecast(axes, ahead, before.end)
            time_axis(axes, wall(ahead["ds"]))
        legend(drawing, rows, ax)
    return drawing


@contextmanager
def panels(
    path: str | Path | None, shown: Sequence[Any], count: int, target: str, ax: "Axes | None"
) -> Iterator[tuple["Figure", list["Axes"]]]:
    """A figure with axes for each series, and how many there are when not all are shown."""
    if ax is not None and len(shown) > 1:
        raise ConfigError(f"ax holds one series, not {len(shown)}: name one, or leave ax out")
    with figure(path, len(shown), SIZE[1] + MORE * (len(shown) - 1), WIDE, ax) as (drawing, rows):
        for axes, name in zip(rows, shown, strict=True):
            axes.set(title=short(name), ylabel=short(target))
        rows[-1].set_xlabel("time")
        if count > len(shown) and ax is None:
            drawing.suptitle(f"{len(shown)} of {count:,} series", x=0.99, ha="right", fontsize=9)
        yield drawing, rows


def legend(drawing: "Figure", rows: Sequence["Axes"], ax: "Axes | None" = None) -> None:
    """One legend below, or in the axes given, each label once."""
    handles = {label: handle for axes in rows for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if ax is not None:
        ax.legend(handles.values(), handles.keys())
        return
    drawing.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), 5))


def draw_line(axes: "Axes", line: Line, color: str, label: str | None = None) -> None:
    """A line with its gaps, and dots for the points between two gaps; of very many points, what they mean and span."""
    if len(line.values) > DENSE:
        draw_summary(axes, line, color, label)
        return
    axes.plot(line.times, line.values, color=color, linewidth=1, label=label, zorder=3)
    axes.plot(line.lone.times, line.lone.values, ".", color=color, markersize=4, zorder=3)


def draw_summary(axes: "Axes", line: Line, color: str, label: str | None) -> None:
    """Mean and range of so many steps at a time that a picture can show them."""
    size = -(-len(line.values) // BINS)
    low, mean, high = line.summary(size)
    axes.fill_between(mean.times, low.values, high.values, color=color, alpha=0.25, linewidth=0)
    axes.plot(mean.times, mean.values, color=color, linewidth=1, label=label)
    axes.set_title(f"mean and range of every {size:,} steps", loc="right", fontsize=9)


def join(start: Line, ahead: Frame) -> tuple[Array, Callable[[str], Array]]:
    """Times of the last observation and of a forecast, and what gives the values then of one of its columns."""
    times = np.concatenate([start.times, wall(ahead["ds"])])
    return times, lambda column: np.concatenate([start.values, numbers(ahead[column])])


def draw_forecast(axes: "Axes", ahead: Frame, start: Line) -> None:
    """Median and intervals of one series, the widest interval faintest, from the last observation on."""
    time, joined = join(start, ahead)
    levels = sorted((c.removeprefix("GRU-lo-") for c in ahead.columns if c.startswith("GRU-lo-")), key=float)
    for faint, level in enumerate(levels):
        bounds = joined(f"GRU-lo-{level}"), joined(f"GRU-hi-{level}")
        axes.fill_between(time, *bounds, color=BLUE, alpha=0.3 / (1 + faint), linewidth=0, label=f"{level}% interval")
    axes.plot(time, joined("GRU"), **OURS, label="GRU", marker="o" if len(time) == 1 else "")
