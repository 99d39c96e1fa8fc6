"""Milliseconds to train the textbook's example: torch's GRU and LSTM, both variants of grucast's GRU, and GRURegressor.

Each run is 100 epochs on 240 sequences of 30 steps, 32 units; all but GRURegressor, which needs no torch, have torch's
Adam. Runs are interleaved; the table shows medians and the
range of the middle half, and is saved to benchmarks/results/textbook.json.
"""

import json
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from grucast import GRURegressor, NetworkConfig, TrainingConfig
from grucast.data.synthetic import noisy_sines
from grucast.nn import GRU
from machine import facts, interleaved, spread

SECONDS, EPOCHS, WANTED = 20.0, 100, 8  # GRURegressor ought to be so many times as fast as torch.nn.GRU
RESULTS = Path(__file__).parent / "results" / "textbook.json"
OURS = "grucast.GRURegressor"
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "torch.nn.GRU": lambda: nn.GRU(1, 32, batch_first=True),
    "torch.nn.LSTM": lambda: nn.LSTM(1, 32, batch_first=True),
    "grucast.nn.GRU": lambda: GRU(1, 32, batch_first=True),
    "grucast.nn.GRU, reset_after=False": lambda: GRU(1, 32, batch_first=True, reset_after=False),
}


def training(make_layer: Callable[[], nn.Module]) -> Callable[[], float]:
    """A call that trains the example once, as the textbook's script does, and returns the last loss."""
    x, y = (torch.from_numpy(a[:240]) for a in noisy_sines())

    def call() -> float:
        torch.manual_seed(42)
        layer, head = make_layer(), nn.Linear(32, 1)
        optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.005)
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(head(layer(x)[0][:, -1]), y)
            loss.backward()
            optimizer.step()
        return loss.item()

    return call


def regression() -> Callable[[], float]:
    """The same by GRURegressor, without torch."""
    x, y = (a[:240] for a in noisy_sines())
    settings = {"batch_size": 240, "learning_rate": 0.005, "schedule": "constant", "gradient_clip": None, "seed": 42}
    regressor = GRURegressor(NetworkConfig(hidden_size=32), TrainingConfig(max_steps=EPOCHS, **settings))
    return lambda: regressor.fit(x, y).history_[-1]


def main() -> None:
    calls = {name: training(make_layer) for name, make_layer in LAYERS.items()} | {OURS: regression()}
    for name in ("grucast.nn.GRU", OURS):
        if abs(calls[name]() / calls["torch.nn.GRU"]() - 1) > 1e-3:
            raise SystemExit(f"{name} does not learn what torch.nn.GRU learns: nothing is timed")
    times = interleaved(calls, SECONDS)
    base = statistics.median(times["torch.nn.GRU"])
    print(", ".join(f"{key} {value}" for key, value in facts().items()))
    print(f"{'100 epochs of the textbook example':36} {'ms: median (middle half)':>26} {'x nn.GRU':>9}")
    for name, runs in times.items():
        print(f"{name:36} {spread(runs):>26} {base / statistics.median(runs):9.1f}")
    print(f"{OURS} ought to be at least {WANTED} times as fast as torch.nn.GRU")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": facts(), "milliseconds": times}, indent=1) + "\n")


if __name__ == "__main__":
    main()
