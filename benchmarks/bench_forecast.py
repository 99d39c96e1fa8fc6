"""Forecast accuracy and seconds of grucast, neuralforecast's GRU and the seasonal naive on one split.

Each is trained once, before the test steps, and forecasts them horizon by horizon from what was known before each.
Steps that were not observed are not scored; neuralforecast, which takes none, sees them interpolated. utilsforecast
must agree with the scores. The table is printed and saved to benchmarks/results/forecast-NAME.md.

    make bench-forecast                                                   the package's bike rentals
    .venv-bench/bin/python benchmarks/bench_forecast.py FILE -h 48 --season-length 24

FILE is CSV or Parquet with the columns unique_id, ds, y and, if the test steps are not the last -h or --test-steps of
each series, split (train, test).
"""

import argparse
import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from utilsforecast import losses

from grucast import GRUForecaster
from grucast.data import example
from grucast.data.panel import Panel, make_panel
from grucast.forecasting.baselines import make_baselines
from grucast.forecasting.scoring import Score, score_models, seasonal_naive_errors
from machine import facts

RESULTS = Path(__file__).parent / "results"
BIKE_DAYS = 56  # test horizons of the bike rentals; a fortnight would be Christmas alone

Array = NDArray[Any]
Predict = Callable[[Panel], dict[str, Array]]  # from a panel to columns ("", "-lo-80", "-hi-80") of (S, h)
Fit = Callable[[Panel, argparse.Namespace], Predict]


def fit_grucast(panel: Panel, options: argparse.Namespace) -> Predict:
    """GRUForecaster as it comes."""
    forecaster = GRUForecaster(options.horizon, season_length=options.season_length).fit(to_frame(panel))

    def predict(known: Panel) -> dict[str, Array]:
        return columns_of(forecaster.predict(to_frame(known)), known, "GRU")

    return predict


def fit_neural_defaults(panel: Panel, options: argparse.Namespace) -> Predict:
    """The GRU of neuralforecast as it comes: three horizons, two layers of 200 units, 1000 steps, no intervals."""
    return fit_neural(panel, options)


def fit_neural_week(panel: Panel, options: argparse.Namespace) -> Predict:
    """The GRU of neuralforecast, reading seven seasons, trained for 300 steps, with an 80% interval."""
    from neuralforecast.losses.pytorch import MQLoss

    return fit_neural(panel, options, input_size=7 * options.season_length, max_steps=300, loss=MQLoss(level=[80]))


def fit_neural(panel: Panel, options: argparse.Namespace, **settings: Any) -> Predict:
    """The GRU of neuralforecast, silent, on steps counted from each series' first."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import GRU

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    model = GRU(options.horizon, start_padding_enabled=True, enable_checkpointing=False, **quiet, **settings)
    network = NeuralForecast([model], freq=1)
    network.fit(whole(panel))

    def predict(known: Panel) -> dict[str, Array]:
        return columns_of(network.predict(whole(known)).rename({"GRU-median": "GRU"}, strict=False), known, "GRU")

    return predict


def fit_seasonal_naive(_: Panel, options: argparse.Namespace) -> Predict:
    """The last season again."""
    (forecast,) = make_baselines(("seasonal_naive",), (options.season_length,)).values()
    return lambda known: {"": forecast(known, h=options.horizon)}


CONTENDERS: dict[str, Fit] = {
    "grucast": fit_grucast,
    "neuralforecast GRU, 300 steps": fit_neural_week,
    "neuralforecast GRU, defaults": fit_neural_defaults,
    "seasonal naive": fit_seasonal_naive,
}


def to_frame(panel: Panel) -> pl.DataFrame:
    """The panel as a frame, a row a step; null where not observed."""
    return pl.DataFrame(
        {
            "unique_id": np.repeat(np.array([str(name) for name in panel.ids]), panel.lengths),
            "ds": panel.frequency.times(np.repeat(panel.starts, panel.lengths), ranks(panel)),
            "y": panel.values,
        }
    ).with_columns(pl.col("y").fill_nan(None))


def whole(panel: Panel) -> pl.DataFrame:
    """The panel as a frame with counted steps, interpolated where not observed."""
    y = pl.col("y").interpolate().forward_fill().over("unique_id")
    return to_frame(panel).with_columns(y, ds=pl.Series(ranks(panel)))


def ranks(panel: Panel) -> NDArray[np.int64]:
    """Step of each value within its series."""
    return np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], panel.lengths)


def columns_of(frame: pl.DataFrame, panel: Panel, model: str) -> dict[str, Array]:
    """A model's columns of a frame of forecasts, each (S, h) in the order of the panel."""
    order = pl.DataFrame({"unique_id": [str(name) for name in panel.ids], "place": range(len(panel))})
    rows = frame.join(order, on="unique_id").sort("place", "ds")
    found = [bound for bound in ("", "-lo-80", "-hi-80") if model + bound in rows.columns]
    return {bound: rows[model + bound].to_numpy().reshape(len(panel), -1) for bound in found}


def load(options: argparse.Namespace) -> tuple[str, Panel, int]:
    """Name, series and number of test horizons."""
    if options.file is None:
        return "bikes", make_panel(example()), BIKE_DAYS
    file = options.file
    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, try_parse_dates=True)
    steps = options.test_steps or options.horizon
    if "split" in frame.columns and options.test_steps is None:
        steps = frame.filter(pl.col("split") == "test")["unique_id"].value_counts()["count"].max()
    return file.stem, make_panel(frame), steps // options.horizon


def run(name: str, panel: Panel, windows: int, options: argparse.Namespace) -> tuple[dict[str, Array], float, float]:
    """One contender's forecasts of all windows, flat, and its seconds to fit and to predict."""
    h = options.horizon
    start = time.perf_counter()
    predict = CONTENDERS[name](panel.drop_last(windows * h), options)
    middle = time.perf_counter()
    pieces = [predict(panel.drop_last(drop)) for drop in drops(windows, h)]
    end = time.perf_counter()
    columns = {name + bound: np.concatenate([piece[bound].ravel() for piece in pieces]) for bound in pieces[0]}
    return columns, middle - start, end - middle


def drops(windows: int, h: int) -> list[int]:
    """Steps after each cutoff."""
    return [h * left for left in range(windows, 0, -1)]


def what_came(panel: Panel, windows: int, h: int) -> dict[str, Array]:
    """Series, step and actual value of each row that the contenders fill."""
    tails = panel.tails(windows * h).reshape(len(panel), windows, h).swapaxes(0, 1)
    series = np.broadcast_to(np.arange(len(panel))[:, None], tails.shape)
    return {
        "series": series.ravel(),
        "step": np.broadcast_to(np.arange(1, h + 1), tails.shape).ravel(),
        "y": tails.ravel(),
    }


def check(table: dict[str, Array], scores: list[Score], train: Panel, season: int) -> None:
    """Let utilsforecast compute the scores again."""
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
            wanted.append(losses.coverage(pooled, model, 80)[score.model][0])
            found.append(score.coverage[80])
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def markdown(scores: list[Score], seconds: dict[str, tuple[float, float]], naive2: list[float] | None) -> str:
    """A table of the scores, the best MASE first."""
    heads = ["", "MASE", "sMAPE, %", *(["OWA"] if naive2 else []), "80% interval covers", "fit, s", "predict, s"]
    rows = [heads, ["---"] * len(heads)]
    for score in scores:
        owa = [f"{(score.smape / naive2[0] + score.mase / naive2[1]) / 2:.3f}"] if naive2 else []
        covered = f"{score.coverage[80]:.1%}" if score.coverage else ""
        fit, predict = seconds[score.model]
        rows.append(
            [score.model, f"{score.mase:.3f}", f"{score.smape:.2f}", *owa, covered, f"{fit:.1f}", f"{predict:.2f}"]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], add_help=False)
    parser.add_argument("--help", action="help")
    parser.add_argument("file", nargs="?", type=Path, help="CSV or Parquet; the package's bike rentals if not given")
    parser.add_argument("-h", "--horizon", type=int, default=24)
    parser.add_argument("--season-length", type=int, default=24)
    parser.add_argument(
        "--test-steps", type=int, help="last steps of each series to test on, if it has no column split"
    )
    parser.add_argument("--naive2", type=float, nargs=2, metavar=("SMAPE", "MASE"), help="scores of Naive2, for OWA")
    parser.add_argument("--only", choices=list(CONTENDERS), nargs="+", default=list(CONTENDERS))
    return parser.parse_args()


def main() -> None:
    options = arguments()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    name, panel, windows = load(options)
    h, season = options.horizon, options.season_length
    about = ", ".join(f"{key} {value}" for key, value in facts().items())
    task = f"{name}: {len(panel)} series of {panel.frequency.name}, {windows} x {h} test steps, season {season}"
    print(about, task, sep="\n", flush=True)
    table, seconds, train = what_came(panel, windows, h), {}, panel.drop_last(windows * h)
    naive_errors = seasonal_naive_errors(train, season)
    RESULTS.mkdir(exist_ok=True)
    for contender in options.only:
        columns, *seconds[contender] = run(contender, panel, windows, options)
        table |= columns
        scores = score_models(table, naive_errors)
        check(table, scores, train, season)
        text = markdown(scores, seconds, options.naive2)
        print(contender, *(f"{value:.2f} s" for value in seconds[contender]), flush=True)
        (RESULTS / f"forecast-{name}.md").write_text(f"{about}\n\n{task}\n\n{text}\n")  # each may take minutes
    print(text)


if __name__ == "__main__":
    main()
