"""Fits side by side, beside a user who draws random numbers too."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.conftest import TINY

from grucast import GRUForecaster, GRURegressor, NetworkConfig, TrainingConfig

DEEP = NetworkConfig(hidden_size=4, head_size=8, num_layers=2, dropout=0.3)
TRAININGS = [TrainingConfig(max_steps=15, batch_size=8, seed=seed) for seed in range(4)]


def forecaster(hourly, seed):
    settings = {**TINY, "network": DEEP, "training": replace(TRAININGS[seed], ensemble=1 + seed % 2)}
    return GRUForecaster(6, 48, 24, **settings).fit(hourly)


def regressor(hourly, seed):
    x = hourly["y"].to_numpy().reshape(-1, 24, 2)
    return GRURegressor(network=DEEP, training=TRAININGS[seed]).fit(x, x[:, -1])


def bits(fit, hourly, seed):
    made = fit(hourly, seed)
    return made.history_, {name: np.asarray(weight).tobytes() for name, weight in made.model_.weights.items()}


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("fit", [forecaster, regressor])
def test_fits_in_threads_give_the_bits_of_each_alone(hourly, fit, count):
    alone = [bits(fit, hourly, seed) for seed in range(count)]
    barrier = threading.Barrier(count)

    def at_once(seed):
        barrier.wait()
        return bits(fit, hourly, seed)

    with ThreadPoolExecutor(count) as pool:
        assert list(pool.map(at_once, range(count))) == alone


@pytest.mark.parametrize("fit", [forecaster, regressor])
def test_torchs_generator_neither_matters_nor_moves(hourly, fit):
    torch.manual_seed(1)
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - the global one is meant
    one = fit(hourly, 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002
    torch.manual_seed(2)
    assert fit(hourly, 0).history_ == one.history_


def test_user_who_draws_between_the_steps_draws_what_he_would_alone_and_changes_nothing(hourly):
    alone, drawn = forecaster(hourly, 1), []
    torch.manual_seed(2)
    settings = {**TINY, "network": DEEP, "training": replace(TRAININGS[1], ensemble=2)}
    beside = GRUForecaster(6, 48, 24, **settings).fit(hourly, progress=lambda _: drawn.append(torch.rand(1)))
    torch.manual_seed(2)
    assert torch.equal(torch.cat(drawn), torch.rand(15))
    assert beside.history_ == alone.history_
