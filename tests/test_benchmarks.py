"""What the benchmark of accuracy reads, computes and has saved."""

import json
import math
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module


def test_page_has_the_summary_that_was_saved():
    saved = (BENCHMARKS / "results/accuracy.md").read_text()
    summary = next(part for part in saved.split("\n\n") if part.startswith("| mean of "))
    assert summary in (ROOT / "docs" / "explanation" / "accuracy.md").read_text()


def test_the_published_seasonal_naive_is_reproduced_on_each_task():
    scores = pl.read_csv(BENCHMARKS / "results/accuracy.csv").filter(pl.col("model") == "seasonal naive")
    both = scores.join(pl.read_csv(BENCHMARKS / "published.csv"), on=["task", "model"], suffix="_published")
    assert both.height == scores.height > 7
    np.testing.assert_allclose(both["mase"], both["mase_published"], atol=0.001)
    np.testing.assert_allclose(both["wql"], both["wql_published"], atol=0.0001)


def test_a_folder_of_tasks_is_read_as_it_describes_itself(program, tmp_path, monkeypatch):
    suite = program("suite")
    monkeypatch.setattr(suite, "PACKAGED", {})
    entry = {"horizon": 2, "mase_season": 1, "freq": "D", "seasons": [5]}
    (tmp_path / "manifest.json").write_text(json.dumps({"days": entry, "steps": entry | {"freq": "B"}}))
    frame = pl.DataFrame(
        {"unique_id": ["b"] * 9 + ["a"] * 9, "t": [*range(9)] * 2, "y": [*map(float, range(17)), None]}
    )
    for name in ("days", "steps"):
        frame.write_parquet(tmp_path / f"{name}.parquet")
    days, steps = suite.suite(tmp_path)
    assert (days.h, days.season, days.scale_season, days.panel.frequency.name) == (2, 7, 1, "D")
    assert (steps.h, steps.season, steps.scale_season, steps.panel.frequency.name) == (2, 5, 1, "1")
    np.testing.assert_array_equal(days.actual["y"], [16, np.nan, 7, 8])
    np.testing.assert_array_equal(days.train.series(1), range(7))


def test_means_over_tasks_are_geometric_and_of_seeds_before(program):
    standings = program("standings")
    row = {"task": "x", "model": "seasonal naive", "seed": 1, "mase": 2.0, "wql": 1.0, "smape": 1.0, "coverage": None}
    naive = [row, row | {"task": "y", "mase": 4.0}]
    own = [row | {"model": "grucast", "seed": seed, "mase": mase} for seed, mase in ((1, 0.5), (2, 1.5))]
    other = [{**row, "model": "grucast", "seed": seed, "task": "y", "mase": 3.0} for seed in (1, 2)]
    models = standings.collect(naive + own + other)
    assert standings.relative(models, ["x", "y"], "grucast", "mase") == pytest.approx(math.sqrt(1 / 2 * 3 / 4))
    assert standings.relative(models, ["x", "y", "z"], "grucast", "mase") is None
    assert "| grucast, seed 2 | 0.750 |" in standings.tables(naive + own + other)


@pytest.fixture
def scaled():
    """Figures as of a machine on which a series costs 20 us of a core, 5 of them for the cutting of files."""
    base = {"history": 100, "parts": 110, "forecasts": 200, "state": 250, "grown": 0.001, "database": 1500, "model": 1}
    figures = {"machine": {"processor": "any"}}
    for kind in ("predict", "fit", "stream", "store"):
        for series in (100, 1000, 10_000, 100_000):
            sizes = {name: value * series for name, value in base.items()} | {"model": 180_000}
            times = {"seconds": series * 2e-5 + 0.01, "cpu": series * 2e-5 + 0.01, "cut_cpu": series * 5e-6}
            start = {"start_cpu": 0.01, "start_seconds": 0.01, "memory": 50 + series / 1000}
            figures[f"{kind} {series} 40"] = sizes | times | start
    for steps in (20, 80):
        figures[f"predict 10000 {steps}"] = {"cpu": 10_000 * (10 + 0.25 * steps) * 1e-6}
    return figures


def test_equal_costs_grow_by_an_exponent_of_one_and_are_shared(program, scaled):
    plan = program("scale_plan")
    measured = plan.Measured(scaled)
    assert plan.growth(measured).splitlines()[-1] == "| exponent | 1.00 | 1.00 | 1.00 | 1.00 |"
    assert plan.costs(measured).splitlines()[-1] == "| the most to 1,000 | 1.00 | 1.00 | 1.00 |"
    assert (
        plan.by_steps(measured).splitlines()[-1] == "| µs of a core, each series | 15 | 20 | 30 | 10.0 + 0.250 a step |"
    )
    assert plan.machines(measured).splitlines()[-1] == "| minutes, computed | 16.7 | 2.08 | 0.521 | 0.13 |"


def test_plan_multiplies_what_a_series_takes(program, scaled):
    found = dict(
        re.findall(r"^\| (.*?) \| (.*?) \|$", program("scale_plan").plan(program("scale_plan").Measured(scaled)), re.M)
    )
    assert found["forecast all, hours of a core"] == "0.556"
    assert found["disk for histories, GB"] == "10"
    assert found["through the network, where workers share a file system, GB"] == "52"
    assert found["train on all, GB of memory on the machine that cuts"] == "100"
    assert found["memory for these, GB"] == "100"
    assert found["updates a second of one database, as measured"] == "50,000"


def test_page_has_the_tables_of_scale_that_were_saved():
    saved = (BENCHMARKS / "results/scale.md").read_text()
    page = (ROOT / "docs" / "explanation" / "scale.md").read_text()
    tables = [part for part in saved.split("\n\n") if part.startswith("|")]
    assert len(tables) == 7
    assert all(table.strip() in page for table in tables)
