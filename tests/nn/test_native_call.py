"""What the kernels are given: memory of any layout, and nothing of another shape or dtype."""

import pytest
import torch
from torch.func import functional_call

from grucast.errors import ShapeError
from grucast.kernels import native
from grucast.nn import GRU, GRUCell
from grucast.nn.autograd import run_layer
from grucast.nn.torch_ops import LayerOptions

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])


def equal(actual, expected):
    return all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


def off_by_one(tensor):
    return torch.cat([tensor.new_zeros(1), tensor.flatten()])[1:].view(tensor.shape)


LAYOUTS = {
    "transposed": lambda t: t.transpose(0, 1).contiguous().transpose(0, 1),
    "strided features": lambda t: torch.stack([t, t], -1)[..., 0],
    "every other row": lambda t: t.repeat_interleave(2, -2)[..., ::2, :],
    "expanded": lambda t: t[:, :1].expand_as(t),
    "off by one": off_by_one,
    "negated": lambda t: torch.complex(t, -t).conj().imag,
}


@VARIANTS
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("batch", "inputs", "hidden"), [(20, 8, 16), (3, 1, 1), (1, 3, 5)])
def test_memory_layout_changes_no_bits(layout, reset_after, batch, inputs, hidden):
    x, d_output, state, d_final = (
        LAYOUTS[layout](torch.randn(length, batch, size))
        for length, size in ((6, inputs), (6, hidden), (1, hidden), (1, hidden))
    )
    shapes = [(3 * hidden, inputs), (3 * hidden, hidden), (3 * hidden,), (3 * hidden,)]
    parameters, results = [LAYOUTS["strided features"](torch.randn(shape)) for shape in shapes], []
    for copy in (lambda t: t, lambda t: torch.empty(t.shape).copy_(t)):
        tensors = [copy(t).requires_grad_() for t in (x, state, *parameters)]
        outputs = run_layer(*tensors[:2], tensors[2:], LayerOptions(reset_after))
        results.append([*outputs, *torch.autograd.grad(outputs, tensors, [copy(d_output), copy(d_final)])])
    assert equal(*results)


@pytest.mark.parametrize("name", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
def test_weights_of_another_shape_or_dtype_are_errors(name):
    layer, x = GRU(2, 5), torch.randn(6, 3, 2)
    output = layer(x)[0]
    weight = getattr(layer, name)
    whole = weight.data
    weight.data = whole[:7]
    for call in (lambda: layer(x), output.sum().backward):
        with pytest.raises(ShapeError, match=r"expected shape \(15"):
            call()
    weight.data = whole.double()
    with pytest.raises((RuntimeError, ValueError), match="dtype"):
        layer(x)


@VARIANTS
def test_a_sign_that_is_not_yet_turned_counts(reset_after):
    layer, x, hx = GRU(2, 5, reset_after=reset_after), torch.randn(6, 3, 2), torch.randn(1, 3, 5)
    results = []
    for turn in (torch.neg, torch._neg_view):
        inputs = [turn(t).requires_grad_() for t in (x, hx)]
        output, h_n = layer(*inputs)
        given = [turn(t.detach()) for t in (output, h_n)]
        results.append([output, h_n, *torch.autograd.grad((output, h_n), [*inputs, *layer.parameters()], given)])
    assert equal(*results)


@VARIANTS
@pytest.mark.parametrize("kind", [GRU, GRUCell])
@pytest.mark.parametrize(
    "turn", [torch._neg_view, torch._efficientzerotensor, lambda t: torch.complex(t, t).conj().imag]
)
def test_what_stands_for_other_numbers_is_read_as_those(kind, reset_after, turn):
    layer, sizes = kind(2, 5, reset_after=reset_after), [(6, 3, 2), (1, 3, 5)] if kind is GRU else [(3, 2), (3, 5)]
    tensors = [torch.randn(size) for size in (*sizes, *(p.shape for p in layer.parameters()))]
    names = [name for name, _ in layer.named_parameters()]

    def run(x, hx, *weights):
        result = functional_call(layer, dict(zip(names, weights, strict=True)), (x, hx))
        return result[0] if kind is GRU else result

    for i in range(len(tensors)):
        turned = turn(tensors[i].shape if turn is torch._efficientzerotensor else tensors[i])
        results = []
        for value in (turned, torch.empty(turned.shape).copy_(turned)):
            inputs = [t.detach().requires_grad_() for t in (*tensors[:i], value, *tensors[i + 1 :])]
            output = run(*inputs)
            with torch.no_grad():
                assert torch.equal(run(*inputs), output)
            results.append([output, *torch.autograd.grad(output.square().sum(), inputs)])
        assert equal(*results)


def free(tensor):
    tensor.untyped_storage().resize_(0)


FREED = ["x", "hx", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]


@VARIANTS
@pytest.mark.parametrize("name", FREED)
@pytest.mark.parametrize("place", ["forward", "backward"])
@pytest.mark.parametrize("offset", [0, 99])
def test_freed_memory_is_an_error(reset_after, name, place, offset):
    layer = GRU(2, 5, reset_after=reset_after)
    tensors = {"x": torch.randn(6, 3, 2), "hx": torch.randn(1, 3, 5)} | dict(layer.named_parameters())
    tensor, whole = tensors[name], torch.randn(200)
    tensor.data = whole[offset : offset + tensor.numel()].view(tensor.shape)
    output = layer(tensors["x"], tensors["hx"])[0]
    free(whole)
    with pytest.raises(RuntimeError, match=r"was freed|storage size|not allocated"):
        layer(tensors["x"], tensors["hx"]) if place == "forward" else output.sum().backward()


@pytest.mark.parametrize("which", [0, 1])
def test_a_gradient_without_memory_is_an_error(which):
    result = GRU(2, 5)(torch.randn(6, 3, 2))[which]
    gradient = torch.ones_like(result)
    free(gradient)
    with pytest.raises(RuntimeError, match="was freed"):
        result.backward(gradient)


@pytest.mark.parametrize(("batch", "inputs", "hidden"), [(1, 0, 0), (0, 2, 5), (2, 3, 0)])
def test_steps_of_nothing_take_no_time(batch, inputs, hidden):
    steps = 3 if inputs and batch else 1 << 40
    x = torch.zeros(steps, batch, inputs, requires_grad=True)
    parameters = [torch.randn(3 * hidden, n, requires_grad=True) for n in (inputs, hidden)]
    output, final = run_layer(x, None, parameters, LayerOptions())
    assert (output.shape, final.shape) == ((steps, batch, hidden), (1, batch, hidden))
    found = torch.autograd.grad(final.sum(), [x, *parameters])
    assert not any(g.any() for g in found)
