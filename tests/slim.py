"""The slim runtime at work, with nothing but its own folder: it trains, saves, loads, forecasts and streams."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import grucast
from grucast.kernels import native

ABSENT = {"torch", "polars", "typer", "matplotlib"}


def main() -> None:
    """Exit with what is wrong."""
    times = pd.date_range("2025-01-01", periods=480, freq="h")
    table = pd.DataFrame({"unique_id": "a", "ds": times, "y": 10 + np.sin(np.arange(480) * np.pi / 12)})
    settings = grucast.TrainingConfig(max_steps=20)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        grucast.GRUForecaster(h=24, training=settings).fit(table).save(path)
        model = grucast.load(path)
    forecast, stream = model.predict(table), model.stream()
    for row in table.to_dict("records"):
        streamed = stream.update(row)
    error = float(np.abs(forecast["GRU"] - 10 - np.sin(np.arange(480, 504) * np.pi / 12)).mean())

    missed = [name for name in sorted(ABSENT) if name in sys.modules]
    if missed or not native.available() or error > 0.2 or not np.array_equal(streamed["GRU"], forecast["GRU"]):
        sys.exit(f"the slim runtime fails: loaded {missed}, native {native.available()}, error {error:.3f}")
    print(f"the slim runtime trains, forecasts and streams: mean absolute error {error:.3f} on a sine of amplitude 1")


if __name__ == "__main__":
    main()
