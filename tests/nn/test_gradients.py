"""Gradients where the kernels do not reach: batches of them, none at all, and gradients of gradients."""

import pytest
import torch
from torch.autograd import forward_ad

from grucast.kernels import native
from grucast.nn import GRU, GRUCell

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
SHAPES = pytest.mark.parametrize("shape", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}])


def make(reset_after, shape):
    layer = GRU(2, 3, **shape, reset_after=reset_after, dtype=torch.float64)
    return layer, torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)


@VARIANTS
@SHAPES
def test_gradients_in_a_batch_equal_each_alone(reset_after, shape):
    layer, x = make(reset_after, shape)
    output = layer(x)[0]
    many, sources = torch.randn(4, *output.shape, dtype=torch.float64), [x, *layer.parameters()]
    batched = torch.autograd.grad(output, sources, many, is_grads_batched=True, retain_graph=True)
    alone = [torch.autograd.grad(output, sources, one, retain_graph=True) for one in many]
    mapped = torch.func.vmap(lambda one: torch.autograd.grad(output, x, one, retain_graph=True)[0])(many)
    for a, b in zip((*batched, mapped), (*zip(*alone, strict=True), [one[0] for one in alone]), strict=True):
        torch.testing.assert_close(a, torch.stack(b))


@VARIANTS
@SHAPES
def test_vectorized_derivatives_equal_those_one_by_one(reset_after, shape):
    layer, x = make(reset_after, shape)
    for derive, function in (
        (torch.autograd.functional.jacobian, lambda x: layer(x)[0]),
        (torch.autograd.functional.hessian, lambda x: layer(x)[0].square().sum()),
    ):
        torch.testing.assert_close(derive(function, x, vectorize=True), derive(function, x))


@VARIANTS
def test_batched_gradients_of_a_layer_and_a_cell_equal_differences(reset_after):
    layer, x = make(reset_after, {"bidirectional": True})
    cell = GRUCell(2, 3, reset_after=reset_after, dtype=torch.float64)
    state = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    for function, inputs in ((layer, (x,)), (cell, (x[:, 0].detach().requires_grad_(), state))):
        torch.autograd.gradcheck(function, inputs, check_batched_grad=True)
        torch.autograd.gradgradcheck(function, inputs, check_batched_grad=True, fast_mode=True)


class NoGradient(torch.autograd.Function):
    """The identity, of which backward says nothing."""

    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, __):
        return None


@VARIANTS
@pytest.mark.parametrize("create_graph", [True, False])
def test_no_gradient_from_above_is_a_gradient_of_zero(reset_after, create_graph):
    layer, x = make(reset_after, {})
    for given in (None, torch._efficientzerotensor((2, 3, 3), dtype=torch.float64)):
        output = layer(x)[0]
        output = NoGradient.apply(output).sum() if given is None else output
        found = torch.autograd.grad(
            output, [x, *layer.parameters()], given, create_graph=create_graph, allow_unused=True
        )
        assert all(g is None or not g.any() for g in found)


@VARIANTS
@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode uses it
def test_the_tangent_of_a_gradient_is_passed_on(reset_after):
    layer, x = make(reset_after, {})
    output = layer(x)[0]
    gradient, tangent = torch.randn(2, *output.shape, dtype=torch.float64)
    (expected,) = torch.autograd.grad(output, x, tangent, retain_graph=True)
    with forward_ad.dual_level():
        (found,) = torch.autograd.grad(output, x, forward_ad.make_dual(gradient, tangent))
        torch.testing.assert_close(forward_ad.unpack_dual(found).tangent, expected)
