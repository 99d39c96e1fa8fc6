"""Figures of the textbook's example."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from grucast.plotting.canvas import BLUE, GREY, VERMILION, figure


def plot_loss(losses: Sequence[float], path: str | Path, step: str = "epoch") -> None:
    """Training loss over the steps, on a logarithmic scale."""
    with figure(path) as (_, (axes,)):
        axes.plot(np.arange(1, len(losses) + 1), losses, color=BLUE)
        axes.set(yscale="log", xlabel=step, ylabel="mean squared error (unit of y, squared)", title="Training loss")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.margins(x=0)
        axes.annotate(
            f"{losses[-1]:.4f}",
            (len(losses), losses[-1]),
            xytext=(-4, 16),
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
