"""What a series costs, from a hundred to a million of them: fit, predict, streams; what 100 million a day would need.

    python benchmarks/bench_scale.py [--most 1000000] [--only predict,steps,fit,stream,store] [--report]

Each figure is of a process of its own, with a daily history of 40 steps, a window of 28 and a horizon of 7. Figures are
kept in results/scale.json, so that --only measures some anew; --report computes the tables again.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import grucast
from grucast import GRUForecaster, TrainingConfig
from grucast.data.parts import cut, find_parquet
from grucast.forecasting.parts import predict_parts
from grucast.store import StoredStream, open_store
from machine import facts
from scale_plan import write_report

FIGURES = Path(__file__).parent / "results" / "scale.json"
STEPS, H, WINDOW, SEASON = 40, 7, 28, 7
MEMORY = 500_000_000  # bytes that fit and predict are given
FILE = 100_000  # series of one
BATCH = 1000  # rows that a stream of a store is given at once
MOST = {"predict": 10**6, "fit": 10**6, "stream": 10**6, "store": 10**5}
LENGTHS = (20, 40, 80, 160, 320)  # of histories, at 10^5 series
START = np.datetime64("2024-01-01")

Figures = dict[str, float]


def days(first: int, series: int, steps: int) -> pl.DataFrame:
    """Daily series with a week in them."""
    names = np.repeat([f"{number:09}" for number in range(first, first + series)], steps)
    week = 1 + 0.5 * np.sin(np.arange(steps) * 2 * np.pi / 7)
    y = np.random.default_rng(first).gamma(2, 5, (series, steps)) * week
    ds = np.tile(START + np.arange(steps), series)
    return pl.DataFrame({"unique_id": names, "ds": ds, "y": y.ravel().round(2)})


def write(folder: Path, series: int, steps: int = STEPS) -> Path:
    """Files of so many series."""
    folder.mkdir()
    for first in range(0, series, FILE):
        days(first, min(FILE, series - first), steps).write_parquet(folder / f"{first:09}.parquet")
    return folder


def size(folder: str | Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def without(folder: str) -> None:
    """No folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)


def held(name: str) -> float:
    """MB of this process, of its status."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024 / 1e6


def clocked(work: Callable[..., Any], *needs: Callable[[], Any]) -> Figures:
    """Seconds of the wall and of all cores, of the median of some runs, and the most MB beside those before.

    What the work needs is made before the clock starts.
    """
    before, runs = held("VmRSS"), []
    while len(runs) < 21 and (not runs or sum(wall for wall, _ in runs) < 3):
        given = [make() for make in needs]
        usage, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        work(*given)
        wall, now = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
        runs.append((wall, now.ru_utime + now.ru_stime - usage.ru_utime - usage.ru_stime))
    seconds, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
    return {"seconds": seconds, "cpu": cpu, "memory": max(held("VmHWM") - before, 0.0)}


def run_predict(steps: int) -> Figures:
    """`predict_parts` of a folder; apart, the cutting of its files, and what one series takes."""
    forecaster = grucast.load("m.safetensors")

    def forecast(folder: str) -> Figures:
        return clocked(lambda _: predict_parts(forecaster, folder, "out", memory=MEMORY), lambda: without("out"))

    write(Path("one"), 1, steps)
    forecast("one")
    start, found = forecast("one"), forecast("in")
    cutting = clocked(lambda _: cut(find_parquet("in"), ["unique_id"], MEMORY, Path("parts")), lambda: without("parts"))
    sizes = {"history": size("in"), "parts": size("parts"), "forecasts": size("out")}
    return found | sizes | {f"start_{name}": start[name] for name in start} | {"cut_cpu": cutting["cpu"]}


def run_fit() -> Figures:
    """`fit` of a folder with its defaults, which decide how many steps it takes."""
    taken: list[int] = []

    def fit() -> None:
        taken[:] = [len(GRUForecaster(H, WINDOW, SEASON).fit("in", memory=MEMORY).history_)]

    return clocked(fit) | {"steps": taken[0]}


def a_day(number: int, series: int) -> pl.DataFrame:
    """A row for each series."""
    names = [f"{name:09}" for name in range(series)]
    return pl.DataFrame({"unique_id": names, "ds": np.full(series, START + number), "y": np.ones(series)})


def run_stream(series: int) -> Figures:
    """`update_many` with a row for each series, whose forecasts it gives; what it remembers in memory and as a file."""
    stream = grucast.load("m.safetensors").stream()
    stream.update_many(a_day(0, 1))
    before = held("VmRSS")
    stream.update_many(a_day(1, series))
    grown, number = held("VmRSS") - before, iter(range(2, 100))
    found = clocked(stream.update_many, lambda: a_day(next(number), series))
    stream.save("state")
    return found | {"state": Path("state").stat().st_size, "grown": grown}


def run_store(series: int) -> Figures:
    """`update` of streams in SQLite with a row for each series, by thousands in a transaction."""
    place = Path("streams.db")
    place.unlink(missing_ok=True)
    store = open_store("sqlite:///streams.db")
    live, number = StoredStream(grucast.load("m.safetensors").model_, store), iter(range(100))

    def update(rows: list[Any]) -> None:
        for first in range(0, series, BATCH):
            live.update(rows[first : first + BATCH])

    update(a_day(next(number), series).to_dicts())
    found = clocked(update, lambda: a_day(next(number), series).to_dicts())
    store.close()
    return found | {"database": place.stat().st_size}


RUNS: dict[str, Callable[[int, int], Figures]] = {
    "predict": lambda _, steps: run_predict(steps),
    "fit": lambda *_: run_fit(),
    "stream": lambda series, _: run_stream(series),
    "store": lambda series, _: run_store(series),
}


def measure(kind: str, series: int, steps: int = STEPS) -> Figures:
    """The figures of a process of its own, among the files that it needs."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        if kind in ("predict", "fit"):
            write(Path(folder, "in"), series, steps)
        GRUForecaster(H, WINDOW, SEASON, training=TrainingConfig(max_steps=20)).fit(days(0, 500, STEPS)).save(
            Path(folder, "m.safetensors")
        )
        words = [sys.executable, "-W", "ignore", Path(__file__).resolve(), "--child", kind, str(series), str(steps)]
        told = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout
        print(kind, series, steps, told.strip(), flush=True)
        return json.loads(told) | {"model": Path(folder, "m.safetensors").stat().st_size}


def measure_all(wanted: set[str], most: int) -> None:
    """Measure what is wanted, and keep each figure as soon as it is there."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    tasks = [(kind, 10**power, STEPS) for kind in RUNS for power in range(2, 7) if 10**power <= min(most, MOST[kind])]
    tasks = [task for task in tasks if task[0] in wanted]
    tasks += [("predict", min(most, 10**5), steps) for steps in LENGTHS if "steps" in wanted and steps != STEPS]
    for kind, series, steps in tasks:
        figures[f"{kind} {series} {steps}"] = measure(kind, series, steps)
        FIGURES.write_text(json.dumps(figures | {"machine": facts()}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=10**6, help="series")
    parser.add_argument("--only", default="predict,steps,fit,stream,store", help="what to measure")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        kind, series, steps = given.child
        print(json.dumps(RUNS[kind](int(series), int(steps))))
        return
    if not given.report:
        measure_all(set(given.only.split(",")), given.most)
    print(write_report(json.loads(FIGURES.read_text())))


if __name__ == "__main__":
    main()
