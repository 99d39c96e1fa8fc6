"""The layer against torch.nn.GRU and torch's own samples."""

import itertools

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.testing._internal import common_modules

from grucast.nn import GRU, gru

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = [
    dict(zip(("num_layers", "bidirectional", "bias"), kind, strict=True))
    for kind in itertools.product([1, 2], [False, True], [True, False])
]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)
LENGTHS = [6, 1, 4, 5]
ERRORS = common_modules.module_error_inputs_torch_nn_RNN_GRU(None, "cpu", torch.float32, False, False)
SAMPLES = common_modules.module_inputs_torch_nn_RNN_GRU(None, "cpu", torch.float32, False, False, is_rnn=False)


def same(actual, expected, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)


def twins(**kind):
    """Our layer, torch's with the same weights, inputs (T, B, I) and states."""
    mine, theirs = GRU(3, 5, **kind), torch.nn.GRU(3, 5, **kind)
    theirs.load_state_dict(mine.state_dict(), strict=True)
    return mine, theirs, torch.randn(6, 4, 3), torch.randn(len(mine.all_weights), 4, 5)


@EVERY_KIND
@pytest.mark.parametrize("batch_first", [False, True])
def test_outputs_and_gradients_equal_torch(kind, batch_first):
    mine, theirs, x, hx = twins(**kind, batch_first=batch_first)
    x = x.transpose(0, 1) if batch_first else x
    results = []
    for layer in (mine, theirs):
        inputs = [x.clone().requires_grad_(), hx.clone().requires_grad_()]
        output, h_n = layer(*inputs)
        (output.square().sum() + h_n.sin().sum()).backward()
        results.append([output, h_n, *(i.grad for i in inputs), *(p.grad for p in layer.parameters())])
    same(*results)


@EVERY_KIND
@pytest.mark.parametrize("lengths", [LENGTHS, sorted(LENGTHS, reverse=True)])
@pytest.mark.parametrize("with_state", [True, False])
def test_packed_sequences_equal_torch(kind, lengths, with_state):
    mine, theirs, x, hx = twins(**kind)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=lengths[-1] == 1)
    (output, h_n), (expected, state) = (layer(packed, hx if with_state else None) for layer in (mine, theirs))
    assert isinstance(output, PackedSequence)
    same(output.data, expected.data)
    same(h_n, state)
    same(output[1:], expected[1:])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropout_with_the_same_seed_equals_torch(bidirectional):
    mine, theirs, x, _ = twins(num_layers=3, dropout=0.5, bidirectional=bidirectional)
    results = []
    for layer in (mine, theirs):
        torch.manual_seed(3)
        results.append(layer(x))
    same(*results)
    assert not torch.equal(mine(x)[0], mine(x)[0])
    same(mine.eval()(x), theirs.eval()(x))


@EVERY_KIND
def test_initial_weights_are_those_of_torch(kind):
    states = []
    for layer in (GRU, torch.nn.GRU):
        torch.manual_seed(7)
        states.append(layer(3, 5, **kind).state_dict())
    same(*states, rtol=0, atol=0)


def test_positional_arguments_and_repr_are_those_of_torch():
    arguments = (3, 5, 2, False, True, 0.25, True)
    assert repr(GRU(*arguments)) == repr(torch.nn.GRU(*arguments))
    assert repr(GRU(3, 5, reset_after=False, recompute=True)) == "GRU(3, 5, reset_after=False, recompute=True)"


def test_torchs_tools_do_not_take_it_for_their_own():
    assert not isinstance(GRU(3, 5), torch.nn.GRU)


@EVERY_KIND
def test_state_dicts_load_both_ways(kind):
    mine, theirs = GRU(3, 5, **kind), torch.nn.GRU(3, 5, **kind)
    mine.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(6, 4, 3)
    same(mine(x), theirs(x))


@VARIANTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_torch_samples_hold(sample, reset_after):
    layer = GRU(**sample.constructor_input.kwargs, reset_after=reset_after)
    same(layer(*sample.forward_input.args), sample.reference_fn(layer, *sample.forward_input.args))


@pytest.mark.parametrize("error", ERRORS)
def test_errors_are_those_of_torch(error):
    given, forward = error.module_error_input.constructor_input, error.module_error_input.forward_input
    with pytest.raises(error.error_type, match=error.error_regex):
        GRU(*given.args, **given.kwargs)(*forward.args)


@pytest.mark.parametrize(
    ("x", "hx"),
    [((6,), None), ((6, 4, 2), None), ((6, 3), (1, 1, 5)), ((6, 4, 3), (1, 5)), ((6, 4, 3), (1, 3, 5)),
     ((6, 4, 3), (2, 4, 5)), ((0, 4, 3), None), ((0, 3), None)],
)  # fmt: skip
def test_wrong_shapes_fail_as_in_torch(x, hx):
    arguments = [torch.zeros(x), None if hx is None else torch.zeros(hx)]
    with pytest.raises((RuntimeError, ValueError)) as theirs:
        torch.nn.GRU(3, 5)(*arguments)
    with pytest.raises(theirs.type) as mine:
        GRU(3, 5)(*arguments)
    assert str(mine.value) == str(theirs.value)


@VARIANTS
def test_states_of_another_dtype_are_an_error(reset_after):
    with pytest.raises(RuntimeError, match="dtype"):
        GRU(3, 5, reset_after=reset_after)(torch.zeros(6, 4, 3), torch.zeros(1, 4, 5, dtype=torch.float64))


@pytest.mark.parametrize("lengths", [None, LENGTHS, [6, 0, 4, 5]])
def test_torchs_kernel_gives_the_same(monkeypatch, lengths):
    layer, x, hx = GRU(3, 5, 2, bidirectional=True), torch.randn(6, 4, 3), torch.randn(4, 4, 5)
    expected = layer(x, hx, lengths)
    monkeypatch.setattr(gru, "has_fused_kernel", lambda *_: True)
    same(layer(x, hx, lengths), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@VARIANTS
@pytest.mark.parametrize("lengths", [None, LENGTHS, [6, 0, 4, 5]])
def test_cuda_equals_cpu(reset_after, lengths):
    layer, x, hx = GRU(3, 5, 2, bidirectional=True, reset_after=reset_after), torch.randn(6, 4, 3), torch.randn(4, 4, 5)
    expected = layer(x, hx, lengths)
    output, h_n = layer.cuda()(x.cuda(), hx.cuda(), lengths)
    same((output.cpu(), h_n.cpu()), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layer", [GRU, torch.nn.GRU])
def test_proj_size_is_refused_in_torchs_words(layer):
    with pytest.raises(ValueError, match="proj_size argument is only supported for LSTM, not RNN or GRU"):
        layer(3, 5, proj_size=2)
