import numpy as np
import torch
from scipy.special import softmax

from grucast.model.outputs.classes import Classes


def test_loss_and_gradient_are_torchs_weighted_cross_entropy(rng):
    logits, target, each = rng.normal(size=(7, 3)), rng.integers(3, size=7), np.array([1.0, 2.0, 0.5])
    wanted = torch.from_numpy(logits).requires_grad_()
    mean = torch.nn.functional.cross_entropy(wanted, torch.from_numpy(target), torch.from_numpy(each))
    mean.backward()
    weight = each[target] / each[target].sum()
    loss, gradient = Classes(3).loss(logits, target, weight)
    np.testing.assert_allclose(loss.sum(), mean.item())
    np.testing.assert_allclose(gradient, wanted.grad.numpy(), atol=1e-12)


def test_probabilities_are_scipys_softmax_without_overflow(rng):
    logits = rng.normal(size=(4, 3)) * 1000
    np.testing.assert_allclose(Classes(3).probabilities(logits), softmax(logits, -1))


def test_loss_of_a_class_held_impossible_is_finite():
    assert np.isfinite(Classes(2).loss(np.float32([[500, -500]]), np.array([1]), np.float32([1]))[0]).all()
