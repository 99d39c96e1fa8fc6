"""Where a training step's time goes, what a call costs, what denormal numbers cost, and what a step keeps in memory.

The tables are printed and saved to benchmarks/results/profile.md. Times are medians of interleaved runs, memory is the
growth of the process's peak over one step in a fresh process.

    python benchmarks/bench_profile.py
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from bench_layer import HEADLINE, RESULTS, inference, training
from grucast.kernels import native
from grucast.nn import GRU
from machine import facts, interleaved

SECONDS = 2.0

MEMORY = """
import sys, torch
from torch import nn
from grucast.nn import GRU
make = {"torch.nn.GRU": nn.GRU, "grucast.nn.GRU": GRU, "recompute=True": lambda *a, **k: GRU(*a, recompute=True, **k)}
batch, steps, inputs, hidden = map(int, sys.argv[2:])
layer, small = (make[sys.argv[1]](*sizes, batch_first=True) for sizes in ((inputs, hidden), (1, 2)))
small(torch.zeros(1, 2, 1))[0].sum().backward()
x = torch.randn(batch, steps, inputs)
kib = lambda key: int(next(line for line in open("/proc/self/status") if line.startswith(key)).split()[1])
open("/proc/self/clear_refs", "w").write("5")
before = kib("VmRSS")
layer(x)[0].sum().backward()
print((kib("VmHWM") - before) / 1024)
"""


def step_profile(shape: tuple[int, int, int, int]) -> dict[str, float]:
    """Milliseconds of one training step: all of it, and of that in the kernels."""
    batch, steps, inputs, hidden = shape
    step = training(GRU(inputs, hidden, batch_first=True), torch.randn(batch, steps, inputs))
    spent: dict[str, list[float]] = {"step": [], "forward kernel": [], "backward kernel": []}

    def timed(name: str, function: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            start = time.perf_counter()
            function(*arguments)
            spent[name].append((time.perf_counter() - start) * 1e3)

        return call

    with (
        mock.patch.object(native, "forward_at", timed("forward kernel", native.forward_at)),
        mock.patch.object(native, "backward_at", timed("backward kernel", native.backward_at)),
    ):
        whole, end = timed("step", step), time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            whole()
    found = {name: statistics.median(times) for name, times in spent.items()}
    return found | {"Python and torch": found["step"] - found["forward kernel"] - found["backward kernel"]}


def call_costs() -> dict[str, float]:
    """Microseconds of a call with one row, one step and 32 units."""
    x, calls = torch.randn(1, 1, 1), {}
    for name, layer in {"grucast.nn.GRU": GRU(1, 32), "torch.nn.GRU": nn.GRU(1, 32)}.items():
        calls[f"{name}, inference"] = inference(layer, x)
        calls[f"{name}, with a graph"] = lambda layer=layer: layer(x)
    return {name: statistics.median(times) * 1e3 for name, times in interleaved(calls, SECONDS).items()}


def denormal_ratio() -> float:
    """Time of a layer whose numbers are all denormal over that of one with ordinary numbers."""
    layer, x = GRU(4, 64, bias=False, batch_first=True), torch.randn(64, 100, 4)
    tiny = torch.full((1, 64, 64), 1e-39)
    calls = {"ordinary": lambda: layer(x, tiny * 0 + 1), "denormal": lambda: layer(x * 1e-39, tiny)}
    times = {name: statistics.median(runs) for name, runs in interleaved(calls, SECONDS).items()}
    return times["denormal"] / times["ordinary"]


def recompute_ratio(shape: tuple[int, int, int, int]) -> float:
    """Time of a training step that computes the gates again over that of one that keeps them."""
    batch, steps, inputs, hidden = shape
    x = torch.randn(batch, steps, inputs)
    calls = {again: training(GRU(inputs, hidden, batch_first=True, recompute=again), x) for again in (False, True)}
    kept, again = (statistics.median(runs) for runs in interleaved(calls, 2 * SECONDS).values())
    return again / kept


def memory(kind: str, shape: tuple[int, ...]) -> float:
    """MiB by which a training step raises the peak of a fresh process."""
    command = [sys.executable, "-c", MEMORY, kind, *map(str, shape)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def report() -> str:
    """All tables, in Markdown."""
    lines = [", ".join(f"{key} {value}" for key, value in facts().items()), ""]
    names = ["step", "forward kernel", "backward kernel", "Python and torch"]
    lines += [f"| training step, ms: B, T, I, H | {' | '.join(names)} |", "|---" * 5 + "|"]
    for shape in HEADLINE:
        found = step_profile(shape)
        cells = [f"{found[n]:.3g}" + ("" if n == "step" else f" ({found[n] / found['step']:.0%})") for n in names]
        lines.append(f"| {', '.join(map(str, shape))} | {' | '.join(cells)} |")
    lines += ["", "| one row, one step, 32 units | us |", "|---|---|"]
    lines += [f"| {name} | {cost:.0f} |" for name, cost in call_costs().items()]
    kinds = ["torch.nn.GRU", "grucast.nn.GRU", "recompute=True"]
    columns = [*kinds, "its time, times that of keeping the gates"]
    lines += ["", f"| peak of a training step, MiB: B, T, I, H | {' | '.join(columns)} |", "|---" * 5 + "|"]
    for shape in HEADLINE[:5]:
        cells = [*(f"{memory(k, shape):.0f}" for k in kinds), f"{recompute_ratio(shape):.2f}"]
        lines.append(f"| {', '.join(map(str, shape))} | {' | '.join(cells)} |")
    lines += ["", f"Denormal inputs and states take {denormal_ratio():.2f} times as long as ordinary ones."]
    return "\n".join(lines)


def main() -> None:
    text = report()
    print(text)
    RESULTS.mkdir(exist_ok=True)
    Path(RESULTS / "profile.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
