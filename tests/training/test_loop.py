import math

import pytest
import torch
from torch import nn

from grucast import TrainingConfig
from grucast.errors import TrainingError, TrainingInterrupted
from grucast.training import timer
from grucast.training.loop import Phase, reproducible, schedule_factor, train
from grucast.training.progress import Progress

PLAIN = TrainingConfig(schedule="constant", learning_rate=0.1, gradient_clip=None)


def line():
    """One weight at 5; its square is the loss."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 5.0)
    return network, lambda _: network.weight.square().sum()


def test_constant_schedule_without_clipping_is_torchs_adam():
    network, loss = line()
    history = train(network, loss, PLAIN, [Phase(20)])
    twin, twin_loss = line()
    optimizer = torch.optim.Adam(twin.parameters(), lr=0.1)
    wanted = []
    for step in range(20):
        optimizer.zero_grad()
        value = twin_loss(step)
        value.backward()
        optimizer.step()
        wanted.append(value.item())
    assert history == wanted


def test_weight_decay_shrinks_a_weight_by_its_share_of_the_rate_besides_adams_step():
    network, loss = line()
    train(network, loss, PLAIN, [Phase(3, rate=0.5, decay=0.2)])
    w, m, v, rate = 5.0, 0.0, 0.0, 0.05
    for step in (1, 2, 3):  # Loshchilov and Hutter 2019, algorithm 2
        m, v = 0.9 * m + 0.1 * 2 * w, 0.999 * v + 0.001 * (2 * w) ** 2
        w -= rate * (m / (1 - 0.9**step) / (math.sqrt(v / (1 - 0.999**step)) + 1e-8) + 0.2 * w)
    assert network.weight.item() == pytest.approx(w, rel=1e-6)


def test_training_stops_when_validation_stops_improving():
    network, loss = line()
    history = train(network, loss, TrainingConfig(patience=3), [Phase(200, validate=lambda: 1.0)])
    assert len(history) == 10 * (1 + 3)  # one evaluation sets the best, three fail to better it


def test_best_weights_are_kept():
    network, loss = line()
    worse_later = iter(range(100))
    train(network, loss, PLAIN, [Phase(40, validate=lambda: float(next(worse_later)))])
    first_evaluation, after_two = line()
    train(first_evaluation, after_two, PLAIN, [Phase(2)])
    torch.testing.assert_close(network.weight, first_evaluation.weight)


def test_network_is_left_ready_to_predict():
    network, loss = line()
    train(network, loss, PLAIN, [Phase(2, validate=lambda: 0.0)])
    assert not network.training


def test_callback_sees_every_step():
    seen: list[Progress] = []
    network, loss = line()
    history = train(network, loss, PLAIN, [Phase(5)], seen.append)
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


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.mark.parametrize("max_time", [1.0, 3.0, 7.77])
@pytest.mark.parametrize("before", [0.0, 0.6])
def test_time_limit_is_met_with_all_that_follows(clock, max_time, before):
    network, loss = line()
    phases = [
        Phase(600, validate=lambda: clock.takes(0.05, 1.0), after=lambda: clock.takes(0.04, None)),
        Phase(400),
    ]
    history = train(
        network,
        lambda phase: clock.takes(0.01, loss(phase)),
        TrainingConfig(max_time=max_time, patience=100),
        phases,
        start=100.0 - before,
    )
    assert max_time - 0.1 <= clock.now - 100 + before <= max_time
    assert len(history) > 0.2 * (max_time - before) / 0.01


def test_time_that_is_up_before_training_leaves_one_step(clock):
    network, loss = line()
    history = train(network, loss, TrainingConfig(max_time=1), [Phase(10), Phase(10)], start=98.0)
    assert len(history) == 1


def test_time_limit_does_not_leave_out_validation(clock):
    network, loss = line()
    calls = []
    phase = Phase(100_000, validate=lambda: calls.append(1) or 1 / len(calls))
    train(network, lambda p: clock.takes(0.1, loss(p)), TrainingConfig(max_time=10), [phase])
    assert 19 <= len(calls) <= 21


def test_one_slow_step_within_the_limit_is_foreseen(clock):
    network, loss = line()
    history = train(network, lambda p: clock.takes(0.4, loss(p)), TrainingConfig(max_time=1), [Phase(100)])
    assert len(history) == 2


def test_first_step_that_warms_up_does_not_count_for_the_others(clock):
    network, loss = line()
    durations = iter([3.0] + [0.1] * 1000)
    work = lambda p: clock.takes(next(durations), loss(p))  # noqa: E731
    history = train(network, work, TrainingConfig(max_time=10), [Phase(1000)])
    assert len(history) == 1 + 70


def test_second_phase_is_left_out_when_a_step_would_overrun(clock):
    network, loss = line()
    config = TrainingConfig(max_time=5)
    history = train(network, lambda p: clock.takes(3.0, loss(p)), config, [Phase(60), Phase(40)])
    assert (len(history), clock.now) == (1, 103.0)


def test_remaining_time_is_known_from_the_first_step(clock):
    seen: list[Progress] = []
    network, loss = line()
    train(network, lambda p: clock.takes(0.5, loss(p)), PLAIN, [Phase(10)], seen.append, start=90.0)
    assert [p.remaining for p in seen] == pytest.approx([0.5 * k for k in range(9, -1, -1)])
    assert seen[0].seconds == pytest.approx(10.5)


def test_remaining_time_respects_the_limit(clock):
    seen: list[Progress] = []
    network, loss = line()
    train(network, lambda p: clock.takes(0.5, loss(p)), TrainingConfig(max_time=2.2), [Phase(100)], seen.append)
    assert [p.remaining for p in seen] == pytest.approx([1.7, 1.2, 0.7, 0.2])


def interrupt_at(step):
    def callback(progress):
        if progress.step == step:
            raise KeyboardInterrupt

    return callback


def test_interrupt_leaves_the_best_validated_weights_and_calibrates():
    network, loss = line()
    worse_later = iter(range(100))
    calibrated = []
    phases = [Phase(40, validate=lambda: float(next(worse_later)), after=lambda: calibrated.append(network.training))]
    with pytest.raises(TrainingInterrupted) as stop:
        train(network, loss, PLAIN, phases, interrupt_at(7))
    after_two, loss = line()
    train(after_two, loss, PLAIN, [Phase(2)])
    torch.testing.assert_close(network.weight, after_two.weight)
    assert len(stop.value.history) == 7
    assert calibrated == [False]


def test_interrupt_after_validation_goes_back_to_what_was_validated():
    network, loss = line()
    with pytest.raises(TrainingInterrupted):
        train(network, loss, PLAIN, [Phase(2, validate=lambda: 0.0), Phase(9)], interrupt_at(6))
    first, loss = line()
    train(first, loss, PLAIN, [Phase(1)])
    torch.testing.assert_close(network.weight, first.weight)


def test_interrupt_before_the_first_step_has_nothing_to_keep():
    network, _ = line()

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stop:
        train(network, interrupted, PLAIN, [Phase(2)])
    assert not isinstance(stop.value, TrainingInterrupted)


def test_loss_that_is_not_finite_is_an_error():
    network, loss = line()
    with pytest.raises(TrainingError, match="became nan"):
        train(network, lambda step: loss(step) * float("nan"), PLAIN, [Phase(3)])


def test_gradient_is_clipped():
    network, loss = line()
    norms = []

    def watched(step):
        if network.weight.grad is not None:
            norms.append(network.weight.grad.norm().item())
        return loss(step)

    train(network, watched, TrainingConfig(gradient_clip=0.5), [Phase(3)])
    assert norms == pytest.approx([0.5, 0.5], rel=1e-4)


def test_one_cycle_rises_to_one_and_falls_to_zero():
    factors = [schedule_factor(TrainingConfig(), p / 100) for p in range(101)]
    assert max(factors) == factors[10] == 1
    assert factors[100] == pytest.approx(0)
    assert factors[:11] == sorted(factors[:11])
    assert factors[10:] == sorted(factors[10:], reverse=True)


def test_generator_is_that_of_the_seed_and_not_torchs():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    with reproducible(5) as generator:
        drawn = torch.rand(3, generator=generator)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)


def test_phases_follow_each_other_with_their_own_rate_and_end():
    network, loss = line()
    seen, events = [], []
    phases = [Phase(2, after=lambda: events.append(network.training)), Phase(3, rate=0.0)]
    history = train(network, lambda phase: seen.append(phase) or loss(phase), PLAIN, phases)
    assert seen == [0, 0, 1, 1, 1]
    assert events == [False]
    assert history[2:] == [history[2]] * 3


def test_phase_that_stops_early_counts_all_its_steps_as_done():
    network, loss = line()
    progress: list[Progress] = []
    phases = [Phase(200, validate=lambda: 1.0), Phase(5)]
    train(network, loss, TrainingConfig(patience=1), phases, progress.append)
    assert [p.step for p in progress][-5:] == [201, 202, 203, 204, 205]
    assert len(progress) == 20 + 5


def test_time_is_shared_among_phases(clock):
    network, loss = line()
    seen = []
    work = lambda phase: seen.append(phase) or clock.takes(0.02, loss(phase))  # noqa: E731
    train(network, work, TrainingConfig(max_time=1), [Phase(10_000), Phase(10_000)])
    assert (seen.count(0), seen.count(1)) == pytest.approx((25, 25), abs=1)


def test_calibration_is_within_the_time_limit(clock):
    network, loss = line()
    phase = Phase(10_000, validate=lambda: clock.takes(0.5, 1.0), after=lambda: clock.takes(0.5, None))
    train(network, lambda p: clock.takes(0.01, loss(p)), TrainingConfig(max_time=10, patience=100), [phase])
    assert 109.4 <= clock.now <= 110
