import pytest

from grucast.training import timer
from grucast.training.timer import Timer


@pytest.fixture
def now(monkeypatch):
    """The time, in a list that tests change."""
    time = [100.0]
    monkeypatch.setattr(timer, "clock", lambda: time[0])
    return time


def test_seconds_count_from_the_given_start_and_what_was_spent_before(now):
    spent = Timer(spent=30.0)
    spent.start(since=98.0)
    now[0] += 5
    assert spent.seconds == 37


def test_mean_of_the_steps_leaves_out_the_first_and_validation(now):
    own = Timer()
    own.start()
    now[0] += 10
    own.end_first_step()
    assert own.mean_step(1) == 10
    for _ in range(4):
        now[0] += 2
        with own.validation():
            now[0] += 7
    assert own.mean_step(5) == 2
    assert own.mean_validation == 7


def test_start_of_another_process_is_no_step(now):
    own = Timer(spent=50.0, first_step=1.0, steps_begin=10.0)
    own.start(since=now[0] - 5)
    assert own.mean_step(5) == 10


def test_longest_save_is_kept(now):
    own = Timer()
    own.start()
    for seconds in (1, 3, 2):
        with own.save():
            now[0] += seconds
    assert own.saving == 3


def test_share_of_a_phase_without_a_limit_is_nothing(now):
    own = Timer(phase_begin=1.0)
    own.start()
    now[0] += 6
    assert own.share_of_phase(float("inf")) == 0
    assert own.share_of_phase(11.0) == 0.5
