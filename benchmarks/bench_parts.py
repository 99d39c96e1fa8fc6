"""Forecasts of a million series of 20 days out of Parquet, by so much memory: seconds, and the memory that it took.

python benchmarks/bench_parts.py
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from grucast import GRUForecaster, TrainingConfig
from machine import facts
from tasks import markdown

FILES, SERIES, STEPS = 10, 100_000, 20
MEMORY = (2000, 500, 100)  # MB
WORK = """
import sys, time
import grucast
from grucast.forecasting.parts import predict_parts
def held(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) * 1024 / 1e6
forecaster, before, start = grucast.load("m.safetensors"), held("VmRSS"), time.perf_counter()
predict_parts(forecaster, "in", sys.argv[1], memory=int(sys.argv[1]) * 10**6)
print(time.perf_counter() - start, held("VmHWM") - before)
"""


def make(number: int, series: int) -> pl.DataFrame:
    """Daily series of random values."""
    ds = np.datetime64("2024-01-01", "us") + np.arange(STEPS) * np.timedelta64(1, "D")
    names = np.repeat([f"{number}-{i:07d}" for i in range(series)], STEPS)
    y = np.random.default_rng(number).gamma(2, 5, series * STEPS)
    return pl.DataFrame({"unique_id": names, "ds": np.tile(ds, series), "y": y})


def main() -> None:
    """Write the files, forecast them in a process for each memory, print a table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in").mkdir()
        for number in range(FILES):
            make(number, SERIES).write_parquet(Path(folder, "in", f"{number}.parquet"))
        training = TrainingConfig(max_steps=20)
        GRUForecaster(5, season_length=7, training=training).fit(make(0, 200)).save(Path(folder, "m.safetensors"))
        for memory in MEMORY:
            words = [sys.executable, "-c", WORK, str(memory)]
            told = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout
            seconds, held = map(float, re.findall(r"[\d.]+", told))
            rows.append([str(memory), f"{seconds:.1f}", f"{held:.0f}"])
    print(", ".join(f"{name} {value}" for name, value in facts().items()))
    print(markdown(["memory, MB", "seconds", "memory it took, MB"], rows))


if __name__ == "__main__":
    main()
