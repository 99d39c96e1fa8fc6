"""The native layer under torch: values, gradients and bits, against torch's own operations."""

import copy
import gc

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grucast.kernels import native
from grucast.nn import GRU, autograd
from grucast.nn.autograd import run_layer, runs_natively
from grucast.nn.buffer_pool import BufferPool
from grucast.nn.torch_ops import LayerOptions, recur_layer

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])


def make(steps, batch, inputs, hidden, dtype=torch.float64, bias=True, directions=1):
    torch.manual_seed(0)
    shapes = [(3 * hidden, inputs), (3 * hidden, hidden)] + [(3 * hidden,)] * 2 * bias
    scale = hidden**-0.5
    tensors = [torch.randn(steps, batch, inputs, dtype=dtype), torch.randn(directions, batch, hidden, dtype=dtype)]
    tensors += [torch.randn(s, dtype=dtype) * scale for s in shapes * directions]
    return [t.requires_grad_() for t in tensors]


def gradients(function, tensors, use, *rest):
    """Gradients when the output, the final state or both reach the loss."""
    x, hx, *parameters = tensors
    output, final = function(x, hx, parameters, *rest)
    loss = sum((t * torch.linspace(-1, 2, t.numel(), dtype=t.dtype).view(t.shape)).sum() for t in (output, final)[use])
    return output, final, *torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)


USES = {"output": slice(1), "final": slice(1, 2), "both": slice(2)}


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40), st.integers(1, 70)),
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    st.booleans(), st.booleans(), st.sampled_from(sorted(USES)),
)  # fmt: skip
def test_gradients_equal_those_of_operations(sizes, options, bias, ragged, use):
    options = LayerOptions(*options)
    steps, batch, *_ = sizes
    x, *others = make(*sizes, bias=bias, directions=2 if options.bidirectional else 1)
    tensors = [x.detach().transpose(0, 1).requires_grad_() if options.batch_first else x, *others]
    lengths = torch.randint(0, steps + 1, (batch,)) if ragged else None
    mine, theirs = (gradients(f, tensors, USES[use], options, lengths) for f in (run_layer, recur_layer))
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(
            a, b, rtol=1e-9, atol=1e-10 * (1 + (b.detach().abs().max().item() if b.numel() else 0))
        )


@VARIANTS
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("batch", [2, 18])
def test_derivatives_equal_differences(reset_after, check, batch):
    x, hx, *parameters = make(3, batch, 2, 3, directions=2)
    lengths = torch.arange(batch) % 4

    def function(x, hx, *parameters):
        return run_layer(x, hx, parameters, LayerOptions(reset_after, bidirectional=True), lengths)

    check(function, (x, hx, *parameters), fast_mode=batch > 2)


@VARIANTS
@pytest.mark.parametrize(("batch", "hidden"), [(70, 25), (6, 40), (33, 130)])
def test_training_bits_do_not_depend_on_threads(reset_after, batch, hidden):
    tensors, before, results = make(50, batch, 5, hidden, torch.float32), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(gradients(run_layer, tensors, USES["both"], LayerOptions(reset_after)))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@VARIANTS
@pytest.mark.parametrize("batch", [3, 20])
def test_gates_computed_again_give_the_same_bits(reset_after, batch):
    tensors = make(9, batch, 5, 20, torch.float32, directions=2)
    kept, again = (
        gradients(run_layer, tensors, USES["both"], LayerOptions(reset_after, False, True, recompute))
        for recompute in (False, True)
    )
    assert all(torch.equal(a, b) for a, b in zip(kept, again, strict=True))


@VARIANTS
@pytest.mark.parametrize("batch", [3, 20])
def test_no_state_equals_a_state_of_zeros(reset_after, batch):
    x, hx, *parameters = make(4, batch, 2, 5, directions=2)
    results = []
    for state in (None, torch.zeros_like(hx)):
        output, final = run_layer(x, state, parameters, LayerOptions(reset_after, bidirectional=True))
        results.append([output, final, *torch.autograd.grad(output.sum() + final.sum(), [x, *parameters])])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_only_wanted_gradients_are_made():
    x, hidden, *parameters = make(4, 3, 2, 5)
    output, _ = run_layer(x.detach(), hidden.detach(), parameters, LayerOptions())
    output.sum().backward()
    assert x.grad is None
    assert all(p.grad is not None for p in parameters)
    frozen = [p.detach() for p in parameters]
    (d_x,) = torch.autograd.grad(run_layer(x, hidden, frozen, LayerOptions())[1].sum(), [x])
    assert d_x.shape == x.shape


def test_buffers_are_used_again_but_never_by_two_graphs(monkeypatch):
    monkeypatch.setattr(autograd, "_pool", BufferPool())
    tensors = make(20, 40, 2, 20)

    def run():
        return run_layer(tensors[0], tensors[1], tensors[2:], LayerOptions())[0]

    first, second = run(), run()
    memory = [o.grad_fn.saved_tensors[0].data_ptr() for o in (first, second)]
    assert memory[0] != memory[1]
    del second
    gc.collect()
    assert run().grad_fn.saved_tensors[0].data_ptr() == memory[1]


def test_other_tensors_stay_with_torch():
    x, hidden, weight = torch.zeros(2, 3, 1), torch.zeros(1, 3, 4), torch.zeros(12, 4)
    assert runs_natively(x, None, weight)
    assert runs_natively(x, hidden, weight)
    assert not runs_natively(x.to("meta"), hidden, weight)
    assert not runs_natively(x.bfloat16(), hidden.bfloat16(), weight.bfloat16())
    assert not runs_natively(x.double(), hidden, weight)


@VARIANTS
@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own forward mode uses it
def test_vmap_and_forward_mode_work(reset_after):
    layer, x = GRU(2, 3, reset_after=reset_after), torch.randn(5, 4, 2)
    rows = torch.func.vmap(lambda row: layer(row)[0], in_dims=1, out_dims=1)(x)
    torch.testing.assert_close(rows, layer(x)[0])
    assert torch.func.jvp(lambda x: layer(x)[0], (x,), (x,))[1].shape == (5, 4, 3)


@pytest.mark.slow
@VARIANTS
def test_compiled_and_exported_layers_give_the_same_bits(reset_after):
    layer, x = GRU(2, 5, 2, bidirectional=True, reset_after=reset_after), torch.randn(6, 20, 2)
    compiled = torch.compile(copy.deepcopy(layer), backend="aot_eager", fullgraph=True)
    for a, b in zip(compiled(x), layer(x), strict=True):
        assert torch.equal(a, b)
    for module in (compiled, layer):
        module(x)[0].sum().backward()
    for p, q in zip(compiled.parameters(), layer.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)
    exported = torch.export.export(layer, (x,)).module()
    assert all(torch.equal(a, b) for a, b in zip(exported(x), layer(x), strict=True))
