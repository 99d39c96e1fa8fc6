import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from types import SimpleNamespace

import optuna
import pytest

from grucast.data.panel import NONE
from grucast.data.sources import take
from grucast.forecasting.engine import HERE
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.tuning import search as searching
from grucast.tuning.referee import Deadline
from grucast.tuning.search import Search, error_of
from tests.tuning.conftest import SMALL, make_days


def searched(days, trials=3, seed=1, engine=HERE):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(SMALL)
    search = Search.of(take(days), 5, NONE, seed)
    search.run(study, trials, Deadline(None), print, engine)
    return study


def test_defaults_are_those_of_the_settings():
    forecaster = Search.of(take(make_days()), 5, NONE, 3).forecaster(searching.DEFAULT, None)
    assert forecaster.network == NetworkConfig()
    assert forecaster.training == TrainingConfig(seed=3)
    assert forecaster.input_size is None


def test_windows_are_multiples_of_the_usual_one():
    search = Search.of(take(make_days()), 5, NONE, 1)
    sizes = [search.forecaster(SMALL | {"window": scale}, None).input_size for scale in (0.5, 2.0)]
    assert sizes == [round(search.usual_window / 2), search.usual_window * 2]


def test_the_same_seed_finds_the_same():
    values = [[trial.value for trial in searched(make_days()).trials] for _ in range(2)]
    assert values[0] == values[1]


def test_the_search_does_not_see_the_last_windows():
    days = make_days()
    values = [trial.value for trial in searched(days).trials]
    later = days["y"].to_numpy().copy()
    later[-15:] += 100
    assert [trial.value for trial in searched(days.with_columns(y=later)).trials] == values
    later[-16] += 100
    assert [trial.value for trial in searched(days.with_columns(y=later)).trials] != values


def test_training_that_falls_behind_is_cut_short(monkeypatch):
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    states = [trial.state.name for trial in searched(make_days()).trials]
    assert states == ["COMPLETE", "PRUNED", "COMPLETE"]


class Threads:
    """Two trials at a time, whose calls come in any order."""

    workers = 2

    def consult(self, work, items, home):
        with ThreadPoolExecutor(2) as pool:
            yield from pool.map(partial(work, referee=Locked(home)), items)


class Locked:
    """An object, one call at a time."""

    def __init__(self, home):
        self.home, self.lock = home, Lock()

    def __getattr__(self, name):
        def call(*given):
            with self.lock:
                return getattr(self.home, name)(*given)

        return call


class Losing:
    """Each trial's node is lost at its third call, and it is done again elsewhere."""

    workers = 2

    def consult(self, work, items, home):
        for item in items:
            with pytest.raises(ConnectionError):
                work(item, Hasty(home))
            yield work(item, home)


class Hasty:
    """An object that is gone after two calls."""

    def __init__(self, home):
        self.home, self.calls = home, 0

    def __getattr__(self, name):
        self.calls += 1
        if self.calls == 3:
            raise ConnectionError
        return getattr(self.home, name)


def test_several_trials_at_once_are_all_told():
    study = searched(make_days(), trials=4, engine=Threads())
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4
    assert study.trials[0].params == SMALL


def test_the_error_of_a_trial_does_not_depend_on_where_it_is_done():
    here, there = searched(make_days(), trials=1), searched(make_days(), trials=1, engine=Threads())
    assert here.best_value == there.best_value


def test_a_trial_that_was_lost_is_done_again_with_its_settings():
    here, there = searched(make_days()), searched(make_days(), engine=Losing())
    assert [trial.value for trial in there.trials] == [trial.value for trial in here.trials]
    assert there.trials[1].intermediate_values == here.trials[1].intermediate_values


def test_the_error_is_mase_or_mae_where_there_is_none():
    assert error_of(SimpleNamespace(mase=0.5, mae=3)) == 0.5
    assert error_of(SimpleNamespace(mase=math.nan, mae=3)) == 3
