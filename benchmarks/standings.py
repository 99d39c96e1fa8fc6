"""Tables of scores on the tasks of a suite: relative to the seasonal naive, and task by task."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

import polars as pl

from tasks import markdown

PUBLISHED = Path(__file__).parent / "published.csv"
NAIVE = "seasonal naive"
MEASURES: dict[str, tuple[str, Callable[[float], str]]] = {  # what a table is called, how it writes a number
    "mase": ("MASE", "{:.3f}".format),
    "wql": ("WQL", "{:.4f}".format),
    "smape": ("sMAPE, %", "{:.2f}".format),
    "coverage": ("80% interval covers", "{:.0%}".format),
    "seconds": ("CPU seconds", "{:.1f}".format),
}
RELATIVE = ("mase", "wql", "smape")

Row = dict[str, Any]  # task, model, seed and a value for each measure, None where there is none
Scores = dict[str, dict[str, float]]  # of one model, by measure and task


def tables(rows: list[Row]) -> str:
    """All tables: a summary, each measure task by task, and where the published figures are from."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    published = [row | {"model": f"{row['model']}, published"} for row in pl.read_csv(PUBLISHED).to_dicts()]
    published = [row for row in published if row["task"] in tasks and not row["model"].startswith(NAIVE)]
    means, seeds = by_seed(rows)
    models = collect(means + published)
    by_measure = [by_task(models, tasks, name) for name in MEASURES]
    return "\n\n".join(
        [summary(models, tasks), *(summary(collect(some), tasks) for some in seeds), *by_measure, sources(published)]
    )


def by_seed(rows: list[Row]) -> tuple[list[Row], list[list[Row]]]:
    """The rows, named as means where there are several seeds; the rows of these as models of their own, if so."""
    seeds = {row["seed"] for row in rows}
    if len(seeds) == 1:
        return rows, []
    own, others = ([row for row in rows if (row["model"] == "grucast") is wanted] for wanted in (True, False))
    named = [row | {"model": f"grucast, mean of {len(seeds)} seeds"} for row in own]
    single = [row | {"model": f"grucast, seed {row['seed']}"} for row in own]
    return named + others, [single + [row for row in others if row["model"] == NAIVE]]


def collect(rows: list[Row]) -> dict[str, Scores]:
    """The scores of each model, means over its seeds."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for row in rows:
        own = found.setdefault(row["model"], {})
        for name in MEASURES:
            if row.get(name) is not None:
                own.setdefault(name, {}).setdefault(row["task"], []).append(row[name])
    return {
        model: {name: {task: fmean(seeds) for task, seeds in values.items()} for name, values in own.items()}
        for model, own in found.items()
    }


def relative(models: dict[str, Scores], tasks: list[str], model: str, name: str) -> float | None:
    """Geometric mean over the tasks of a measure relative to the seasonal naive's; None if a task lacks it."""
    own, naive = models[model].get(name, {}), models[NAIVE][name]
    return geometric_mean([own[task] / naive[task] for task in tasks]) if own.keys() >= set(tasks) else None


def summary(models: dict[str, Scores], tasks: list[str]) -> str:
    """A row for each model, the best MASE first."""
    rows = []
    for model, scores in models.items():
        mase, wql, smape = (relative(models, tasks, model, name) for name in RELATIVE)
        covered, seconds = scores.get("coverage", {}).values(), scores.get("seconds", {}).values()
        shares = f"{min(covered):.0%} to {max(covered):.0%}" if covered else ""
        better = sum(value < models[NAIVE]["mase"][task] for task, value in scores.get("mase", {}).items())
        count = f"{better} of {len(tasks)}" if mase else ""
        means = [written("{:.3f}".format, mean) for mean in (mase, wql, smape)]
        rows.append([model, *means, count, shares, f"{sum(seconds):.0f}" if seconds else ""])
    rows.sort(key=lambda row: (not row[1], row[1]))
    heads = [f"mean of {len(tasks)} tasks", "MASE", "WQL", "sMAPE", "better on", "80% interval covers", "CPU s"]
    return f"Relative to the seasonal naive:\n\n{markdown(heads, rows)}"


def by_task(models: dict[str, Scores], tasks: list[str], name: str) -> str:
    """A row for each task, a column for each model that has the measure."""
    title, write = MEASURES[name]
    columns = [model for model, scores in models.items() if scores.get(name)]
    rows = [[task, *(written(write, models[model][name].get(task)) for model in columns)] for task in tasks]
    if name in RELATIVE:
        means = [relative(models, tasks, model, name) for model in columns]
        rows.append(["relative, geometric mean", *(written("{:.3f}".format, mean) for mean in means)])
    return f"{title}:\n\n{markdown(['', *columns], rows)}"


def written(write: Callable[[float], str], value: float | None) -> str:
    """A number, or nothing."""
    return "" if value is None else write(value)


def sources(published: list[Row]) -> str:
    """Where the published figures are from."""
    found: dict[str, dict[str, None]] = {}
    for row in published:
        found.setdefault(row["source"], {})[row["model"].partition(",")[0]] = None
    return "\n".join(f"- {', '.join(models)}: {source}" for source, models in found.items())
