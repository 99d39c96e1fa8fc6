"""What it takes to forecast without PyTorch: size of the install, time of import, of loading and of a forecast, memory.

Everything is measured in fresh processes, in which torch cannot be imported: medians of 15 imports of a base install,
of 200 calls for one series of 500 hours, of 3 calls for 10,000 of them, and of a stream's last 300 observations of 500.
The table is printed and saved to benchmarks/results/runtime.md.

    python benchmarks/bench_runtime.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import polars as pl

from grucast import GRUForecaster, TrainingConfig
from machine import facts

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
HOURS, MANY = 500, 10_000

START = """
import importlib, json, statistics, sys, time
sys.modules["torch"] = None
def seconds(call, times):
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found)
peak = lambda: int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
"""
IMPORT = (
    START
    + "sys.path.insert(0, sys.argv[2]); print(json.dumps([seconds(lambda: importlib.import_module(sys.argv[1]), 1)]))"
)
PREDICT = (
    START
    + """
import grucast
library, model, data, calls = importlib.import_module(sys.argv[1]), *sys.argv[2:4], int(sys.argv[4])
frame = library.read_parquet(data)
before = peak()
load = seconds(lambda: grucast.load(model), calls)
forecaster = grucast.load(model)
first = seconds(lambda: forecaster.predict(frame), 1)
print(json.dumps([load, first, seconds(lambda: forecaster.predict(frame), calls), before, peak()]))
"""
)
STREAM = (
    START
    + """
import grucast
library, model, one, many = importlib.import_module(sys.argv[1]), *sys.argv[2:5]
rows, frame = library.read_parquet(one), library.read_parquet(many)
rows = rows.to_dict("records") if sys.argv[1] == "pandas" else rows.to_dicts()
stream, times = grucast.load(model).stream(), []
for row in rows:
    start = time.perf_counter()
    stream.update(row)
    times.append(time.perf_counter() - start)
bulk = grucast.load(model).stream()
whole = seconds(lambda: bulk.update_many(frame), 1)
last = frame.groupby("unique_id").tail(1) if sys.argv[1] == "pandas" else frame.group_by("unique_id").tail(1)
again = seconds(lambda: bulk.update_many(last), 3)
print(json.dumps([statistics.median(times[200:]), len(frame) / whole, len(last) / again]))
"""
)


def child(code: str, *arguments: object, options: tuple[str, ...] = ()) -> list[float]:
    """What a fresh process prints."""
    command = [sys.executable, *options, "-c", code, *map(str, arguments)]
    return list(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def series(count: int) -> pl.DataFrame:
    """Hourly noisy sines."""
    random, hours = np.random.default_rng(1), np.arange(HOURS)
    y = 5 + np.sin(hours * 2 * np.pi / 24 + np.arange(count)[:, None]) + random.normal(0, 0.1, (count, HOURS))
    times = np.datetime64("2024-01-01", "us") + hours * np.timedelta64(1, "h")
    ids = np.repeat([f"s{i}" for i in range(count)], HOURS)
    return pl.DataFrame({"unique_id": ids, "ds": np.tile(times, count), "y": y.ravel()})


def imports(folder: Path) -> dict[str, str]:
    """Time of importing an installed grucast, and numpy and narwhals by themselves; -S leaves this environment out."""
    names = ("grucast", "numpy", "narwhals")
    runs = [{name: child(IMPORT, name, folder, options=("-S",))[0] for name in names} for _ in range(15)]
    times = {name: statistics.median(run[name] for run in runs) for name in names}
    of = f"numpy {times['numpy'] * 1e3:.0f}, narwhals {times['narwhals'] * 1e3:.0f} by themselves"
    return {f"import grucast, ms ({of})": f"{times['grucast'] * 1e3:.0f}"}


def install(folder: Path) -> dict[str, str]:
    """MB of the base install, all dependencies included, and of each package."""
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), str(ROOT)], check=True)
    sizes = {
        found.name: sum(path.stat().st_size for f in found.files or () if (path := folder / f).is_file()) / 1e6
        for found in distributions(path=[str(folder)])
    }
    shares = ", ".join(f"{name} {size:.1f}" for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]))
    return {f"base install, MB ({shares})": f"{sum(sizes.values()):.1f}"}


def predictions(folder: Path) -> dict[str, str]:
    """Time and memory of load and predict, from pandas and from polars."""
    model, one, many = folder / "model.safetensors", folder / "one.parquet", folder / "many.parquet"
    training = TrainingConfig(max_steps=20)
    GRUForecaster(h=24, season_length=24, training=training).fit(series(5)).save(model)
    series(1).write_parquet(one)
    series(MANY).write_parquet(many)
    rows = {}
    for library in ("pandas", "polars"):
        load, first, again, before, peak = child(PREDICT, library, model, one, 200)
        _, _, all_of_them, _, large = child(PREDICT, library, model, many, 3)
        rows |= {
            f"{library}: load, ms": f"{load * 1e3:.2f}",
            f"{library}: first forecast of one series, ms": f"{first * 1e3:.1f}",
            f"{library}: forecast of one series, ms": f"{again * 1e3:.2f}",
            f"{library}: forecast of {MANY:,} series, s": f"{all_of_them:.2f}",
            f"{library}: peak memory, MiB (before loading {before:.0f})": f"{peak:.0f}",
            f"{library}: peak memory with {MANY:,} series, MiB": f"{large:.0f}",
        }
        update, rows_a_second, forecasts_a_second = child(STREAM, library, model, one, many)
        rows |= {
            f"{library}: stream, one observation and the forecast after it, us": f"{update * 1e6:.0f}",
            f"{library}: stream, {HOURS} rows each of {MANY:,} series, then a forecast of each: rows a second": (
                f"{rows_a_second:,.0f}"
            ),
            f"{library}: stream, a row each of {MANY:,} series, and a forecast of each: a second": (
                f"{forecasts_a_second:,.0f}"
            ),
        }
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = install(folder / "base") | imports(folder / "base") | predictions(folder)
    about = ", ".join(f"{key} {value}" for key, value in facts().items() if key not in ("torch", "onnxruntime", "jax"))
    text = "\n".join([about, "", "| without PyTorch | |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())])
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "runtime.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
