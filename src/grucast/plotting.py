"""Figures of training, predictions and forecasts, drawn with matplotlib and written to a file."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike

from grucast.errors import ConfigError, MissingExtraError
from grucast.model.writing import is_device, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart with any colour vision; lines differ in style too.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#555555"
PURPLE, SKY = "#CC79A7", "#56B4E9"
SIZE = (6.0, 4.0)  # inches
PICTURES = (".png", ".svg", ".pdf", ".jpg", ".webp")
MOST_SERIES = 4  # panels in one figure
LOOKS: Any = [  # of the models beside the GRU
    {"color": ORANGE, "linestyle": "--", "linewidth": 1.2},
    {"color": GREEN, "linestyle": "-.", "linewidth": 1.2},
    {"color": VERMILION, "linestyle": ":", "linewidth": 1.6},
    {"color": PURPLE, "linestyle": (0, (6, 2)), "linewidth": 1.2},
    {"color": SKY, "linestyle": (0, (3, 1, 1, 1)), "linewidth": 1.2},
]
STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.alpha": 0.5,
    "grid.color": "#CCCCCC",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "savefig.dpi": 150,
}


@contextmanager
def figure(path: str | Path, rows: int = 1, height: float = SIZE[1]) -> Iterator[tuple["Figure", list["Axes"]]]:
    """A figure with `rows` axes under each other, saved to the path when the block ends well."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib (to draw)", "plot") from error
    require_picture(path)
    content = BytesIO()
    with rc_context(STYLE):
        drawing = Figure(figsize=(SIZE[0], height), layout="constrained")
        yield drawing, list(drawing.subplots(rows, squeeze=False)[:, 0])
        drawing.savefig(content, format=Path(path).suffix[1:].lower() or "png")
    write_whole(Path(path), content.getvalue())


def require_picture(path: str | Path) -> None:
    """Refuse a name that does not end like a picture's."""
    if Path(path).suffix.lower() not in PICTURES and not is_device(Path(path)):
        raise ConfigError(f"{path} is no picture's name: end it with one of {', '.join(PICTURES)}")


def plot_loss(losses: Sequence[float], path: str | Path, step: str = "epoch") -> None:
    """Training loss over the steps, on a logarithmic scale."""
    with figure(path) as (_, (axes,)):
        axes.plot(np.arange(1, len(losses) + 1), losses, color=BLUE)
        axes.set(yscale="log", xlabel=step, ylabel="mean squared error (unit of y, squared)", title="Training loss")
        axes.margins(x=0)
        axes.annotate(
            f"{losses[-1]:.4f}",
            (len(losses), losses[-1]),
            xytext=(-4, 10),
            textcoords="offset points",
            ha="right",
            color=BLUE,
        )


def plot_predictions(actual: ArrayLike, predicted: ArrayLike, path: str | Path, title: str = "Test set") -> None:
    """True and predicted values of each test sequence."""
    y, f = np.ravel(np.asarray(actual)), np.ravel(np.asarray(predicted))
    index = np.arange(1, len(y) + 1)
    with figure(path) as (_, (axes,)):
        axes.vlines(index, y, f, color=GREY, linewidth=0.8, label="error")
        axes.plot(index, y, "o", color=BLUE, markersize=4, label="true")
        axes.plot(index, f, "x", color=VERMILION, markersize=5, label="predicted")
        axes.set(xlabel="test sequence", ylabel="last value of the sequence (unit of y)", title=title)
        axes.margins(y=0.15)
        axes.legend(ncols=3, loc="upper right")


def plot_forecast(history: Any, forecast: Any, path: str | Path, context: int | None = None) -> None:
    """The end of each series and its forecast with intervals; the first series when there are many.

    Args:
        history: Frame with unique_id, ds, y.
        forecast: Frame as `GRUForecaster.predict` gives it.
        path: Picture to write: .png, .svg, .pdf ...
        context: Observations to show before the forecast; 7 horizons when None.
    """
    past, future = (nw.from_native(frame, eager_only=True) for frame in (history, forecast))
    ids = future["unique_id"].unique(maintain_order=True).to_list()
    shown = ids[:MOST_SERIES]
    with figure(path, len(shown), SIZE[1] + 2.2 * (len(shown) - 1)) as (drawing, rows):
        for axes, name in zip(rows, shown, strict=True):
            ahead = future.filter(nw.col("unique_id") == name)
            before = past.filter(nw.col("unique_id") == name).sort("ds").tail(context or 7 * len(ahead))
            axes.plot(before["ds"].to_numpy(), before["y"].to_numpy(), color=GREY, linewidth=1, label="observed")
            draw_forecast(axes, ahead)
            axes.set(title=str(name), ylabel="y")
            date_axis(axes, before["ds"])
        rows[-1].set_xlabel("time")
        handles, labels = rows[0].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        if len(ids) > len(shown):
            drawing.suptitle(f"{len(shown)} of {len(ids):,} series", x=0.99, ha="right", fontsize=9)


def draw_forecast(axes: "Axes", ahead: nw.DataFrame[Any]) -> None:
    """Median and intervals of one series, the widest interval faintest."""
    time = ahead["ds"].to_numpy()
    levels = sorted((c.removeprefix("GRU-lo-") for c in ahead.columns if c.startswith("GRU-lo-")), key=float)
    for faint, level in enumerate(levels):
        low, high = ahead[f"GRU-lo-{level}"].to_numpy(), ahead[f"GRU-hi-{level}"].to_numpy()
        axes.fill_between(time, low, high, color=BLUE, alpha=0.3 / (1 + faint), linewidth=0, label=f"{level}% interval")
    axes.plot(time, ahead["GRU"].to_numpy(), color=BLUE, linewidth=1.8, label="GRU")


def plot_backtest(result: Any, path: str | Path) -> None:
    """Forecasts of the first series from each cutoff beside what came, and below it each model's error by step.

    Args:
        result: What `grucast.forecasting.backtest.backtest` returns.
        path: Picture to write.
    """
    frame = nw.from_native(result.frame, eager_only=True)
    name = frame["unique_id"][0]
    own = frame.filter(nw.col("unique_id") == name).sort("cutoff", "ds")
    others = sorted(score.model for score in result.scores if score.model != "GRU")
    looks = dict(zip(others, itertools.cycle(LOOKS), strict=False))
    with figure(path, 2, 1.6 * SIZE[1]) as (drawing, (above, below)):
        above.plot(own["ds"].to_numpy(), own["y"].to_numpy(), "o", color=GREY, markersize=3, label="observed")
        for cutoff in own["cutoff"].unique(maintain_order=True).to_list():
            window = own.filter(nw.col("cutoff") == cutoff)
            above.axvline(window["ds"].to_numpy()[0], color=GREY, linewidth=0.8, linestyle=":")
            for model, look in looks.items():
                above.plot(window["ds"].to_numpy(), window[model].to_numpy(), **look, label=model)
            draw_forecast(above, window)
        above.set(title=f"{name}: forecasts from each cutoff", xlabel="time", ylabel="y")
        date_axis(above, own["ds"])
        draw_errors(below, result.scores, looks)
        labels = dict(zip(*reversed(above.get_legend_handles_labels()), strict=True))
        drawing.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=4)


def draw_errors(axes: "Axes", scores: Any, looks: Any) -> None:
    """Error of each model at each step of the horizon: MASE, or MAE where no series has one."""
    scaled = any(score.mase == score.mase for score in scores)
    for score in scores:
        errors = np.array(score.mase_by_step if scaled else score.mae_by_step)
        look = looks.get(score.model, {"color": BLUE, "linewidth": 1.8})
        axes.plot(np.arange(1, len(errors) + 1), errors, **look, marker="o" if len(errors) == 1 else "")
    axes.set(title="Error by step, all series", xlabel="step", ylabel="MASE" if scaled else "MAE (unit of y)")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.locator_params(axis="x", integer=True)


def date_axis(axes: "Axes", times: nw.Series[Any]) -> None:
    """Write time stamps without repeating what they share."""
    if times.dtype.is_temporal():
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(maxticks=8, interval_multiples=False)  # type: ignore[no-untyped-call]
        formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
        formatter.formats[1:4] = "%b\n%Y", "%d %b\n%Y", "%H:%M\n%d %b"
        formatter.zero_formats[1:4] = formatter.formats[1:4]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(formatter)
