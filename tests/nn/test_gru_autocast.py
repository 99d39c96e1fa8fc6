"""Under autocast the layers take the dtypes that torch's take, return theirs, and compute in that of the weights."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from grucast.kernels import native
from grucast.nn import GRU, GRUCell, cell, gru

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = {
    "layer": (GRU, {}),
    "deep": (GRU, {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    "cell": (GRUCell, {}),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
LOW = [torch.bfloat16, torch.float16]
WITHIN = [(torch.bfloat16, torch.bfloat16, None), (torch.float16, torch.float16, torch.float32),
          (torch.bfloat16, torch.float16, None), (torch.bfloat16, torch.float32, torch.bfloat16)]  # fmt: skip
EVERY_DTYPE = pytest.mark.parametrize("dtypes", WITHIN, ids=str)


def same(actual, expected, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)


def tensors(result):
    return list(result) if isinstance(result, tuple) else [result]


def make(kind, reset_after=True):
    """A layer, inputs and states."""
    layer, options = KINDS[kind]
    mine = layer(3, 5, reset_after=reset_after, **options)
    if kind == "cell":
        return mine, torch.randn(4, 3), torch.randn(4, 5)
    x = torch.randn(6, 4, 3)
    return mine, x.transpose(0, 1) if mine.batch_first else x, torch.randn(len(mine.all_weights), 4, 5)


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@VARIANTS
@EVERY_KIND
@EVERY_DTYPE
def test_low_inputs_run_in_the_kernels_in_full_precision(kind, reset_after, dtypes, monkeypatch):
    layer, x, hx = make(kind, reset_after)
    within, dtype, state = dtypes
    inputs = [x.to(dtype), *([] if state is None else [hx.to(state)])]
    expected = layer(*(t.float() for t in inputs))
    for module in (gru, cell):
        monkeypatch.setattr(module, "recur_layer", None)
    with torch.autocast("cpu", dtype=within):
        result = layer(*inputs)
    low = tensors(result)[0].dtype
    same(tensors(result), [t.to(low) for t in tensors(expected)], rtol=0, atol=0)


@VARIANTS
@EVERY_KIND
@pytest.mark.parametrize("within", LOW)
def test_results_have_the_dtype_and_nearly_the_values_of_torchs(kind, reset_after, within):
    layer, x, hx = make(kind, reset_after)
    theirs = getattr(nn, type(layer).__name__)(3, 5, **KINDS[kind][1])
    theirs.load_state_dict(layer.state_dict())
    for dtype, state in itertools.product([torch.float32, *LOW], [None, torch.float32, torch.bfloat16]):
        inputs = [x.to(dtype), *([] if state is None else [hx.to(state)])]
        with torch.autocast("cpu", dtype=within):
            mine, expected = tensors(layer(*inputs)), tensors(theirs(*inputs))
        if reset_after:
            same(mine, expected, rtol=0.05, atol=0.05)
        assert [t.dtype for t in mine] == [t.dtype for t in expected]


@VARIANTS
@EVERY_KIND
@EVERY_DTYPE
def test_gradients_are_those_of_full_precision(kind, reset_after, dtypes):
    layer, x, hx = make(kind, reset_after)
    within, dtype, state = dtypes
    results = []
    for low in (False, True):
        inputs = [x.to(dtype), hx.to(state or torch.float32)]
        inputs = [(t if low else t.float()).requires_grad_() for t in inputs]
        with torch.autocast("cpu", dtype=within, enabled=low):
            result = layer(*inputs)
        loss = sum(t.float().sum() for t in tensors(result))
        found = torch.autograd.grad(loss, [*inputs, *layer.parameters()])
        results.append([g.float() for g in found])
        assert [g.dtype for g in found[:2]] == [t.dtype for t in inputs]
    same(*results, rtol=0.01, atol=0.01)


@VARIANTS
@pytest.mark.parametrize("lengths", [[6, 4, 2, 1], [20, 1, 1, 1]])
def test_packs_and_traces_of_gates_are_taken_too(reset_after, lengths):
    layer, _, hx = make("layer", reset_after)
    low, lengths = torch.randn(20, 4, 3).half(), torch.tensor(lengths)
    pack = pack_padded_sequence(low, lengths)
    packed, gates = layer(pack_padded_sequence(low.float(), lengths)), layer.trace(low.float(), hx)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, h_n = layer(pack)
        same(layer.trace(low, hx), gates, rtol=0, atol=0)
    same((output.data, h_n), (packed[0].data, packed[1]), rtol=0.01, atol=0.01)


@EVERY_KIND
def test_without_autocast_other_dtypes_stay_errors(kind):
    layer, x, hx = make(kind)
    for inputs in ([x.bfloat16()], [x, hx.bfloat16()], [x.double(), hx]):
        with pytest.raises((RuntimeError, ValueError), match="dtype"):
            layer(*inputs)
