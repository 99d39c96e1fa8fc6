"""What the benchmarks of forecasts share: series with test horizons, their forecasts, and tables."""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from grucast.data import example
from grucast.data.panel import Panel, make_panel
from grucast.forecasting.scoring import Score
from grucast.model.outputs.quantiles import Quantiles
from machine import facts

RESULTS = Path(__file__).parent / "results"
BIKE_STEPS = 56 * 24  # test steps of the bike rentals; a fortnight would be Christmas alone

Array = NDArray[Any]
Predict = Callable[[Panel], dict[str, Array]]  # from a panel to columns ("", "-lo-80", "-hi-80") of (S, h)


@dataclass(frozen=True)
class Task:
    """Series whose last `windows` horizons of h steps are forecast, each from what was known before it."""

    name: str
    panel: Panel
    windows: int
    h: int
    season: int

    def __str__(self) -> str:
        steps = f"{self.windows} x {self.h} test steps, season {self.season}"
        return f"{self.name}: {len(self.panel)} series of {self.panel.frequency.name}, {steps}"

    @property
    def train(self) -> Panel:
        """What is known before the first test step."""
        return self.panel.drop_last(self.windows * self.h)

    @property
    def known(self) -> Iterator[Panel]:
        """What is known before each test horizon."""
        return (self.panel.drop_last(self.h * left) for left in range(self.windows, 0, -1))

    @property
    def actual(self) -> dict[str, Array]:
        """Series, step and actual value of each row that forecasts fill."""
        size, steps = len(self.panel), self.windows * self.h
        tails = self.panel.tails(steps).reshape(size, self.windows, self.h).swapaxes(0, 1)
        return {
            "series": np.broadcast_to(np.arange(size)[:, None], tails.shape).ravel(),
            "step": np.broadcast_to(np.arange(1, self.h + 1), tails.shape).ravel(),
            "y": tails.ravel(),
        }

    def forecasts(self, fit: Callable[[Panel], Predict]) -> tuple[dict[str, Array], float, float]:
        """Train once, forecast all test horizons: flat columns, seconds to fit and to predict."""
        start = time.perf_counter()
        predict = fit(self.train)
        middle = time.perf_counter()
        pieces = [predict(panel) for panel in self.known]
        end = time.perf_counter()
        columns = {bound: np.concatenate([piece[bound].ravel() for piece in pieces]) for bound in pieces[0]}
        return columns, middle - start, end - middle


def task_parser(doc: str) -> argparse.ArgumentParser:
    """Arguments that name a task."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0], add_help=False)
    parser.add_argument("--help", action="help")
    parser.add_argument("file", nargs="?", type=Path, help="CSV or Parquet; the package's bike rentals if not given")
    parser.add_argument("-h", "--horizon", type=int, default=24)
    parser.add_argument("--season-length", type=int, default=24)
    parser.add_argument(
        "--test-steps", type=int, help="last steps of each series to test on; those of the column split if not given"
    )
    return parser


def load(options: argparse.Namespace) -> Task:
    """The task that the arguments name."""
    h, season = options.horizon, options.season_length
    if options.file is None:
        return Task("bikes", make_panel(example()), (options.test_steps or BIKE_STEPS) // h, h, season)
    file = options.file
    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, try_parse_dates=True)
    steps = options.test_steps or h
    if "split" in frame.columns and options.test_steps is None:
        steps = frame.filter(pl.col("split") == "test")["unique_id"].value_counts()["count"].max()
    return Task(file.stem, make_panel(frame), steps // h, h, season)


def to_frame(panel: Panel) -> pl.DataFrame:
    """The panel as a frame, a row a step; null where not observed."""
    return pl.DataFrame(
        {
            "unique_id": np.array([str(name) for name in panel.ids])[panel.owners],
            "ds": panel.frequency.times(panel.starts[panel.owners], panel.positions),
            "y": panel.values,
        }
    ).with_columns(pl.col("y").fill_nan(None))


def whole(panel: Panel) -> pl.DataFrame:
    """The panel as a frame with counted steps, interpolated where not observed."""
    y = pl.col("y").interpolate().forward_fill().over("unique_id")
    return to_frame(panel).with_columns(y, ds=pl.Series(panel.positions))


def columns_of(frame: pl.DataFrame, panel: Panel, model: str, level: tuple[int, ...] = (80,)) -> dict[str, Array]:
    """A model's columns of a frame of forecasts, each (S, h) in the order of the panel."""
    order = pl.DataFrame({"unique_id": [str(name) for name in panel.ids], "place": range(len(panel))})
    rows = frame.join(order, on="unique_id").sort("place", "ds")
    bounds = ["", *(f"-{side}-{percent}" for percent in level for side in ("lo", "hi"))]
    found = [bound for bound in bounds if model + bound in rows.columns]
    return {bound: rows[model + bound].to_numpy().reshape(len(panel), -1) for bound in found}


def check(table: dict[str, Array], scores: list[Score], train: Panel, season: int) -> None:
    """Let utilsforecast compute the scores again."""
    from utilsforecast import losses

    ids = np.array([str(name) for name in train.ids])[table["series"]]
    models = {name: column for name, column in table.items() if name not in ("series", "step")}
    rows = pl.DataFrame({"unique_id": ids, **models}).with_columns(pl.col("y").fill_nan(None)).drop_nulls("y")
    pooled = rows.with_columns(unique_id=pl.lit("all"))
    for score in scores:
        model = [score.model]
        scaled = losses.mase(rows, model, season, to_frame(train))[score.model].fill_nan(None)
        wanted = [scaled.replace([np.inf, -np.inf], None).mean(), 200 * losses.smape(pooled, model)[score.model][0]]
        found = [score.mase, score.smape]
        if score.coverage:
            lower, upper = (
                [f"{score.model}-{side}-{percent:g}" for percent in score.coverage] for side in ("lo", "hi")
            )
            quantiles = {score.model: [*reversed(lower), score.model, *upper]}
            probabilities = np.array(Quantiles(tuple(score.coverage)).probabilities)
            wanted.append(losses.scaled_crps(pooled, quantiles, probabilities)[score.model][0])
            wanted.append(losses.coverage(pooled, model, 80)[score.model][0])
            found += [score.scaled_crps, score.coverage[80]]
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def about() -> str:
    """Machine and versions, on a line."""
    return ", ".join(f"{key} {value}" for key, value in facts().items())


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


def save(task: Task, kind: str, text: str) -> None:
    """Write a table to results/KIND-NAME.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{kind}-{task.name}.md").write_text(f"{about()}\n\n{task}\n\n{text}\n")
