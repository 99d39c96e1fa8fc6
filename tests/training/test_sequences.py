import numpy as np
import torch
from grucast.training.regression import train_regressor

from grucast import NetworkConfig, TrainingConfig

NETWORK = NetworkConfig(hidden_size=3)


def run(rng_seed=0, rows=40, **training):
    rng = np.random.default_rng(rng_seed)
    x = rng.normal(size=(rows, 5, 2))
    return train_regressor(x, x[:, -1], NETWORK, TrainingConfig(max_steps=4, **training))


def test_same_seed_gives_the_same_bits():
    (one, a), (other, b) = run(batch_size=8), run(batch_size=8)
    assert a == b
    assert all((one.weights[k] == other.weights[k]).all() for k in one.weights)


def test_other_seed_gives_other_weights():
    (one, _), (other, _) = run(), run(seed=2)
    assert any((one.weights[k] != other.weights[k]).any() for k in one.weights)


def test_global_seed_neither_matters_nor_moves():
    torch.manual_seed(0)
    one = run()[1]
    state = torch.random.get_rng_state()
    torch.manual_seed(99)
    assert run()[1] == one
    torch.manual_seed(0)
    assert (torch.random.get_rng_state() == state).all()
