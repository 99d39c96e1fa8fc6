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
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray

from grucast import GRUForecaster
from grucast.data.panel import Panel
from grucast.forecasting.baselines import make_baselines
from grucast.forecasting.scoring import Score, score_models, seasonal_naive_errors
from tasks import Predict, Task, about, check, columns_of, load, markdown, save, task_parser, to_frame, whole

Array = NDArray[Any]
Fit = Callable[[Task, Panel], Predict]


def fit_grucast(task: Task, panel: Panel) -> Predict:
    """GRUForecaster as it comes."""
    forecaster = GRUForecaster(task.h, season_length=task.season).fit(to_frame(panel))

    def predict(known: Panel) -> dict[str, Array]:
        return columns_of(forecaster.predict(to_frame(known)), known, "GRU")

    return predict


def fit_neural_defaults(task: Task, panel: Panel) -> Predict:
    """The GRU of neuralforecast as it comes: three horizons, two layers of 200 units, 1000 steps, no intervals."""
    return fit_neural(task, panel)


def fit_neural_week(task: Task, panel: Panel) -> Predict:
    """The GRU of neuralforecast, reading seven seasons, trained for 300 steps, with an 80% interval."""
    from neuralforecast.losses.pytorch import MQLoss

    return fit_neural(task, panel, input_size=7 * task.season, max_steps=300, loss=MQLoss(level=[80]))


def fit_neural(task: Task, panel: Panel, **settings: Any) -> Predict:
    """The GRU of neuralforecast, silent, on steps counted from each series' first."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import GRU

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    model = GRU(task.h, start_padding_enabled=True, enable_checkpointing=False, **quiet, **settings)
    network = NeuralForecast([model], freq=1)
    network.fit(whole(panel))

    def predict(known: Panel) -> dict[str, Array]:
        return columns_of(network.predict(whole(known)).rename({"GRU-median": "GRU"}, strict=False), known, "GRU")

    return predict


def fit_seasonal_naive(task: Task, _: Panel) -> Predict:
    """The last season again."""
    (forecast,) = make_baselines(("seasonal_naive",), (task.season,)).values()
    return lambda known: {"": forecast(known, h=task.h)}


CONTENDERS: dict[str, Fit] = {
    "grucast": fit_grucast,
    "neuralforecast GRU, 300 steps": fit_neural_week,
    "neuralforecast GRU, defaults": fit_neural_defaults,
    "seasonal naive": fit_seasonal_naive,
}


def score_table(scores: list[Score], seconds: dict[str, tuple[float, float]], naive2: list[float] | None) -> str:
    """A table of the scores, the best MASE first."""
    heads = ["", "MASE", "sMAPE, %", *(["OWA"] if naive2 else []), "80% interval covers", "fit, s", "predict, s"]
    rows = []
    for score in scores:
        owa = [f"{(score.smape / naive2[0] + score.mase / naive2[1]) / 2:.3f}"] if naive2 else []
        covered = f"{score.coverage[80]:.1%}" if score.coverage else ""
        fit, predict = seconds[score.model]
        rows.append(
            [score.model, f"{score.mase:.3f}", f"{score.smape:.2f}", *owa, covered, f"{fit:.1f}", f"{predict:.2f}"]
        )
    return markdown(heads, rows)


def arguments() -> argparse.Namespace:
    parser = task_parser(__doc__)
    parser.add_argument("--naive2", type=float, nargs=2, metavar=("SMAPE", "MASE"), help="scores of Naive2, for OWA")
    parser.add_argument("--only", choices=list(CONTENDERS), nargs="+", default=list(CONTENDERS))
    return parser.parse_args()


def main() -> None:
    options = arguments()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    task = load(options)
    print(about(), task, sep="\n", flush=True)
    table, seconds, train = task.actual, {}, task.train
    naive_errors = seasonal_naive_errors(train, task.season)
    for contender in options.only:
        columns, *seconds[contender] = task.forecasts(partial(CONTENDERS[contender], task))
        table |= {contender + bound: column for bound, column in columns.items()}
        scores = score_models(table, naive_errors)
        check(table, scores, train, task.season)
        text = score_table(scores, seconds, options.naive2)
        print(contender, *(f"{value:.2f} s" for value in seconds[contender]), flush=True)
        save(task, "forecast", text)  # each may take minutes
    print(text)


if __name__ == "__main__":
    main()
