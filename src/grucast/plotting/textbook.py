"""Figures of training, and of the textbook's example."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from grucast.plotting.canvas import BLUE, GREY, LOOKS, OURS, VERMILION, figure, plain_logarithms, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Losses = Sequence[float]


def plot_loss(
    losses: Losses | Mapping[str, Losses],
    path: str | Path | None = None,
    step: str = "epoch",
    ax: "Axes | None" = None,
    measure: str = "mean squared error (unit of y, squared)",
) -> "Figure":
    """Training loss over the steps, on a logarithmic scale; one curve, or one for each name.

    Args:
        losses: The loss of each step, such as `history_` of a forecaster; or several by their names.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        step: What a step is.
        ax: Axes to draw in; new ones when None.
        measure: What the loss is, and its unit.
    """
    curves = losses if isinstance(losses, Mapping) else {"": losses}
    with figure(path, ax=ax) as (drawing, (axes,)):
        for (name, curve), look in zip(curves.items(), cycle([OURS, *LOOKS]), strict=False):
            axes.plot(np.arange(1, len(curve) + 1), curve, label=name, **look)
        axes.set(yscale="log", xlabel=step, ylabel=measure, title="Training loss")
        plain_logarithms(axes)
        whole_numbers(axes, max(curves.values(), key=len))
        axes.margins(x=0)
        if len(curves) > 1:
            axes.legend()
        else:
            axes.set_title(f"last {next(iter(curves.values()))[-1]:.4f}", loc="right", fontsize=9, color=BLUE)
    return drawing


def plot_predictions(
    actual: ArrayLike,
    predicted: ArrayLike,
    path: str | Path | None = None,
    title: str = "Test set",
    ax: "Axes | None" = None,
) -> "Figure":
    """True and predicted values of each test sequence.

    Args:
        actual: What came.
        predicted: What was predicted of it.
        path: Picture to write: .png, .svg, .pdf ...; none when None.
        title: What is shown.
        ax: Axes to draw in; new ones when None.
    """
    y, f = np.ravel(np.asarray(actual)), np.ravel(np.asarray(predicted))
    index = np.arange(1, len(y) + 1)
    with figure(path, ax=ax) as (drawing, (axes,)):
        axes.vlines(index, y, f, color=GREY, linewidth=0.8, label="error")
        axes.plot(index, y, "o", color=BLUE, markersize=4, label="true")
        axes.plot(index, f, "x", color=VERMILION, markersize=5, label="predicted")
        axes.set(xlabel="test sequence", ylabel="last value of the sequence (unit of y)", title=title)
        axes.margins(y=0.15)
        axes.legend(ncols=3, loc="upper right")
    return drawing
