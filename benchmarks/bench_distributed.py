"""What a second worker of Ray is worth: 20,000 series trained and forecast by this process on one core, and by Ray.

Training is measured from the first step to the last, the gathering of windows included; forecasts from the command to
the last file, the cutting into parts included. What starting Ray and its workers takes, and what is read before the
first step, is told apart. Rounds are interleaved; medians.

python benchmarks/bench_distributed.py
"""

import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}  # one core a worker, and as much for this process

import numpy as np
import polars as pl
import ray

from grucast import GRUForecaster, TrainingConfig
from grucast.distributed import RayEngine
from grucast.forecasting.engine import HERE
from grucast.forecasting.parts import predict_parts
from machine import facts
from tasks import markdown

SERIES, FILES, ROUNDS, FORECASTS = 20_000, 4, 2, 3
TASKS = {"60 days": ("D", 60, 14, 1000), "600 hours": ("h", 600, 48, 1000)}  # unit, steps, horizon, training steps


def make(folder: Path, unit: str, steps: int) -> None:
    """Series of random values in some files."""
    rng, number = np.random.default_rng(0), SERIES // FILES
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, unit)
    for place in range(FILES):
        names = np.repeat([f"{place}-{i}" for i in range(number)], steps)
        y = rng.gamma(2, 5, number * steps)
        frame = pl.DataFrame({"unique_id": names, "ds": np.tile(ds, number), "y": y})
        frame.write_parquet(folder / f"{place}.parquet")


def fit(data: Path, h: int, steps: int, engine: Any) -> tuple[float, float, GRUForecaster]:
    """Seconds before the first step is done, steps a second after it, and what was trained."""
    seen: list[float] = []
    start = time.perf_counter()
    forecaster = GRUForecaster(h, training=TrainingConfig(max_steps=steps))
    forecaster.fit(data, engine=engine, progress=lambda _: seen.append(time.perf_counter()))
    return seen[0] - start, (len(seen) - 1) / (seen[-1] - seen[0]), forecaster


def predict(data: Path, forecaster: GRUForecaster, engine: Any) -> tuple[float, float]:
    """Seconds that only the first forecast takes, and series a second of those after it."""
    seconds: list[float] = []
    for _ in range(1 + FORECASTS):
        start, out = time.perf_counter(), data.parent / "out"
        predict_parts(forecaster, data, out, engine=engine)
        seconds.append(time.perf_counter() - start)
        shutil.rmtree(out)
    usual = statistics.median(seconds[1:])
    return max(seconds[0] - usual, 0.0), SERIES / usual


def medians(found: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Those of each column."""
    return tuple(statistics.median(own) for own in zip(*found, strict=True))


def measure(data: Path, h: int, steps: int) -> dict[str, list[tuple[float, ...]]]:
    """What each engine takes, some times in turn."""
    found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    forecaster = None
    for _ in range(ROUNDS):
        for name, workers in (("this process", 0), ("Ray, 1 worker", 1), ("Ray, 2 workers", 2)):
            engine = RayEngine(workers=workers) if workers else HERE
            start, speed, forecaster = fit(data, h, steps, engine)
            found[name].append((start, speed, *predict(data, forecaster, engine)))
            ray.shutdown()
    return found


def main() -> None:
    """Print a table for each kind of series."""
    print(", ".join(f"{name} {value}" for name, value in facts().items()))
    for name, (unit, length, h, steps) in TASKS.items():
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "in")
            data.mkdir()
            make(data, unit, length)
            taken = {name: medians(each) for name, each in measure(data, h, steps).items()}
        one = taken["this process"]
        rows = [
            [who, f"{a:.1f}", f"{b:.1f}", f"{b / one[1]:.2f}", f"{c:.1f}", f"{d:,.0f}", f"{d / one[3]:.2f}"]
            for who, (a, b, c, d) in taken.items()
        ]
        head = ["", "first step, s", "steps a second", "times one", "start, s", "series a second", "times one"]
        print(f"\n{SERIES:,} series of {name}\n\n{markdown(head, rows)}")


if __name__ == "__main__":
    main()
