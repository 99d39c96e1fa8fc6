"""What each choice in the forecaster is worth: fit it as it comes, then with one choice changed at a time.

    make bench-ablation                                                   the package's bike rentals
    .venv/bin/python benchmarks/bench_ablation.py FILE -h 56 --season-length 7 --seeds 3

FILE is as for bench_forecast.py. The table is printed and saved to benchmarks/results/ablation-NAME.md after each
choice. A difference is that of the same seeds, in percent of the default's MASE; next to it stands the standard
deviation over the seeds. Of one seed no difference within a few percent means anything; "none" says that every
score is the same.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
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
from grucast.training import forecast
from grucast.training.calibration import Calibration
from grucast.training.gradients import Gradients
from tasks import Predict, Task, about, columns_of, load, markdown, save, task_parser, to_frame


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
    "errors in percent do not count": [(forecast, "LEVEL_SHARE", constant(0.0))],
    "naive errors do not count": features(lambda x: x._replace(naive_error=np.ones_like(x.naive_error))),
    "no second phase on all data": [(forecast, "HELD_OUT_SHARE", constant(1.0))],
    "nothing held out": lambda s: replace(s, val_size=0),
    "no early stopping": lambda s: s.train(patience=10**9),
    "intervals as trained, not calibrated": [
        (Calibration, "__call__", then(lambda found: ((1.0,) * len(found[0]), found[1])))
    ],
    "no head dropout": lambda s: s.shape(head_dropout=0.0),
    "no weight decay": [(forecast, "DECAY", constant(0.0))],
    "no gradient clipping": lambda s: s.train(gradient_clip=None),
    "constant learning rate": lambda s: s.train(schedule="constant"),
    "half the learning rate": lambda s: s.train(learning_rate=s.training.learning_rate / 2),
    "half the steps": lambda s: s.train(max_steps=s.training.max_steps // 2),
    "twice the steps": lambda s: s.train(max_steps=s.training.max_steps * 2),
    "64 windows a step": lambda s: s.train(batch_size=64),
    "half the window": lambda s: replace(s, input_size=max(s.input_size // 2, 1)),
    "twice the window": lambda s: replace(s, input_size=s.input_size * 2),
    "half the hidden units": lambda s: s.shape(hidden_size=s.network.hidden_size // 2),
    "twice the hidden units": lambda s: s.shape(hidden_size=s.network.hidden_size * 2),
    "two layers": lambda s: s.shape(num_layers=2),
    "reset gate before the product": lambda s: s.shape(reset_after=False),
}


def defaults(task: Task, max_steps: int | None) -> Settings:
    """What the forecaster chooses for a task."""
    panel = task.train
    chosen = plan.make_plan(panel, task.h, None, task.season, None)
    steps, batch_size = max_steps or forecast.default_steps(panel, task.h), forecast.default_batch_size(panel)
    training = TrainingConfig(max_steps=steps, batch_size=batch_size)
    return Settings(chosen.input_size, chosen.held_out, training, NetworkConfig())


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


def run(task: Task, choice: str, settings: Settings, naive_errors: Any) -> list[float]:
    """MASE, sMAPE, coverage of the 80% interval and seconds to fit with one choice changed."""
    change = CHOICES[choice]
    patches, settings = (change, settings) if isinstance(change, list) else ([], change(settings))
    with patched(patches):
        columns, seconds, _ = task.forecasts(partial(fit, task, settings))
    (score,) = score_models(task.actual | {f"GRU{bound}": column for bound, column in columns.items()}, naive_errors)
    return [score.mase, score.smape, score.coverage[80], seconds]


def result_table(results: dict[str, list[list[float]]]) -> str:
    """Means over the seeds, and the difference to the defaults."""
    heads = ["", "MASE", "difference, %", "sMAPE, %", "80% interval covers", "fit, s"]
    base = np.array(results["defaults"])[:, 0]
    rows = []
    for choice, measured in results.items():
        mase, smape, covered, seconds = np.mean(measured, axis=0)
        change = 100 * (np.array(measured)[:, 0] / base - 1)
        spread = f" ± {change.std(ddof=1):.1f}" if len(base) > 1 else ""
        same = all(a[:3] == b[:3] for a, b in zip(measured, results["defaults"], strict=True))
        difference = "none" if same else f"{change.mean():+.1f}{spread}"
        rows.append(
            [choice, f"{mase:.3f}", difference if rows else "", f"{smape:.2f}", f"{covered:.1%}", f"{seconds:.1f}"]
        )
    return markdown(heads, rows)


def arguments() -> argparse.Namespace:
    parser = task_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="fits of each choice")
    parser.add_argument("--max-steps", type=int, help="gradient steps; as the forecaster chooses if not given")
    parser.add_argument("--only", choices=list(CHOICES)[1:], nargs="+", default=list(CHOICES)[1:], metavar="CHOICE")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    warnings.filterwarnings("ignore")
    task = load(options)
    print(about(), task, sep="\n", flush=True)
    settings, naive_errors = defaults(task, options.max_steps), seasonal_naive_errors(task.train, task.season)
    chosen = f"{settings.training.max_steps} steps, seeds 1 to {options.seeds}, window {settings.input_size}"
    results = {}
    for choice in ["defaults", *options.only]:
        seeds = range(1, options.seeds + 1)
        results[choice] = [run(task, choice, settings.train(seed=seed), naive_errors) for seed in seeds]
        text = f"{chosen}\n\n{result_table(results)}"
        print(text.splitlines()[-1], flush=True)
        save(task, "ablation", text)  # the whole table may take an hour
    print(text)


if __name__ == "__main__":
    main()
