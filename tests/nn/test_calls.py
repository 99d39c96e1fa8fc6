"""What the kernels are given: memory of any layout, and nothing of another shape or dtype."""

import pytest
import torch

from grucast.errors import ShapeError
from grucast.kernels import native
from grucast.nn import GRU
from grucast.nn.autograd import run_layer
from grucast.nn.recurrence import Options

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
        outputs = run_layer(*tensors[:2], tensors[2:], Options(reset_after))
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
