import time

import pytest
import torch
from torch import nn

from grucast import TrainingConfig
from grucast.errors import TrainingError
from grucast.training.loop import Progress, schedule_factor, seeded, train

PLAIN = TrainingConfig(schedule="constant", learning_rate=0.1, gradient_clip=None)


def line():
    """One weight at 5; its square is the loss."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 5.0)
    return network, lambda _: network.weight.square().sum()


def test_constant_schedule_without_clipping_is_torchs_adam():
    network, loss = line()
    history = train(network, loss, PLAIN, steps=20)
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
    history = train(network, loss, TrainingConfig(patience=3), steps=200, validate=lambda: 1.0)
    assert len(history) == 10 * (1 + 3)  # one evaluation sets the best, three fail to better it


def test_best_weights_are_kept():
    network, loss = line()
    worse_later = iter(range(100))
    train(network, loss, PLAIN, steps=40, validate=lambda: float(next(worse_later)))
    first_evaluation, after_two = line()
    train(first_evaluation, after_two, PLAIN, steps=2)
    torch.testing.assert_close(network.weight, first_evaluation.weight)


def test_network_is_left_ready_to_predict():
    network, loss = line()
    train(network, loss, PLAIN, steps=2, validate=lambda: 0.0)
    assert not network.training


def test_callback_sees_every_step():
    seen: list[Progress] = []
    network, loss = line()
    history = train(network, loss, PLAIN, steps=5, callback=seen.append)
    assert [p.step for p in seen] == [1, 2, 3, 4, 5]
    assert [p.loss for p in seen] == history
    assert seen[-1].remaining == 0


def test_time_limit_ends_training():
    network, loss = line()

    def slow(step):
        time.sleep(0.01)
        return loss(step)

    history = train(network, slow, TrainingConfig(max_time=0.05), steps=10_000)
    assert 1 <= len(history) <= 6


def test_loss_that_is_not_finite_is_an_error():
    network, loss = line()
    with pytest.raises(TrainingError, match="became nan"):
        train(network, lambda step: loss(step) * float("nan"), PLAIN, steps=3)


def test_gradient_is_clipped():
    network, loss = line()
    norms = []

    def watched(step):
        if network.weight.grad is not None:
            norms.append(network.weight.grad.norm().item())
        return loss(step)

    train(network, watched, TrainingConfig(gradient_clip=0.5), steps=3)
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
