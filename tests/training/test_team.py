from contextlib import closing
from functools import partial

import numpy as np
import polars as pl
import pytest

from grucast import NetworkConfig, TrainingConfig
from grucast.data.encoding import Schema
from grucast.data.panel import make_panel
from grucast.data.reading.options import ReadOptions
from grucast.errors import WorkerLostError
from grucast.forecasting.plan import make_plan, untrained
from grucast.training import team as teams
from grucast.training.crew import LocalCrew
from grucast.training.forecast import train_forecaster, train_task
from grucast.training.rows import numbers_of
from grucast.training.task import Task
from grucast.training.team import Team, TeamMembers, TeamWindows
from grucast.training.worker import Worker

TRAINING = TrainingConfig(max_steps=12, batch_size=200, ensemble=2)


@pytest.fixture
def frames(rng):
    """Daily series of unequal lengths with gaps, in five parts."""
    days = np.datetime64("2024-01-01", "us") + np.arange(60) * np.timedelta64(1, "D")
    sizes = [60, 60, 40, 18, 60, 55, 60, 10, 60, 60]
    each = [
        pl.DataFrame({"unique_id": f"s{i}", "ds": days[:n], "y": rng.gamma(2, 5 + i, n)}).filter(rng.random(n) > 0.1)
        for i, n in enumerate(sizes)
    ]
    return [pl.concat(each[place : place + 2]) for place in range(0, 10, 2)]


@pytest.fixture
def untrained_model(frames):
    panel = make_panel(pl.concat(frames))
    plan = make_plan(panel, 5, 14, 7, 10, NetworkConfig(hidden_size=4, head_size=8, head_dropout=0.3))
    return untrained(panel, plan, 5, (80.0,), Schema((), ("week",)), TRAINING, ReadOptions()), panel


def read(frame, frequency):
    return make_panel(frame, frequency)


def hire(frames, number, crew=LocalCrew):
    own = [{part: frames[part] for part in range(worker, len(frames), number)} for worker in range(number)]
    return crew([partial(Worker, parts, read) for parts in own])


def train(model, team):
    with closing(team):
        team.outline()
        team.prepare(model, 10, 200)
        members = TeamMembers(team, model.definition, TRAINING.seed, model.members)
        task = Task.on(TeamWindows(team), model, 200)
        return train_task(task, members, TRAINING, (12, 10), None, None, None)


def same(found, wanted):
    assert found[1] == wanted[1]
    for name, array in wanted[0].weights.items():
        np.testing.assert_array_equal(found[0].weights[name], array, err_msg=name)
    assert found[0].factors == wanted[0].factors
    assert found[0].dependence == wanted[0].dependence


@pytest.mark.parametrize("number", [1, 2, 3, 5])
@pytest.mark.parametrize("pieces", [1, 2, 1000])
def test_any_number_of_workers_gives_the_bits_of_one_panel(frames, untrained_model, number, pieces, monkeypatch):
    model, panel = untrained_model
    monkeypatch.setattr(teams, "ROUND", 5)
    monkeypatch.setattr(teams, "PIECE", 100)
    monkeypatch.setattr(teams, "CALL", pieces * 100 * numbers_of(model))
    same(train(model, Team(partial(hire, frames, number))), train_forecaster(panel, model, TRAINING, 10))


class Failing(LocalCrew):
    """Workers of which one is lost at some calls."""

    calls = 0
    lost = frozenset()

    def _count(self):
        Failing.calls += 1
        if Failing.calls in Failing.lost:
            raise WorkerLostError("gone")

    def each(self, *given):
        self._count()
        return super().each(*given)

    def shuffle(self, *given):
        self._count()
        return super().shuffle(*given)

    def answers(self, *given):
        self._count()
        return super().answers(*given)


@pytest.mark.parametrize("lost", [{1}, {2}, {3}, {6}, {8}, {9}, {12, 13, 15}, {17, 25}])
def test_work_of_lost_workers_is_done_again_to_the_same_bits(frames, untrained_model, lost, monkeypatch):
    monkeypatch.setattr(teams, "ROUND", 5)
    monkeypatch.setattr(Failing, "calls", 0)
    monkeypatch.setattr(Failing, "lost", lost)
    model, panel = untrained_model
    numbers = iter([3, 2, 1, 2, 3])
    found = train(model, Team(lambda: hire(frames, next(numbers), Failing)))
    assert Failing.calls > max(lost)
    same(found, train_forecaster(panel, model, TRAINING, 10))


def test_workers_that_are_lost_again_and_again_are_given_up(frames, untrained_model, monkeypatch):
    monkeypatch.setattr(Failing, "calls", 0)
    monkeypatch.setattr(Failing, "lost", set(range(8, 99)))
    with pytest.raises(WorkerLostError, match="gone"):
        train(untrained_model[0], Team(lambda: hire(frames, 2, Failing)))
    assert Failing.calls < 15


def test_parts_on_another_frequency_are_read_on_that_of_the_first(rng):
    days = np.datetime64("2024-01-01", "us") + np.arange(30) * np.timedelta64(1, "D")
    daily = pl.DataFrame({"unique_id": "a", "ds": days, "y": rng.random(30)})
    sparse = pl.DataFrame({"unique_id": "b", "ds": days[[0, 4, 6, 12, 20, 28]], "y": rng.random(6)})
    team = Team(partial(hire, [daily, sparse], 2))
    assert team.outline().lengths.tolist() == [30, 29]
    team.close()
