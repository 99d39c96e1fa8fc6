import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from grucast.training.forecast import Batch, pinball_loss, spread


def make_batch(target, observed):
    return Batch(torch.empty(0), torch.empty(0), torch.from_numpy(target), torch.from_numpy(observed))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.975])
def test_loss_of_one_quantile_is_sklearns(p, rng):
    y, forecast = rng.normal(size=(2, 6, 4))
    batch = make_batch(y, np.ones_like(y))
    got = pinball_loss(torch.from_numpy(forecast)[..., None], batch, torch.tensor([p], dtype=torch.float64))
    assert got.item() == pytest.approx(mean_pinball_loss(y.ravel(), forecast.ravel(), alpha=p))


def test_unobserved_targets_do_not_count(rng):
    y, forecast = rng.normal(size=(2, 6, 4))
    observed = (rng.random((6, 4)) < 0.5).astype(float)
    losses = []
    for noise in (0, 1e6):
        batch = make_batch(y + noise * (1 - observed), observed)
        losses.append(pinball_loss(torch.from_numpy(forecast)[..., None], batch, torch.tensor([0.5])).item())
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("size", "most", "wanted"), [(0, 5, []), (3, 5, [0, 1, 2]), (101, 3, [0, 50, 100])])
def test_spread_is_even_and_has_both_ends(size, most, wanted):
    assert spread(size, most).tolist() == wanted
