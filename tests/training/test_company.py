"""Fits side by side, and in the company of others who draw random numbers."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from grucast import GRUForecaster, GRURegressor, NetworkConfig, TrainingConfig
from tests.conftest import TINY

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
def test_global_generators_neither_matter_nor_move(hourly, fit):
    np.random.seed(1)  # noqa: NPY002 - the global one is meant
    random.seed(1)
    numbers, state = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    one = fit(hourly, 0)
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002
    assert random.getstate() == state
    np.random.seed(2)  # noqa: NPY002
    assert fit(hourly, 0).history_ == one.history_
