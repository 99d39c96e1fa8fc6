"""The GRU layer against torch's GRU and LSTM, ONNX Runtime and JAX over a grid of sizes; float32, one layer.

Training is forward and backward to the parameters, with a gradient of the last output. Calls are interleaved within
each shape, each timed call after an untimed one of the same contender; figures are medians, and in brackets for grucast
the middle half of the runs. The share of the peak counts 18 H (H + I) operations a row and step of training.
The tables are printed and saved to benchmarks/results/layer.md and layer.json.

    python benchmarks/bench_layer.py             the headline shapes
    python benchmarks/bench_layer.py --grid      B 1 to 1024, T 1 to 1000, H 8 to 256
"""

import itertools
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from grucast.nn import GRU
from machine import facts, interleaved, peak_gflops
from peers import jax_inference, jax_training, onnx_inference

HEADLINE = [
    (240, 30, 1, 32),
    (32, 96, 8, 64),
    (256, 168, 4, 64),
    (64, 100, 1, 128),
    (128, 200, 16, 256),
    (1, 100, 1, 32),
]
GRID = [
    (batch, steps, 8, hidden)
    for batch, steps, hidden in itertools.product((1, 32, 1024), (1, 30, 1000), (8, 64, 256))
    if batch * steps * hidden * hidden <= 1e9
]
RESULTS = Path(__file__).parent / "results"
SECONDS = 2.0  # a shape, for training and again for inference

Row = dict[str, float]


def layers(inputs: int, hidden: int) -> dict[str, nn.Module]:
    """The contenders of both tables."""
    return {
        "grucast": GRU(inputs, hidden, batch_first=True),
        "before": GRU(inputs, hidden, batch_first=True, reset_after=False),
        "nn.GRU": nn.GRU(inputs, hidden, batch_first=True),
        "nn.LSTM": nn.LSTM(inputs, hidden, batch_first=True),
    }


def training(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Forward and backward."""
    weight = torch.randn(len(x), layer.hidden_size)

    def call() -> None:
        layer.zero_grad(set_to_none=True)
        (layer(x)[0][:, -1] * weight).sum().backward()

    return call


def inference(layer: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    """Forward without gradients."""

    def call() -> None:
        with torch.inference_mode():
            layer(x)

    return call


def measure(shape: tuple[int, int, int, int], peak: float | None) -> tuple[Row, Row]:
    """Medians in milliseconds of training and inference, quartiles, and the share of the peak that training reaches."""
    batch, steps, inputs, hidden = shape
    torch.manual_seed(0)
    x, found = torch.randn(batch, steps, inputs), layers(inputs, hidden)
    train = {name: training(layer, x) for name, layer in found.items()} | jax_training(x, hidden)
    infer = {name: inference(layer, x) for name, layer in found.items()}
    infer |= onnx_inference(x, hidden) | jax_inference(x, hidden)
    one, other = (medians(interleaved(calls, SECONDS)) for calls in (train, infer))
    if peak:
        one["share of peak"] = batch * steps * 18 * hidden * (hidden + inputs) / (one["grucast"] * 1e6) / peak
    return one, other


def medians(times: dict[str, list[float]]) -> Row:
    """Of each contender, and grucast's quartiles."""
    low, _, high = statistics.quantiles(times["grucast"], n=4)
    return {name: statistics.median(runs) for name, runs in times.items()} | {"low": low, "high": high}


def table(title: str, rows: dict[tuple[int, ...], Row]) -> str:
    """A Markdown table: milliseconds of each contender, and how many times faster grucast is than torch's GRU."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row if name not in {"low", "high"}))
    lines = [f"| {title}: B, T, I, H | {' | '.join(names)} | times nn.GRU |", "|---" * (len(names) + 2) + "|"]
    for shape, row in rows.items():
        cells = [f"{row[n]:.0%}" if n == "share of peak" else f"{row[n]:.3g}" for n in names]
        cells[0] += f" ({row['low']:.3g}-{row['high']:.3g})"
        lines.append(f"| {', '.join(map(str, shape))} | {' | '.join(cells)} | {row['nn.GRU'] / row['grucast']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    peak = peak_gflops()
    about = facts() | ({"peak": f"{peak:.0f} GFLOP/s"} if peak else {})
    print(", ".join(f"{key} {value}" for key, value in about.items()), flush=True)
    shapes = GRID if "--grid" in sys.argv[1:] else HEADLINE
    results = {shape: measure(shape, peak) for shape in shapes}
    tables = [
        table(title, {shape: pair[index] for shape, pair in results.items()})
        for index, title in enumerate(("training, ms", "inference, ms"))
    ]
    text = "\n\n".join([", ".join(f"{key} {value}" for key, value in about.items()), *tables])
    print(text)
    RESULTS.mkdir(exist_ok=True)
    name = "grid" if shapes is GRID else "layer"
    (RESULTS / f"{name}.md").write_text(text + "\n")
    rows = [{"shape": shape, "training": one, "inference": other} for shape, (one, other) in results.items()]
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
