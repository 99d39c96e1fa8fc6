"""The reference's gradients against three others: differences of the function itself, torch, and torch's optimiser."""

import math

import numpy as np
import pytest
import torch

from grucast.kernels import reference
from grucast.kernels.reference import Weights
from grucast.kernels.reference_backward import adamw_step, gru_backward, gru_step_backward, linear_backward, norm


def make(rng, rows=4, steps=6, inputs=2, size=3):
    shapes = [(3 * size, inputs), (3 * size, size), (3 * size,), (3 * size,)]
    weights = Weights(*(rng.uniform(-1, 1, shape) for shape in shapes))
    return rng.normal(size=(rows, steps, inputs)), rng.normal(size=(rows, size)), weights


def slopes(function, arrays, width=1e-6):
    """The derivative of a number after every element of the arrays, by central differences."""
    results = [np.zeros_like(a) for a in arrays]
    for array, result in zip(arrays, results, strict=True):
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + width
            above = function()
            array[at] = kept - width
            result[at] = (above - function()) / (2 * width)
            array[at] = kept
    return results


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [None, np.array([6, 0, 1, 4])], ids=["whole", "ragged"])
def test_gradients_equal_differences(rng, reset_after, reverse, lengths):
    x, hidden, weights = make(rng)
    d_output, d_final = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 3))

    def loss():
        output, final = reference.gru_forward(x, hidden, weights, reset_after, lengths, reverse)
        return (output * d_output).sum() + (final * d_final).sum()

    d_x, d_hidden, d_weights = gru_backward(d_output, d_final, x, hidden, weights, reset_after, lengths, reverse)
    for actual, expected in zip((d_x, d_hidden, *d_weights), slopes(loss, (x, hidden, *weights)), strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-8)


def test_gradients_equal_torch(rng):
    x, hidden, weights = make(rng, 5, 7, 3, 4)
    d_output, d_final = rng.normal(size=(5, 7, 4)), rng.normal(size=(5, 4))
    gru = torch.nn.GRU(3, 4, batch_first=True, dtype=torch.float64)
    gru.load_state_dict({f"{name}_l0": torch.from_numpy(w) for name, w in weights._asdict().items()})
    of_x, of_hidden = torch.from_numpy(x).requires_grad_(), torch.from_numpy(hidden)[None].requires_grad_()
    torch.autograd.backward(gru(of_x, of_hidden), [torch.from_numpy(d_output), torch.from_numpy(d_final)[None]])
    d_x, d_hidden, d_weights = gru_backward(d_output, d_final, x, hidden, weights)
    expected = [of_x.grad, of_hidden.grad[0], *(p.grad for p in gru.parameters())]
    for actual, wanted in zip((d_x, d_hidden, *d_weights), expected, strict=True):
        np.testing.assert_allclose(actual, wanted.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_missing_gradient_is_zero(rng, reset_after):
    case = make(rng)
    d_output, d_final = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 3))
    for missing, zeros in (((None, d_final), (0 * d_output, d_final)), ((d_output, None), (d_output, 0 * d_final))):
        for a, b in zip(*(gru_backward(*d, *case, reset_after) for d in (missing, zeros)), strict=True):
            for one, other in zip(a, b, strict=True):
                np.testing.assert_array_equal(one, other)


def test_padding_gets_no_gradient_and_gives_none(rng):
    x, hidden, weights = make(rng)
    lengths, beyond = np.array([6, 0, 1, 4]), np.arange(6) >= np.array([6, 0, 1, 4])[:, None]
    d_output = rng.normal(size=(4, 6, 3))
    clean = gru_backward(d_output, None, x, hidden, weights, lengths=lengths)
    assert not clean[0][beyond].any()
    x[beyond], d_output[beyond] = np.nan, np.nan
    spoiled = gru_backward(d_output, None, x, hidden, weights, lengths=lengths)
    for a, b in zip((*clean[:2], *clean[2]), (*spoiled[:2], *spoiled[2]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradients_of_a_linear_layer_equal_torch(rng):
    x, weight, bias = (torch.tensor(rng.normal(size=s), requires_grad=True) for s in ((7, 4), (3, 4), (3,)))
    d_y = rng.normal(size=(7, 3))
    torch.nn.functional.linear(x, weight, bias).backward(torch.from_numpy(d_y))
    actual = linear_backward(d_y, x.detach().numpy(), weight.detach().numpy())
    for a, b in zip(actual, (x.grad, weight.grad, bias.grad), strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)
    assert linear_backward(d_y, x.detach().numpy(), weight.detach().numpy(), wants_x=False)[0] is None


def test_steps_equal_those_of_torch(rng):
    weights = rng.normal(size=1003).astype(np.float32)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    parameter = torch.nn.Parameter(torch.from_numpy(weights.copy()))
    optimiser = torch.optim.AdamW([parameter], lr=3e-3, weight_decay=0.02)
    for step in range(1, 30):
        gradient = rng.normal(size=1003).astype(np.float32)
        parameter.grad = torch.from_numpy(gradient)
        optimiser.step()
        adamw_step(weights, gradient, mean, square, step, 3e-3, 0.02)
        np.testing.assert_allclose(weights, parameter.detach().numpy(), rtol=1e-6, atol=1e-6)
    for ours, theirs in ((mean, "exp_avg"), (square, "exp_avg_sq")):
        np.testing.assert_allclose(ours, optimiser.state[parameter][theirs].numpy(), rtol=1e-6, atol=1e-7)


def test_the_norm_is_summed_in_double_precision(rng):
    x = rng.normal(size=1000).astype(np.float32)
    assert norm(x) == pytest.approx(math.hypot(*x.tolist()), rel=1e-14)
    assert norm(np.full(3, 1e30, np.float32)) == pytest.approx(math.sqrt(3) * 1e30, rel=1e-7)


def test_gradients_without_meaning_are_nan_without_a_warning(rng):
    """BLAS raises the flag behind the warning now and then where all is finite; warnings fail tests."""
    endless = np.array([[np.inf], [-np.inf]])
    assert np.isnan(linear_backward(endless, np.ones((2, 1)), np.ones((1, 1)))[1]).all()
    x, hidden, weights = make(rng, rows=2, size=1)
    assert np.isnan(gru_step_backward(endless, x[:, 0], hidden, weights)[2].weight_ih).any()
