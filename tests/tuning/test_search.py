import math
from datetime import timedelta
from types import SimpleNamespace

import optuna
import pytest

from grucast.data.panel import NONE
from grucast.data.sources import take
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.tuning import search as searching
from grucast.tuning.search import Deadline, Search, error_of
from tests.tuning.conftest import SMALL, make_days


def searched(days, trials=3, seed=1):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(SMALL)
    search = Search.of(take(days), 5, NONE, seed)
    search.run(study, trials, Deadline(None), print)
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


def test_the_search_ends_while_there_is_time_for_what_follows(monkeypatch):
    search, limits = Search.of(take(make_days()), 5, NONE, 1), []
    now = [0.0]
    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def attempt(_, study, limit):
        limits.append(limit)
        now[0] += 10
        study.tell(study.ask(), 1.0)

    monkeypatch.setattr(Search, "attempt", attempt)
    study = optuna.create_study()
    monkeypatch.setattr(searching, "seconds_after", lambda _: 35.0)
    monkeypatch.setattr(optuna.trial.FrozenTrial, "duration", timedelta(seconds=10))
    search.run(study, 1000, Deadline(100), print)
    assert limits == [30, 55, 45, 35, 25, 15]


def test_what_follows_is_the_defaults_and_the_best_once_more_and_the_model(monkeypatch):
    study = optuna.create_study()
    for value in (2.0, 1.0):
        study.tell(study.ask(), value)
    seconds = property(lambda trial: timedelta(seconds=4 if trial.number else 10))
    monkeypatch.setattr(optuna.trial.FrozenTrial, "duration", seconds)
    assert searching.seconds_after(study) == 20


@pytest.mark.parametrize(("seconds", "share"), [(None, None), (100, 50), (0.1, 1)])
def test_a_share_of_the_time_that_is_left(seconds, share):
    found = Deadline(seconds).share(0.5)
    assert found == (share if share is None else pytest.approx(share, abs=0.1))


def test_the_error_is_mase_or_mae_where_there_is_none():
    assert error_of(SimpleNamespace(mase=0.5, mae=3)) == 0.5
    assert error_of(SimpleNamespace(mase=math.nan, mae=3)) == 3
