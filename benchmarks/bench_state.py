"""Measure what a stream of very many series takes: memory, and writing and reading the file of its state.

    .venv/bin/python benchmarks/bench_state.py [SERIES]

Each of 100,000 hourly series brings three rows; the window is two weeks, 336 steps.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from grucast import GRUForecaster, TrainingConfig

WINDOW, ROWS = 336, 3


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def hours(count: int) -> np.ndarray:
    return np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")


def main() -> None:
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    y = np.random.default_rng(1).normal(size=1000)
    forecaster = GRUForecaster(24, WINDOW, 24, training=TrainingConfig(max_steps=2))
    stream = forecaster.fit(pl.DataFrame({"ds": hours(1000), "y": y})).stream()
    names = [f"series {number:07}" for number in range(series)]
    stream.update_many({"unique_id": ["warm"], "ds": hours(1), "y": np.ones(1)})
    before = resident()
    for hour in hours(ROWS):
        stream.update_many({"unique_id": names, "ds": np.full(series, hour), "y": np.ones(series)})
    grown = resident() - before
    with TemporaryDirectory() as folder:
        path, start = Path(folder, "state"), time.perf_counter()
        stream.save(path)
        saved = time.perf_counter() - start
        again = forecaster.stream()
        again.load(path)
        loaded = time.perf_counter() - start - saved
        size = path.stat().st_size
    print(f"{grown / series:.0f} bytes of memory a series, {size / series:.0f} in the file")
    print(f"state of {series:,} series: {size / 2**20:.0f} MiB, {saved:.1f} s to write, {loaded:.1f} s to read")


if __name__ == "__main__":
    main()
