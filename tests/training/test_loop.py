import math

import numpy as np
import pytest

from grucast import TrainingConfig
from grucast.errors import TrainingInterrupted
from grucast.training import timer
from grucast.training.loop import schedule_factor, train
from grucast.training.progress import Progress
from grucast.training.state import State
from tests.training.line import NOTHING, Line, adam, phase

PLAIN = TrainingConfig(schedule="constant", learning_rate=0.1, gradient_clip=None)


def run(phases, config=PLAIN, line=None, **rest):
    line = line or Line()
    return line, train(line, config, phases, State.of(1), **rest)


def test_constant_schedule_without_clipping_is_adam():
    line, history = run([phase(20)])
    assert line.weight == adam(5.0, 20)
    assert history == pytest.approx([adam(5.0, step) ** 2 for step in range(20)], rel=1e-6)


def test_weight_decay_shrinks_a_weight_by_its_share_of_the_rate_besides_adams_step():
    line, _ = run([phase(3, rate=0.5, decay=0.2)])
    w, m, v, rate = 5.0, 0.0, 0.0, 0.05
    for step in (1, 2, 3):  # Loshchilov and Hutter 2019, algorithm 2
        m, v = 0.9 * m + 0.1 * 2 * w, 0.999 * v + 0.001 * (2 * w) ** 2
        w -= rate * (m / (1 - 0.9**step) / (math.sqrt(v / (1 - 0.999**step)) + 1e-8) + 0.2 * w)
    assert line.weight == pytest.approx(w, rel=1e-6)


def test_training_stops_when_validation_stops_improving():
    _, history = run([phase(200, lambda: 1.0)], TrainingConfig(patience=3))
    assert len(history) == 10 * (1 + 3)  # one evaluation sets the best, three fail to better it


def test_best_weights_are_kept():
    worse_later = iter(range(100))
    line, _ = run([phase(40, lambda: float(next(worse_later)))])
    assert line.weight == adam(5.0, 2)


def test_callback_sees_every_step():
    seen: list[Progress] = []
    _, history = run([phase(5)], callback=seen.append)
    assert [p.step for p in seen] == [1, 2, 3, 4, 5]
    assert [p.loss for p in seen] == history
    assert seen[-1].remaining == 0


class Clock:
    """A clock that only work moves on."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(timer, "clock", lambda: self.now)

    def takes(self, seconds, result):
        self.now += seconds
        return result

    def batches(self, seconds):
        """What draws batches that take so long each."""
        return lambda _: self.takes(seconds, NOTHING)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.mark.parametrize("max_time", [1.0, 3.0, 7.77])
@pytest.mark.parametrize("before", [0.0, 0.6])
def test_time_limit_is_met_with_all_that_follows(clock, max_time, before):
    draw = clock.batches(0.01)
    validated = {"validate": lambda: clock.takes(0.05, 1.0), "calibrate": lambda _: clock.takes(0.04, ((), None))}
    config = TrainingConfig(max_time=max_time, patience=100)
    _, history = run([phase(600, draw=draw, **validated), phase(400, draw=draw)], config, start=100.0 - before)
    assert max_time - 0.1 <= clock.now - 100 + before <= max_time
    assert len(history) > 0.2 * (max_time - before) / 0.01


def test_time_that_is_up_before_training_leaves_one_step(clock):
    _, history = run([phase(10), phase(10)], TrainingConfig(max_time=1), start=98.0)
    assert len(history) == 1


def test_time_limit_does_not_leave_out_validation(clock):
    calls = []
    validate = lambda: calls.append(1) or 1 / len(calls)  # noqa: E731
    run([phase(100_000, validate, clock.batches(0.1))], TrainingConfig(max_time=10))
    assert 19 <= len(calls) <= 21


def test_one_slow_step_within_the_limit_is_foreseen(clock):
    _, history = run([phase(100, draw=clock.batches(0.4))], TrainingConfig(max_time=1))
    assert len(history) == 2


def test_first_step_that_warms_up_does_not_count_for_the_others(clock):
    durations = iter([3.0] + [0.1] * 1000)
    _, history = run([phase(1000, draw=lambda _: clock.takes(next(durations), NOTHING))], TrainingConfig(max_time=10))
    assert len(history) == 1 + 70


def test_second_phase_is_left_out_when_a_step_would_overrun(clock):
    draw = clock.batches(3.0)
    _, history = run([phase(60, draw=draw), phase(40, draw=draw)], TrainingConfig(max_time=5))
    assert (len(history), clock.now) == (1, 103.0)


def test_remaining_time_is_known_from_the_first_step(clock):
    seen: list[Progress] = []
    run([phase(10, draw=clock.batches(0.5))], callback=seen.append, start=90.0)
    assert [p.remaining for p in seen] == pytest.approx([0.5 * k for k in range(9, -1, -1)])
    assert seen[0].seconds == pytest.approx(10.5)


def test_remaining_time_respects_the_limit(clock):
    seen: list[Progress] = []
    run([phase(100, draw=clock.batches(0.5))], TrainingConfig(max_time=2.2), callback=seen.append)
    assert [p.remaining for p in seen] == pytest.approx([1.7, 1.2, 0.7, 0.2])


def interrupt_at(step):
    def callback(progress):
        if progress.step == step:
            raise KeyboardInterrupt

    return callback


def test_interrupt_leaves_the_best_validated_weights_and_calibrates():
    worse_later, calibrated, line = iter(range(100)), [], Line()
    phases = [
        phase(
            40,
            lambda: float(next(worse_later)),
            calibrate=lambda members: calibrated.append(members.weights.copy()) or ((2.0,), (0.5,)),
        )
    ]
    state = State.of(1)
    with pytest.raises(TrainingInterrupted) as stop:
        train(line, PLAIN, phases, state, interrupt_at(7))
    assert line.weight == adam(5.0, 2)
    assert len(stop.value.history) == 7
    assert calibrated == [line.weights]
    assert (state.factors, state.dependence) == ((2.0,), (0.5,))


def test_interrupt_after_validation_goes_back_to_what_was_validated():
    line = Line()
    with pytest.raises(TrainingInterrupted):
        run([phase(2, lambda: 0.0), phase(9)], line=line, callback=interrupt_at(6))
    assert line.weight == adam(5.0, 1)


def test_interrupt_before_the_first_step_has_nothing_to_keep():
    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        run([phase(2, draw=interrupted)])
    assert not isinstance(stop.value, TrainingInterrupted)


def test_gradient_is_clipped():
    line, norms = Line(), []
    run(
        [phase(3)],
        TrainingConfig(gradient_clip=0.5),
        line,
        callback=lambda _: norms.append(np.linalg.norm(line._gradients)),
    )
    assert norms == pytest.approx([0.5] * 3, rel=1e-4)


def test_one_cycle_rises_to_one_and_falls_to_zero():
    factors = [schedule_factor(TrainingConfig(), p / 100) for p in range(101)]
    assert max(factors) == factors[10] == 1
    assert factors[100] == pytest.approx(0)
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_phases_follow_each_other_with_their_own_batches_and_rate_and_end():
    seen, state = [], State.of(1)
    draws = [lambda _, place=place: seen.append(place) or NOTHING for place in range(2)]
    phases = [phase(2, lambda: 0.0, draws[0], calibrate=lambda _: ((3.0,), (0.1,))), phase(3, draw=draws[1], rate=0.0)]
    history = train(Line(), PLAIN, phases, state)
    assert seen == [0, 0, 1, 1, 1]
    assert (state.factors, state.dependence) == ((3.0,), (0.1,))
    assert history[2:] == [history[2]] * 3


def test_each_phase_begins_with_a_fresh_optimiser():
    line, _ = run([phase(3), phase(2)])
    assert line.weight == adam(adam(5.0, 3), 2)


def test_phase_that_stops_early_counts_all_its_steps_as_done():
    progress: list[Progress] = []
    run([phase(200, lambda: 1.0), phase(5)], TrainingConfig(patience=1), callback=progress.append)
    assert [p.step for p in progress][-5:] == [201, 202, 203, 204, 205]
    assert len(progress) == 20 + 5


def test_time_is_shared_among_phases(clock):
    seen = []
    draws = [lambda _, place=place: seen.append(place) or clock.takes(0.02, NOTHING) for place in range(2)]
    run([phase(10_000, draw=draw) for draw in draws], TrainingConfig(max_time=1))
    assert (seen.count(0), seen.count(1)) == pytest.approx((25, 25), abs=1)


def test_calibration_is_within_the_time_limit(clock):
    validated = {"validate": lambda: clock.takes(0.5, 1.0), "calibrate": lambda _: clock.takes(0.5, ((), None))}
    run([phase(10_000, draw=clock.batches(0.01), **validated)], TrainingConfig(max_time=10, patience=100))
    assert 109.4 <= clock.now <= 110
