"""The charts of README and the site, drawn from what benchmarks/results has: accuracy and the layer's roofline.

python benchmarks/pictures.py
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from grucast.kernels import native
from grucast.plotting.canvas import BLUE, GREY, ORANGE, figure
from standings import PUBLISHED, collect, relative

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"
NAMES = {"grucast": "grucast, on a CPU in {:.0f} s", "AutoETS": "AutoETS, {:.0f} s", "AutoTheta": "AutoTheta, {:.0f} s"}
NAMES["LightGBM"] = "LightGBM, {:.0f} s"
HOLLOW = {"fill": False, "edgecolor": GREY, "hatch": "///"}
SIZES = {
    "textbook": (240, 30, 1, 32),
    "H 64": (32, 96, 8, 64),
    "H 128": (64, 100, 1, 128),
    "H 256": (128, 200, 16, 256),
}

LAYERS = (("grucast", 3, BLUE, "o"), ("nn.LSTM", 4, GREY, "s"), ("nn.GRU", 3, ORANGE, "^"))


def draw_accuracy() -> None:
    """The mean error of each model over the suite, the measured ones with their seconds."""
    measured = pl.read_csv(RESULTS / "accuracy.csv").to_dicts()
    published = pl.read_csv(PUBLISHED).filter(~pl.col("model").is_in(["seasonal naive", "AutoETS", "AutoTheta"]))
    models = collect(measured + published.to_dicts())
    tasks = list(models["grucast"]["mase"])
    found = {name: relative(models, tasks, name, "mase") for name in models}
    shown = sorted(((error, name) for name, error in found.items() if error is not None), reverse=True)
    labels = []
    with figure(DOCS / "accuracy.png", height=3.7, width=7.6) as (_, (axes,)):
        for place, (error, name) in enumerate(shown):
            seconds = sum(models[name].get("seconds", {}).values())
            looks = {"color": BLUE if name == "grucast" else GREY, "alpha": 1 if name == "grucast" else 0.7}
            axes.barh(place, error, 0.7, **(looks if seconds or name == "seasonal naive" else HOLLOW))
            axes.text(error - 0.01, place, f"{error:.3f}", va="center", ha="right", fontsize=9, **number_look(seconds))
            labels.append(NAMES.get(name, name).format(seconds))
        axes.set_yticks(range(len(labels)), labels)
        axes.set(xlim=(0, 1.02), title="Error over 13 public tasks, the seasonal naive's = 1: less is better")
        axes.set_xlabel("mean of relative MASE; full: measured here, hatched: as published")
        axes.grid(axis="y", visible=False)


def number_look(seconds: float) -> dict[str, object]:
    """White on full bars; on hatched ones black on white."""
    return {"color": "white"} if seconds else {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}


def draw_roofline() -> None:
    """What training a layer reaches, beside what arithmetic and memory allow."""
    found = json.loads((RESULTS / "layer.json").read_text())
    peak = float(found["machine"]["peak"].split()[0])
    rows = {tuple(row["shape"]): row["training"] for row in found["rows"]}
    intensity = np.geomspace(1, 300, 100)
    with figure(DOCS / "roofline.png", height=3.8, width=7.2) as (_, (axes,)):
        axes.plot(intensity, np.minimum(peak, intensity * bandwidth()), color="black", label="what the machine allows")
        for layer, gates, color, marker in LAYERS:
            points = [at(shape, rows[shape][layer], gates) for shape in SIZES.values()]
            axes.plot(*zip(*points, strict=True), marker, color=color, label=f"{layer}, training", markersize=7)
        for name, shape in SIZES.items():
            x, y = at(shape, rows[shape]["grucast"], 3)
            axes.annotate(name, (x, y), xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9)
        finish(axes)


def at(shape: tuple[int, ...], milliseconds: float, gates: int) -> tuple[float, float]:
    """Operations for each byte that must go through memory, and 10^9 operations a second, of a layer that size.

    Memory: x twice, the output, the gates and one number more for each unit written and read, the states before.
    """
    batch, steps, inputs, hidden = shape
    operations, numbers = 6 * gates * hidden * (hidden + inputs), 2 * inputs + (4 + 2 * gates) * hidden
    return operations / (4 * numbers), batch * steps * operations / milliseconds / 1e6


def bandwidth() -> float:
    """GB a second that all threads together copy, read and written counted."""
    pairs = [(np.zeros(2**24), np.ones(2**24)) for _ in range(native.usual_threads())]
    seconds = []
    with ThreadPoolExecutor(len(pairs)) as pool:
        for _ in range(8):
            start = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(*pair), pairs))
            seconds.append(time.perf_counter() - start)
    return len(pairs) * 2 * 8 * 2**24 / min(seconds) / 1e9


def finish(axes: Axes) -> None:
    """Scales and names."""
    axes.set(xscale="log", yscale="log", xlabel="operations for each byte of memory", ylabel="GFLOP/s")
    axes.set(title="Training one layer: near what the processor can do", ylim=(2, 400), xlim=(1, 300))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    axes.legend(loc="lower right")


if __name__ == "__main__":
    draw_accuracy()
    draw_roofline()
