"""Seconds of `grucast fit` of the package's bike rentals, from the start of the process to the model's file.

Next to them, in turn, a process that imports torch and trains the textbook's example with torch.nn.GRU: whatever the
machine, their ratio says whether a fit became slower. CPU time counts all threads; it changes less than wall time on a
machine that others use too. The table shows medians, and is saved to benchmarks/results/fit.md.

    python benchmarks/bench_fit.py [RUNS]
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from grucast.data import example
from machine import facts

FOLDER = Path(__file__).parent
TORCH = "import bench_textbook as b; b.training(b.LAYERS['torch.nn.GRU'])()"


def measured(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=FOLDER)
    wall, after = time.perf_counter() - start, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        data, model = Path(name, "bikes.csv"), Path(name, "bikes.safetensors")
        example().write_csv(data)
        fit = ["-c", "from grucast.cli import main; main()", "fit", str(data), "-h", "24", "--out", str(model)]
        commands = {"`grucast fit`": fit, "torch.nn.GRU, textbook's example": ["-c", TORCH]}
        times = [
            {name: measured([sys.executable, *command]) for name, command in commands.items()} for _ in range(runs)
        ]
    text = table(times)
    print(text)
    (FOLDER / "results" / "fit.md").write_text(f"{text}\n")


def table(times: list[dict[str, tuple[float, float]]]) -> str:
    """Medians of wall and CPU seconds, and of the runs' ratios."""
    ours, torch = times[0]

    def row(title: str, of: Callable[[dict[str, tuple[float, float]], int], float]) -> str:
        return f"| {title} | {' | '.join(f'{statistics.median(of(run, i) for run in times):.2f}' for i in (0, 1))} |"

    lines = [", ".join(f"{key} {value}" for key, value in facts().items()), ""]
    lines += ["| from process start to the end | wall, s | CPU, s |", "|---|---|---|"]
    lines += [row(name, lambda run, i, name=name: run[name][i]) for name in (ours, torch)]
    return "\n".join([*lines, row("ratio", lambda run, i: run[ours][i] / run[torch][i])])


if __name__ == "__main__":
    main()
