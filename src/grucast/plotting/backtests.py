"""Figures of forecasts of the past: the windows, the errors by step, how often the intervals held."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from grucast.data.stamps import zone_of
from grucast.errors import ConfigError
from grucast.model.outputs.quantiles import Quantiles, normal_quantiles
from grucast.plotting.canvas import BLUE, GREY, LOOKS, OURS, SIZE, WIDE, figure, time_axis, whole_numbers
from grucast.plotting.forecasts import MORE, SeriesNames, draw_forecast, draw_line, join, legend
from grucast.plotting.lines import Array, Frame, Line, choose, line_of, numbers, short, wall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERCENT = np.linspace(1, 99, 99)  # nominal coverages of the curve


def plot_backtest(
    result: Any, path: str | Path | None = None, series: SeriesNames = None, target: str = "y"
) -> "Figure":
    """Forecasts of a series from each cutoff next to what came, and below them each model's error by step.

    Args:
        result: What `grucast.forecasting.backtest` returns.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        series: Which to draw; the first one when None.
        target: What the values are, for the axis.

    Raises:
        ConfigError: There is no such series, or the path is not a picture's.
    """
    frame = nw.from_native(result.frame, eager_only=True)
    ids = frame["unique_id"].unique(maintain_order=True).to_list()
    shown = choose(ids, series, most=1)
    looks = looks_of(result.scores)
    height = 1.6 * SIZE[1] + MORE * (len(shown) - 1)
    with figure(path, len(shown) + 1, height, WIDE) as (drawing, (*rows, below)):
        for axes, name in zip(rows, shown, strict=True):
            own = frame.filter(nw.col("unique_id") == name).sort("cutoff", "ds")
            line = line_of(result.panel, list(result.panel.ids).index(name), zone_of(own["ds"]))
            draw_windows(axes, own, line, looks)
            axes.set(title=f"{short(name)}: forecasts from each cutoff", ylabel=short(target))
        rows[-1].set_xlabel("time")
        draw_errors(below, result.scores, looks, target)
        legend(drawing, rows)
    return drawing


def plot_errors(result: Any, path: str | Path | None = None, target: str = "y", ax: "Axes | None" = None) -> "Figure":
    """Error of each model at each step of the horizon: MASE, or MAE where no series has one.

    Args:
        result: What `grucast.forecasting.backtest` returns.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        target: What the values are, for the axis.
        ax: Axes to draw in; new ones when None.
    """
    with figure(path, ax=ax) as (drawing, (axes,)):
        draw_errors(axes, result.scores, looks_of(result.scores), target)
        axes.legend()
    return drawing


def plot_calibration(result: Any, path: str | Path | None = None, ax: "Axes | None" = None) -> "Figure":
    """How often the intervals of a backtest held what came, at every level; dots at the levels of the forecast.

    Between and beyond these, bounds are where `predict(level=...)` has them.

    Args:
        result: What `grucast.forecasting.backtest` returns.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        ax: Axes to draw in; new ones when None.

    Raises:
        ConfigError: The forecasts have no intervals.
    """
    level, held = coverage_of(nw.from_native(result.frame, eager_only=True))
    with figure(path, width=5.0, height=5.0, ax=ax) as (drawing, (axes,)):
        axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1, label="as promised")
        axes.plot([0, *PERCENT], [0, *held(PERCENT)], **OURS, label="held")
        axes.plot(level, held(np.array(level)), "o", color=BLUE, markersize=6, label="levels of the forecast")
        axes.set(
            title="Below the dashed line intervals are too narrow",
            xlabel="level of the interval (%)",
            ylabel="values that it held (%)",
            xlim=(0, 100),
            ylim=(0, 100),
            aspect="equal",
        )
        axes.legend(loc="upper left")
    return drawing


def coverage_of(frame: Frame) -> tuple[tuple[float, ...], Any]:
    """The levels of a frame of forecasts, and what says how many percent of the values an interval of a level held."""
    level = tuple(sorted(float(c.removeprefix("GRU-lo-")) for c in frame.columns if c.startswith("GRU-lo-")))
    if not level:
        raise ConfigError("these forecasts have no intervals: give the forecaster a level such as (80, 95)")
    names = [f"GRU-lo-{x:g}" for x in reversed(level)] + ["GRU"] + [f"GRU-hi-{x:g}" for x in level]
    quantiles = np.stack([numbers(frame[name]) for name in names], -1)
    scores = np.abs(Quantiles(level).scores(quantiles[None], numbers(frame["y"])[None]))[0]
    known = np.sort(scores[~np.isnan(scores)])
    edge = 1e-9  # a value that is the bound itself is held

    def held(percent: Array) -> Array:
        most = normal_quantiles(tuple(percent.tolist())) + edge
        return np.asarray(100 * np.searchsorted(known, most, side="right") / max(len(known), 1))

    return level, held


def looks_of(scores: Sequence[Any]) -> Mapping[str, Any]:
    """How the line of each model besides the GRU looks."""
    others = sorted(score.model for score in scores if score.model != "GRU")
    return dict(zip(others, itertools.cycle(LOOKS), strict=False))


def draw_windows(axes: "Axes", own: Frame, line: Line, looks: Any) -> None:
    """What was observed, from as long before the first cutoff as it goes on after it, and each window's forecasts."""
    cutoffs = own["cutoff"].unique(maintain_order=True)
    after = int((line.times > wall(cutoffs)[0]).sum())
    draw_line(axes, line.last(after + max(after, 24)), color=GREY, label="observed")
    for place, cutoff in zip(wall(cutoffs), cutoffs.to_list(), strict=True):
        window = own.filter(nw.col("cutoff") == cutoff)
        axes.axvline(place, color=GREY, linewidth=0.8, linestyle=":")
        start = line.until(place).end
        time, joined = join(start, window)
        for model, look in looks.items():
            axes.plot(time, joined(model), **look, label=model)
        draw_forecast(axes, window, start)
    time_axis(axes, line.times)


def draw_errors(axes: "Axes", scores: Any, looks: Any, target: str) -> None:
    """Error of each model at each step of the horizon: MASE, or MAE where no series has one."""
    scaled = any(score.mase == score.mase for score in scores)
    steps = np.arange(1, len(scores[0].mae_by_step) + 1)
    for score in scores:
        look = looks.get(score.model, OURS)
        errors = score.mase_by_step if scaled else score.mae_by_step
        axes.plot(steps, errors, **look, marker="o" if len(steps) == 1 else "", label=score.model)
    label = "MASE" if scaled else f"MAE (unit of {short(target)})"
    axes.set(title="Error by step, all series", xlabel="step", ylabel=label)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    whole_numbers(axes, steps)
