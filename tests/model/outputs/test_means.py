import numpy as np
import torch

from grucast.model.outputs.means import Means


def test_loss_and_gradient_are_torchs_mean_squared_error(rng):
    predicted, target = rng.normal(size=(2, 5, 3))
    wanted = torch.from_numpy(predicted).requires_grad_()
    mean = torch.nn.functional.mse_loss(wanted, torch.from_numpy(target))
    mean.backward()
    loss, gradient = Means(3).loss(predicted, target, np.full((5, 3), 1 / 15))
    np.testing.assert_allclose(loss.sum(), mean.item())
    np.testing.assert_allclose(gradient, wanted.grad.numpy())


def test_what_weighs_nothing_does_not_count(rng):
    predicted, target = rng.normal(size=(2, 5, 3))
    weight = np.ones((5, 3))
    weight[2] = 0
    changed = target.copy()
    changed[2] = 9
    losses = [Means(3).loss(predicted, each, weight)[0] for each in (target, changed)]
    np.testing.assert_array_equal(*losses)
