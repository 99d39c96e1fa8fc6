"""Tables of what series cost, and of what 100 million of them a day would need by these figures."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from tasks import RESULTS, markdown

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "scale.md"
DAILY = 10**8  # series that a day brings
CORES = (2, 16, 64, 256)
BASE = 10**3  # series from which on growth is fitted
KINDS = {"fit": "fit", "predict": "predict", "stream": "a day of streams", "store": "a day of streams in SQLite"}

Runs = dict[int, dict[str, float]]


class Measured:
    """The figures of one machine, by kind and number of series."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self.machine = figures["machine"]
        runs = [(*key.split(), run) for key, run in figures.items() if key != "machine"]
        self.usual = min(int(steps) for kind, _, steps, _ in runs if kind == "fit")
        self.of: dict[str, Runs] = {
            kind: {int(series): run for own, series, steps, run in runs if own == kind and int(steps) == self.usual}
            for kind in KINDS
        }
        self.sizes = sorted({series for runs in self.of.values() for series in runs})
        length = max(int(series) for _, series, steps, _ in runs if int(steps) != self.usual)
        self.by_steps = {
            int(steps): cost(run, length)
            for kind, series, steps, run in runs
            if (kind, series) == ("predict", str(length))
        }
        self.length = length

    def last(self, kind: str) -> tuple[int, dict[str, float]]:
        """The figures of the most series."""
        return max(self.of[kind].items())

    def cost(self, kind: str) -> float:
        """Seconds of a core that the last of the most series cost."""
        return cost(self.last(kind)[1], self.last(kind)[0])

    def each(self, kind: str, name: str) -> float:
        """A figure of the most series, for each of them."""
        series, run = self.last(kind)
        return run[name] / series

    def ahead(self, kind: str, name: str) -> float:
        """A figure of so many series as a day brings, if it grows as between the last two that were measured."""
        (less, before), (more, after) = sorted(self.of[kind].items())[-2:]
        return after[name] + (after[name] - before[name]) / (more - less) * (DAILY - more)


def cost(run: dict[str, float], series: int) -> float:
    """Seconds of a core for each series, without the start."""
    return (run["cpu"] - run.get("start_cpu", 0.0)) / series


def growth(measured: Measured) -> str:
    """Seconds, and how they grow: t = a S^b, b fitted from a thousand series on."""
    rows = []
    for series in measured.sizes:
        runs = [measured.of[kind].get(series) for kind in KINDS]
        rows.append([f"{series:,}", *(number(run["seconds"]) if run else "" for run in runs)])
    exponents = []
    for kind in KINDS:
        runs = {series: run for series, run in measured.of[kind].items() if series >= BASE}
        seconds = [run["seconds"] - run.get("start_seconds", 0.0) for run in runs.values()]
        slope = np.polyfit(np.log(list(runs)), np.log(seconds), 1)[0] if len(runs) > 1 else math.nan
        exponents.append(f"{slope:.2f}")
    return markdown(["series", *(f"{name}, s" for name in KINDS.values())], [*rows, ["exponent", *exponents]])


def costs(measured: Measured) -> str:
    """Microseconds of a core for each series."""
    kinds = ("predict", "stream", "store")
    rows = []
    for series in measured.sizes:
        runs = [measured.of[kind].get(series) for kind in kinds]
        rows.append([f"{series:,}", *(number(cost(run, series) * 1e6) if run else "" for run in runs)])
    ratios = [measured.cost(kind) / cost(measured.of[kind][BASE], BASE) for kind in kinds]
    rows.append([f"the most to {BASE:,}", *(f"{ratio:.2f}" for ratio in ratios)])
    return markdown(["µs of a core, each of", *(KINDS[kind] for kind in kinds)], rows)


def memory(measured: Measured) -> str:
    """MB that the work took."""
    kinds = ("fit", "predict", "stream")
    rows = [
        [f"{series:,}", *(f"{run['memory']:.0f}" if (run := measured.of[kind].get(series)) else "" for kind in kinds)]
        for series in measured.sizes
    ]
    return markdown(["MB taken, of", *(KINDS[kind] for kind in kinds)], rows)


def by_steps(measured: Measured) -> str:
    """What longer histories cost."""
    lengths = sorted(measured.by_steps)
    each, start = np.polyfit(lengths, [measured.by_steps[steps] * 1e6 for steps in lengths], 1)
    found = [number(measured.by_steps[steps] * 1e6) for steps in lengths]
    fitted = f"{start:.1f} + {each:.3f} a step"
    return markdown(["steps of history", *map(str, lengths), "fitted"], [["µs of a core, each series", *found, fitted]])


def sizes(measured: Measured) -> str:
    """Bytes for each series."""
    rows = [
        [f"history of {measured.usual} steps, Parquet", measured.each("predict", "history")],
        ["forecast of 7 steps with two intervals, Parquet", measured.each("predict", "forecasts")],
        ["a stream's memory of 28 steps", measured.each("stream", "grown") * 1e6],
        ["the same in a file", measured.each("stream", "state")],
        ["the same in SQLite, with the forecast", measured.each("store", "database")],
    ]
    return markdown(["bytes a series", ""], [[name, f"{value:,.0f}"] for name, value in rows])


def plan(measured: Measured) -> str:
    """What 100 million series a day need, if their costs are those of the most that were measured."""
    hours, gigabytes = DAILY / 3600, DAILY / 1e9
    history, parts, forecasts = (measured.each("predict", name) for name in ("history", "parts", "forecasts"))
    rows = [
        ["forecast all, hours of a core", number(measured.cost("predict") * hours)],
        ["of these, cutting the files", number(measured.each("predict", "cut_cpu") * hours)],
        ["train on all, hours of a core", number(measured.ahead("fit", "cpu") / 3600)],
        ["train on all, GB of memory on the machine that cuts", number(measured.ahead("fit", "memory") / 1e3)],
        ["disk for histories, GB", number(history * gigabytes)],
        ["disk beside them while files are cut, GB", number(parts * gigabytes)],
        ["disk for a day's forecasts, GB", number(forecasts * gigabytes)],
        [
            "through the network, where workers share a file system, GB",
            number((history + 2 * parts + forecasts) * gigabytes),
        ],
        ["the model, to each worker once, kB", number(measured.last("predict")[1]["model"] / 1e3)],
        ["a day of streams in memory, hours of a core", number(measured.cost("stream") * hours)],
        ["memory for these, GB", number(measured.each("stream", "grown") * DAILY / 1e3)],
        ["a day of streams in SQLite, hours of a core", number(measured.cost("store") * hours)],
        ["database for these, GB", number(measured.each("store", "database") * gigabytes)],
        ["updates a second, if they come evenly", number(DAILY / 86400)],
        ["updates a second of one database, as measured", number(1 / measured.cost("store"))],
    ]
    return markdown([f"{DAILY:,} series a day", "computed"], rows)


def machines(measured: Measured) -> str:
    """How long the forecasts of 100 million series take on so many cores, which share all of the work."""
    times = [number(measured.cost("predict") * DAILY / 60 / cores) for cores in CORES]
    return markdown(["cores", *map(str, CORES)], [["minutes, computed", *times]])


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_report(figures: dict[str, Any]) -> str:
    """Write all tables to results/scale.md, and put each in the place of the page's table with the same columns."""
    measured = Measured(figures)
    parts = [growth, costs, memory, by_steps, sizes, plan, machines]
    tables = {f"{part.__doc__}".partition("\n")[0]: part(measured) for part in parts}
    about = ", ".join(f"{name} {value}" for name, value in measured.machine.items())
    text = "\n\n".join([about, *(f"{title}\n\n{table}" for title, table in tables.items())]) + "\n"
    (RESULTS / "scale.md").write_text(text)
    page = PAGE.read_text()
    for table in tables.values():
        head = re.escape(table.partition("\n")[0])
        page = re.sub(rf"^{head}\n(\|.*\n)*", lambda _, new=table: f"{new}\n", page, flags=re.M)
    PAGE.write_text(page)
    return text
