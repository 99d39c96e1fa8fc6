from datetime import timedelta
from types import SimpleNamespace

import optuna
import pytest
from optuna.distributions import FloatDistribution

from grucast.tuning import referee as refereeing
from grucast.tuning.referee import Deadline, Referee

SPACE = {"x": FloatDistribution(0, 1)}


@pytest.fixture
def study():
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))


def test_trials_begin_while_there_is_time_for_what_follows(monkeypatch, study):
    now, limits = [0.0], []
    monkeypatch.setattr(refereeing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(refereeing, "seconds_after", lambda _: 35.0)
    monkeypatch.setattr(optuna.trial.FrozenTrial, "duration", timedelta(seconds=10))
    with Referee(study, SPACE, Deadline(100)) as referee:
        for place in referee.places(1000):
            limits.append(referee.begin(place)[1])
            now[0] += 10
            referee.end(place, 1.0)
    assert limits == [30, 55, 45, 35, 25, 15]


def test_there_are_as_many_trials_as_wanted_those_before_included(study):
    study.tell(study.ask(), 1.0)
    assert len(list(Referee(study, SPACE, Deadline(None)).places(3))) == 2


def test_what_is_begun_again_has_its_settings_and_tells_nothing_twice(study):
    with Referee(study, SPACE, Deadline(None)) as referee:
        first, again = referee.begin(0), referee.begin(0)
        assert first == again
        assert referee.begin(1) != first
        for error in (3.0, 2.0):
            referee.is_behind(0, 10, error)
    assert study.trials[0].intermediate_values == {10: 3.0}


@pytest.mark.parametrize(("error", "waiting"), [(KeyboardInterrupt, 1), (MemoryError, 0)])
def test_trials_left_open_failed_and_come_again_after_an_interrupt(study, error, waiting):
    def stopped():
        with Referee(study, SPACE, Deadline(None)) as referee:
            for place in range(3):
                referee.begin(place)
            referee.end(0, 1.0)
            referee.end(1, None)
            raise error

    with pytest.raises(error):
        stopped()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "FAIL", *["WAITING"] * waiting]
    again = Referee(study, SPACE, Deadline(None))
    assert len(list(again.places(5))) == 3
    assert (again.begin(0)[0] == study.trials[2].params) == bool(waiting)


def test_what_follows_is_the_defaults_and_the_best_once_more_and_the_model(monkeypatch, study):
    for value in (2.0, 1.0):
        study.tell(study.ask(), value)
    seconds = property(lambda trial: timedelta(seconds=4 if trial.number else 10))
    monkeypatch.setattr(optuna.trial.FrozenTrial, "duration", seconds)
    assert refereeing.seconds_after(study) == 20


@pytest.mark.parametrize(("seconds", "share"), [(None, None), (100, 50), (0.1, 1)])
def test_a_share_of_the_time_that_is_left(seconds, share):
    found = Deadline(seconds).share(0.5)
    assert found == (share if share is None else pytest.approx(share, abs=0.1))
