"""The verb: search, score what was found on windows that the search did not see, train it on all data."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

import optuna
import polars as pl
from optuna.trial import TrialState

from grucast.data.covariates import Covariates
from grucast.data.fingerprint import panel_fingerprint
from grucast.data.panel import NONE
from grucast.data.reading.intake import Intake
from grucast.data.reading.options import Options, ReadOptions
from grucast.data.sources import take
from grucast.errors import ConfigError, DataWarning
from grucast.forecasting.arguments import positive
from grucast.forecasting.engine import HERE, Engine
from grucast.tuning.referee import Deadline
from grucast.tuning.result import Tuning
from grucast.tuning.search import DEFAULT, SPACE, Search

STARTING = 5  # trials before any is cut short
NAME = "grucast"


def tune(
    data: Any,
    h: int,
    trials: int = 30,
    max_time: float | None = None,
    *,
    study: str | Path | None = None,
    seed: int = 1,
    covariates: Covariates = NONE,
    engine: Engine = HERE,
    **options: Unpack[Options],
) -> Tuning:
    """Search the settings of `SPACE` for the least error on past windows, then compare with the defaults on later ones.

    The defaults are the first trial; trainings that fall behind half of those before are cut short. The error is MASE,
    or MAE where no series has one.

    Args:
        data: Anything that `grucast.read` takes.
        h: Steps to forecast.
        trials: How many in all, those of a study that is gone on with included.
        max_time: Seconds for everything; the search leaves enough of them to the trainings after it. None for no limit.
        study: File of Optuna's record (SQLite), gone on with if it is there; none is kept when None.
        seed: Of the search and of each training.
        covariates: Columns besides y.
        engine: What does the trials, such as a `RayEngine`: several at once, each on one core, so that which settings
            come next depends on which trials are over.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        ConfigError: An argument has no meaning, or the study is of other data or another horizon.
        DataError: The data cannot be used, or are too short.

    Source: Akiba et al. 2019, arXiv:1907.10902.

    >>> from grucast.data import example
    >>> with warnings.catch_warnings(action="ignore"):  # one trial finds nothing better
    ...     found = tune(example().tail(400), h=6, trials=1, max_time=6)
    >>> found.settings["hidden_size"], found.better
    (64, False)
    """
    intake = take(data, ReadOptions.of(**options))
    found = tune_intake(intake, Search.of(intake, h, covariates, seed), trials, max_time, study, nobody, engine)
    if not found.better:
        warnings.warn(found.verdict, DataWarning, stacklevel=2)
    return found


def nobody(done: int, trials: int) -> None:
    """Hears of trials and says nothing."""


def tune_intake(
    intake: Intake,
    search: Search,
    trials: int,
    max_time: float | None,
    study: str | Path | None,
    told: Callable[[int, int], None],
    engine: Engine = HERE,
) -> Tuning:
    """As `tune`, of series that were taken in; `told` hears of each trial."""
    end = Deadline(max_time)
    record = open_study(study, search)
    search.run(record, positive("trials", trials), end, told, engine)
    settings = record.best_params
    default = search.score_later(DEFAULT, end)
    best = default if settings == DEFAULT else search.score_later(settings, end)
    forecaster = search.forecaster(settings, end.share(1.0))
    forecaster.fit_panel(search.panel, search.kind, reading=intake.options)
    return Tuning(forecaster, settings, table_of(record), best, default, record)


def open_study(path: str | Path | None, search: Search) -> Any:
    """A study, new or gone on with.

    Raises:
        ConfigError: It is of other data or another horizon, or the file is none.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=search.seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTING)
    storage = None if path is None else f"sqlite:///{path}"
    try:
        record = optuna.create_study(
            storage=storage, study_name=NAME, sampler=sampler, pruner=pruner, load_if_exists=True
        )
    except Exception as error:  # of sqlalchemy, which Optuna lets through
        raise ConfigError(f"{path} is no study that can be gone on with: name another file ({error})") from error
    told = {"data": panel_fingerprint(search.panel), "h": search.h}
    if not record.trials:
        for name, value in told.items():
            record.set_user_attr(name, value)
        record.enqueue_trial(DEFAULT)
    elif record.user_attrs != told:
        raise ConfigError(f"the study in {path} is of other data or another horizon: name another file, or delete it")
    return record


def table_of(study: Any) -> pl.DataFrame:
    """The trials, the best first."""
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "error": trial.value if trial.state == TrialState.COMPLETE else None,
            "seconds": trial.duration.total_seconds() if trial.duration else None,
        }
        | {name: trial.params.get(name) for name in SPACE}
        for trial in study.trials
    ]
    return pl.DataFrame(rows, infer_schema_length=None).sort("error", nulls_last=True, maintain_order=True)
