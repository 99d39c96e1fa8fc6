"""The layer as an operator: its contract, and what records, counts, wraps or compiles operators."""

import itertools

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from grucast.kernels import native
from grucast.nn import GRU, GRUCell, dispatch, native_call
from grucast.nn.torch_ops import LayerOptions

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
SHAPES = pytest.mark.parametrize("shape", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}])


class Kind(torch.Tensor):
    """A tensor of a user's own class."""


def equal(actual, expected):
    return all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


def step(layer, x):
    x = x.detach().requires_grad_()
    output, h_n = layer(x)
    return torch.autograd.grad(output.square().sum() + h_n.sum(), [x, *layer.parameters()])


@VARIANTS
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("ragged", [True, False])
@pytest.mark.parametrize("recompute", [True, False])
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # the check itself asks for it
def test_the_operator_keeps_its_contract(reset_after, keep, ragged, recompute):
    torch.manual_seed(0)
    shapes = [(4, 3, 2), (2, 3, 5), *[(15, 2), (15, 5), (15,), (15,)] * 2]
    x, hx, *parameters = (torch.randn(shape).requires_grad_(keep) for shape in shapes)
    lengths = torch.tensor([4, 0, 2]) if ragged else None
    options = LayerOptions(reset_after, bidirectional=True, recompute=recompute)
    torch.library.opcheck(dispatch.layer, (x, hx if ragged else None, lengths, parameters, *options, keep))


def test_memory_of_the_operator_has_room_for_what_backward_needs_at_any_size():
    for batch, steps, units, recompute in itertools.product(
        (1, 3, 15, 16, 17, 40), (1, 2, 9), (1, 16, 17), (True, False)
    ):
        options, x = LayerOptions(recompute=recompute), torch.empty(steps, batch, 2)
        sizes = options, x, [torch.empty(3 * units, 2), torch.empty(3 * units, units)]
        assert dispatch._kept_bound(*sizes) >= native_call.kept_size(*sizes)


@VARIANTS
def test_backward_without_what_forward_keeps_gives_the_same_bits(reset_after):
    layer, x = GRU(2, 5, bidirectional=True, reset_after=reset_after), torch.randn(4, 3, 2)
    parameters, options = list(layer.parameters()), LayerOptions(reset_after, bidirectional=True)
    results = []
    for keep in (True, False):
        output, _, kept = dispatch.layer(x, None, None, parameters, *options, keep)
        results.append(dispatch.backward((output, None), options, None, x, None, parameters, kept))
    assert results[0][1] is results[1][1] is None
    assert equal([results[0][0], *results[0][2:]], [results[1][0], *results[1][2:]])


@VARIANTS
@SHAPES
@pytest.mark.parametrize("kind", [{}, {"tracing_mode": "symbolic"}, {"pre_dispatch": True}])
def test_a_trace_of_operators_computes_what_the_layer_does(reset_after, shape, kind):
    layer, x, other = GRU(2, 5, **shape, reset_after=reset_after), torch.randn(6, 4, 2), torch.randn(6, 4, 2)
    traced = make_fx(layer, _allow_non_fake_inputs=True, **kind)(x)
    assert equal(traced(other), layer(other))


@VARIANTS
def test_a_trace_of_a_training_step_or_a_cell_computes_what_they_do(reset_after):
    layer, x, other = GRU(2, 5, reset_after=reset_after), torch.randn(6, 4, 2), torch.randn(6, 4, 2)
    traced = make_fx(lambda x: step(layer, x))(x)
    assert equal(traced(other), step(layer, other))
    cell, state = GRUCell(2, 5, reset_after=reset_after), torch.randn(4, 5)
    assert torch.equal(make_fx(cell)(x[0], state)(other[0], state), cell(other[0], state))


class Names(TorchDispatchMode):
    """The operators that were called."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen.append(str(function))
        return function(*args, **kwargs or {})


@VARIANTS
def test_modes_see_forward_and_backward_and_change_no_bits(reset_after):
    layer, x = GRU(2, 5, reset_after=reset_after), torch.randn(6, 4, 2)
    expected = step(layer, x)
    with Names() as whole:
        assert equal(step(layer, x), expected)
    assert {"grucast.gru_layer.default", "grucast.gru_layer_backward.default"} <= set(whole.seen)
    x.requires_grad_()
    output, h_n = layer(x)
    loss = output.square().sum() + h_n.sum()
    with Names() as half:
        assert equal(torch.autograd.grad(loss, [x, *layer.parameters()]), expected)
    assert "grucast.gru_layer_backward.default" in half.seen


@VARIANTS
@SHAPES
def test_flops_are_those_that_torch_counts(reset_after, shape):
    counts = []
    for layer in (GRU(3, 5, **shape, reset_after=reset_after), torch.nn.GRU(3, 5, **shape)):
        x = torch.randn(4, 6, 3, requires_grad=True)
        hx = torch.randn(4 if shape else 1, 4 if shape else 6, 5, requires_grad=True)
        for call in (lambda: layer(x), lambda: layer(x)[0].sum().backward(), lambda: layer(x, hx)[0].sum().backward()):  # noqa: B023
            with FlopCounterMode(display=False) as counter:
                call()
            counts.append(counter.get_total_flops())
    mine, theirs = counts[:3], counts[3:]
    assert mine[0] == theirs[0] > 0
    assert mine[2] == theirs[2] == 3 * mine[0]
    assert 1 <= mine[1] / theirs[1] < 1.1  # torch leaves out the first step's state, which is zero


@VARIANTS
@pytest.mark.parametrize("wrap", [torch.nn.Parameter, lambda x: x.as_subclass(Kind).requires_grad_()])
def test_tensors_of_any_class_are_differentiated_twice_and_in_batches(reset_after, wrap):
    layer, x = GRU(2, 5, reset_after=reset_after), torch.randn(4, 3, 2)

    def twice(x):
        output = layer(x)[0]
        (first,) = torch.autograd.grad(output.square().sum(), layer.weight_hh_l0, create_graph=True)
        many = torch.stack([torch.ones(output.shape), torch.zeros(output.shape)])
        batched = torch.autograd.grad(output, x, many, is_grads_batched=True, retain_graph=True)
        return [*torch.autograd.grad(first.square().sum(), [x, layer.weight_ih_l0]), *batched]

    for a, b in zip(twice(wrap(x.clone())), twice(x.clone().requires_grad_()), strict=True):
        torch.testing.assert_close(a.as_subclass(torch.Tensor), b)


@pytest.mark.slow
@VARIANTS
def test_compiled_transforms_equal_plain_ones(reset_after):
    layer, x = GRU(2, 5, reset_after=reset_after), torch.randn(2, 4, 2)
    gradient = torch.func.grad(lambda x: layer(x)[0].square().sum())
    rows = torch.func.vmap(lambda row: layer(row)[0], in_dims=1)
    for function in (gradient, rows):
        compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), function(x))
