"""Seconds to train the textbook's example with torch's GRU and LSTM and with both variants of grucast's GRU.

Each run is 100 epochs on 240 sequences of 30 steps, 32 units. Runs are interleaved, so drift of the machine hits all
alike; the table shows medians and the spread. Results are also written to benchmarks/results/textbook.json.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from grucast.data.synthetic import noisy_sines
from grucast.nn import GRU

ROUNDS = 5
RESULTS = Path(__file__).parent / "results" / "textbook.json"
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "torch.nn.GRU": lambda: nn.GRU(1, 32, batch_first=True),
    "torch.nn.LSTM": lambda: nn.LSTM(1, 32, batch_first=True),
    "grucast.nn.GRU": lambda: GRU(1, 32, batch_first=True),
    "grucast.nn.GRU, reset_after=False": lambda: GRU(1, 32, batch_first=True, reset_after=False),
}


def train_seconds(make_layer: Callable[[], nn.Module]) -> float:
    """Train the example once, as the textbook's script does."""
    x, y = (torch.from_numpy(a[:240]) for a in noisy_sines())
    torch.manual_seed(42)
    layer, head = make_layer(), nn.Linear(32, 1)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.005)
    start = time.perf_counter()
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.mse_loss(head(layer(x)[0][:, -1]), y).backward()
        optimizer.step()
    return time.perf_counter() - start


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return {"processor": model, "threads": str(torch.get_num_threads()), "torch": torch.__version__}


def main() -> None:
    for make_layer in LAYERS.values():
        train_seconds(make_layer)
    seconds: dict[str, list[float]] = {name: [] for name in LAYERS}
    for _ in range(ROUNDS):
        for name, make_layer in LAYERS.items():
            seconds[name].append(train_seconds(make_layer))
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    print(f"{'100 epochs of the textbook example':36} {'median s':>9} {'min':>7} {'max':>7}")
    for name, runs in seconds.items():
        print(f"{name:36} {statistics.median(runs):9.2f} {min(runs):7.2f} {max(runs):7.2f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "seconds": seconds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
