"""What each choice in the forecaster is worth: fit it as it comes, then with one choice changed at a time.

    make bench-ablation                                                   six public tasks of suite.py, three seeds
    .venv/bin/python benchmarks/bench_ablation.py                         the package's bike rentals
    .venv/bin/python benchmarks/bench_ablation.py FILE -h 56 --season-length 7 --seeds 3

FILE is as for bench_forecast.py. The table is printed and saved to benchmarks/results/ablation-NAME.md after each
choice. A difference is that of the same seeds and task, in percent of the default's score; next to it stands the
standard deviation over the seeds, of means over the tasks. Of one seed no difference within a few percent means
anything; "none" says that every score is the same.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.data import features as features_module
from grucast.data.features import Features
from grucast.data.panel import Panel
from grucast.data.smoothing import SMOOTHINGS
from grucast.forecasting import forecaster, plan
from grucast.forecasting.scoring import score_models, seasonal_naive_errors
from grucast.model import models
from grucast.model.values import Values
from grucast.training import forecast, rows
from grucast.training import task as learning
from grucast.training.calibration import Calibration
from grucast.training.gradients import Gradients
from suite import suite
from tasks import Array, Predict, Task, about, columns_of, load, markdown, save, task_parser, to_frame


@dataclass(frozen=True)
class Settings:
    """The defaults as the data decide them, so that each can be halved or doubled."""

    input_size: int
    val_size: int
    training: TrainingConfig
    network: NetworkConfig

    def train(self, **changes: Any) -> "Settings":
        """Change the training."""
        return replace(self, training=replace(self.training, **changes))

    def window(self, steps: int) -> "Settings":
        """Change the window, to whole patches."""
        patch = self.network.patch_size or 1
        return replace(self, input_size=max(steps - steps % patch, patch))

    def shape(self, **changes: Any) -> "Settings":
        """Change the network."""
        return replace(self, network=replace(self.network, **changes))


Change = Callable[[Settings], Settings]
Patch = tuple[Any, str, Callable[[Any], Any]]  # module or class, name, from what is there to what stands in for it


def constant(value: Any) -> Callable[[Any], Any]:
    """Stand-in for a constant."""
    return lambda _: value


def then(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Stand-in for a function: its result, changed."""
    return lambda function: lambda *args, **kwargs: change(function(*args, **kwargs))


def features(change: Callable[[Features], Features]) -> list[Patch]:
    """Change what training and prediction see of a window."""
    return [(models, "make_features", then(change))]


def without_differences(x: Features) -> Features:
    """Zeros for the differences to the seasons before, which follow value and flag."""
    inputs = x.inputs.copy()
    seasons = (x.continuations.shape[1] - len(SMOOTHINGS) - 1) // 2
    inputs[..., 2 : 2 + seasons] = 0
    return x._replace(inputs=inputs)


def without_state(gru_state: Any) -> Any:
    """Zeros for the final states in training, which hold no parameter."""
    return lambda *args: 0 * gru_state(*args).array


# Each is a change of settings, or patches that hold while it is fitted and predicts; keep them to a line.
CHOICES: dict[str, Change | list[Patch]] = {
    "defaults": lambda s: s,
    "no GRU, only the head": [
        (Values, "gru_state", then(lambda state: 0 * state)),
        (Gradients, "gru_state", without_state),
    ],
    "step by step, no patches": lambda s: s.shape(patch_size=1),
    "no movement": features(lambda x: x._replace(static=0 * x.static)),
    "no continuations at a level": [
        (forecaster, "ForecastModel", lambda make: lambda *args, **named: make(*args, **named | {"smoothed": False}))
    ],
    "no continuations": features(lambda x: x._replace(continuations=0 * x.continuations)),
    "only continuations of the last season": [
        (features_module, "native", constant(SimpleNamespace(available=lambda: False))),  # it averages three
        (features_module, "REPEATS", constant(1)),
    ],
    "no seasonal differences": features(without_differences),
    "no calendar": [(forecaster, "usual_cycles", then(lambda _: ()))],
    "three networks, averaged": lambda s: s.train(ensemble=3),
    "only the shortest season": [(plan, "candidate_seasons", then(lambda seasons: seasons[:1]))],
    "errors in percent do not count": [(rows, "LEVEL_SHARE", constant(0.0))],
    "naive errors do not count": features(lambda x: x._replace(naive_error=np.ones_like(x.naive_error))),
    "no second phase on all data": [(learning, "HELD_OUT_SHARE", constant(1.0))],
    "nothing held out": lambda s: replace(s, val_size=0),
    "intervals as trained, not calibrated": [
        (Calibration, "__call__", then(lambda found: ((1.0,) * len(found[0]), found[1])))
    ],
    "no head dropout": lambda s: s.shape(head_dropout=0.0),
    "no weight decay": [(learning, "DECAY", constant(0.0))],
    "constant learning rate": lambda s: s.train(schedule="constant"),
    "half the learning rate": lambda s: s.train(learning_rate=s.training.learning_rate / 2),
    "half the steps": lambda s: s.train(max_steps=s.training.max_steps // 2),
    "twice the steps": lambda s: s.train(max_steps=s.training.max_steps * 2),
    "half the window": lambda s: s.window(s.input_size // 2),
    "twice the window": lambda s: s.window(s.input_size * 2),
    "half the hidden units": lambda s: s.shape(hidden_size=s.network.hidden_size // 2),
    "twice the hidden units": lambda s: s.shape(hidden_size=s.network.hidden_size * 2),
    "two layers": lambda s: s.shape(num_layers=2),
    "reset gate before the product": lambda s: s.shape(reset_after=False),
}


def defaults(task: Task) -> Settings:
    """What the forecaster chooses for a task."""
    panel = task.train
    chosen = plan.make_plan(panel, task.h, None, task.season, None)
    steps, batch_size = forecast.default_steps(panel, task.h), learning.default_batch_size(panel)
    training = TrainingConfig(max_steps=steps, batch_size=batch_size)
    return Settings(chosen.input_size, chosen.held_out, training, chosen.network)


@contextmanager
def patched(patches: list[Patch]) -> Iterator[None]:
    """Put stand-ins in place for the time of the block."""
    with ExitStack() as stack:
        for module, name, stand_in in patches:
            stack.enter_context(patch.object(module, name, stand_in(getattr(module, name))))
        yield


def fit(task: Task, settings: Settings, panel: Panel) -> Predict:
    """GRUForecaster with those settings."""
    forecaster = GRUForecaster(
        task.h, settings.input_size, task.season, (80, 95), network=settings.network, training=settings.training
    ).fit(to_frame(panel), val_size=settings.val_size)
    return lambda known: columns_of(forecaster.predict(to_frame(known)), known, "GRU")


def run(task: Task, choice: str, seeds: int) -> list[list[float]]:
    """MASE, quantile loss, coverage of the 80% interval and seconds to fit of each seed, with one choice changed."""
    warnings.filterwarnings("ignore")
    change, settings = CHOICES[choice], defaults(task)
    patches, settings = (change, settings) if isinstance(change, list) else ([], change(settings))
    naive_errors = seasonal_naive_errors(task.train, getattr(task, "scale_season", task.season))
    found = []
    for seed in range(1, seeds + 1):
        with patched(patches):
            columns, seconds, _ = task.forecasts(partial(fit, task, settings.train(seed=seed)))
        (score,) = score_models(
            task.actual | {f"GRU{bound}": column for bound, column in columns.items()}, naive_errors
        )
        found.append([score.mase, score.scaled_crps, score.coverage[80], seconds])
    return found


def result_table(tasks: list[Task], results: dict[str, Array]) -> str:
    """The default's MASE of each task, then of each choice how scores (tasks, seeds, 4) differ from the default's."""
    names = [task.name.removeprefix("monash_") for task in tasks]
    heads = ["difference in %", "MASE", "quantile loss", *names, "80% interval covers", "fit, s"]
    base = results["defaults"]
    rows = []
    for choice, measured in results.items():
        change = 100 * (measured[..., :2] / base[..., :2] - 1)
        same = np.array_equal(measured[..., :3], base[..., :3])
        means = ["none"] * 2 if same else [mean_and_spread(column) for column in change.mean(0).T]
        own = [f"{value:+.1f}" for value in change[..., 0].mean(1)]
        if choice == "defaults":
            means, own = ["", ""], [f"{value:.3f}" for value in measured[..., 0].mean(1)]
        covered, seconds = measured[..., 2].mean(), measured[..., 3].mean(1).sum()
        rows.append([choice, *means, *own, f"{covered:.1%}", f"{seconds:.1f}"])
    return markdown(heads, rows)


def mean_and_spread(values: Array) -> str:
    """The mean over the seeds, and the standard deviation where there are several."""
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():+.1f}{spread}"


def arguments() -> argparse.Namespace:
    parser = task_parser(__doc__)
    parser.add_argument("--suite", nargs="+", default=[], metavar="NAME", help="tasks of suite.py, instead of a file")
    parser.add_argument("--data", type=Path, help="folder of further tasks of suite.py")
    parser.add_argument("--seeds", type=int, default=1, help="fits of each choice")
    parser.add_argument("--only", choices=list(CHOICES)[1:], nargs="+", default=list(CHOICES)[1:], metavar="CHOICE")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    warnings.filterwarnings("ignore")
    tasks = [task for task in suite(options.data) if task.name in options.suite] if options.suite else [load(options)]
    if missing := set(options.suite) - {task.name for task in tasks}:
        raise SystemExit(f"no task is called {missing.pop()}")
    print(about(), *tasks, sep="\n", flush=True)
    results: dict[str, Array] = {}
    workers = ProcessPoolExecutor(mp_context=get_context("spawn"))
    for choice in ["defaults", *options.only]:
        results[choice] = np.array(list(workers.map(run, tasks, [choice] * len(tasks), [options.seeds] * len(tasks))))
        table = result_table(tasks, results)
        print(table.splitlines()[-1], flush=True)
        whole = replace(tasks[0], name="suite") if options.suite else tasks[0]
        save(whole, "ablation", f"{options.seeds} seeds\n\n{table}")  # the whole table may take an hour
    print(table)


if __name__ == "__main__":
    main()
