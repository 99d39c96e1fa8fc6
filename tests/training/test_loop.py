import time

import pytest
import torch
from torch import nn

from grucast import TrainingConfig
from grucast.errors import TrainingError
from grucast.training.loop import Phase, Progress, schedule_factor, seeded, train

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


def test_time_limit_ends_training():
    network, loss = line()

    def slow(step):
        time.sleep(0.01)
        return loss(step)

    history = train(network, slow, TrainingConfig(max_time=0.05), [Phase(10_000)])
    assert 1 <= len(history) <= 6


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


def test_seed_is_local_to_its_block():
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    with seeded(5):
        first = torch.rand(3)
    torch.testing.assert_close(torch.rand(3), wanted)
    with seeded(5):
        torch.testing.assert_close(torch.rand(3), first)


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


def test_time_is_shared_among_phases():
    network, loss = line()
    seen = []

    def slow(phase):
        time.sleep(0.02)
        seen.append(phase)
        return loss(phase)

    train(network, slow, TrainingConfig(max_time=1), [Phase(10_000), Phase(10_000)])
    assert 1 <= seen.count(0) <= 25
    assert 1 <= seen.count(1) <= 25
