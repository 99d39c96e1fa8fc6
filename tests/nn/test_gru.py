"""The layer against the NumPy reference and against itself."""

import copy
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from grucast.errors import ConfigError, ShapeError
from grucast.kernels import reference
from grucast.nn import GRU, join_final_states

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = [
    dict(zip(("num_layers", "bidirectional", "bias"), kind, strict=True))
    for kind in itertools.product([1, 2], [False, True], [True, False])
]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)
LENGTHS = [6, 1, 4, 5]


def same(actual, expected, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)


def run_reference(layer, x, hx, lengths):
    """Every layer and direction of the reference, float64, (B, T, I) in and out."""
    count, states = 2 if layer.bidirectional else 1, []
    for k in range(layer.num_layers):
        outputs = []
        for i in range(k * count, (k + 1) * count):
            arrays = [w.detach().numpy() for w in layer.all_weights[i]]
            weights = reference.Weights(*arrays, *([] if layer.bias else [np.zeros(15)] * 2))
            output, state = reference.gru_forward(x, hx[i], weights, layer.reset_after, lengths, i % count == 1)
            outputs.append(output)
            states.append(state)
        x = np.concatenate(outputs, 2)
    return x, np.stack(states)


@EVERY_KIND
@VARIANTS
@pytest.mark.parametrize("lengths", [None, [6, 0, 4, 5]])
def test_layer_equals_reference(kind, reset_after, lengths):
    layer = GRU(3, 5, **kind, batch_first=True, reset_after=reset_after, dtype=torch.float64)
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    hx = torch.randn(len(layer.all_weights), 4, 5, dtype=torch.float64)
    expected = run_reference(layer, x.numpy(), hx.numpy(), None if lengths is None else np.array(lengths))
    for mine, theirs in zip(layer(x, hx, lengths), expected, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs, rtol=1e-10, atol=1e-13)


@VARIANTS
def test_lengths_equal_a_packed_sequence(reset_after):
    layer, x = GRU(3, 5, 2, bidirectional=True, reset_after=reset_after), torch.randn(6, 4, 3)
    packed, state = layer(pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False))
    output, h_n = layer(x, lengths=LENGTHS)
    same(output, pad_packed_sequence(packed)[0])
    same(h_n, state)


@VARIANTS
def test_lengths_equal_each_row_alone(reset_after):
    layer = GRU(3, 5, 2, batch_first=True, bidirectional=True, reset_after=reset_after)
    x, hx = torch.randn(4, 6, 3), torch.randn(4, 4, 5)
    output, h_n = layer(x, hx, LENGTHS)
    for row, n in enumerate(LENGTHS):
        alone, state = layer(x[row, :n], hx[:, row])
        same(output[row, :n], alone)
        same(h_n[:, row], state)
        assert not output[row, n:].any()


def test_a_row_of_length_zero_keeps_its_state():
    layer, x, hx = GRU(3, 5, 2), torch.randn(6, 2, 3), torch.randn(2, 2, 5)
    output, h_n = layer(x, hx, lengths=[0, 6])
    same(h_n[:, 0], hx[:, 0], rtol=0, atol=0)
    assert not output[:, 0].any()


@VARIANTS
@pytest.mark.parametrize("kind", [{}, {"num_layers": 2, "bidirectional": True}, {"recompute": True}], ids=str)
@pytest.mark.parametrize("refill", [50, 1])
@pytest.mark.parametrize("of", [np.array, torch.tensor])
def test_a_buffer_of_lengths_may_be_filled_anew_before_backward(reset_after, kind, refill, of):
    layer, gradients = GRU(3, 8, batch_first=True, reset_after=reset_after, **kind), []
    x, buffer = torch.randn(4, 6, 3, requires_grad=True), of(LENGTHS)
    for lengths in (LENGTHS, buffer):
        output, h_n = layer(x, lengths=lengths)
        buffer[:] = refill
        gradients.append(torch.autograd.grad(output.sum() + h_n.sum(), [x, *layer.parameters()]))
        buffer[:] = of(LENGTHS)
    same(*gradients, rtol=0, atol=0)


@VARIANTS
@pytest.mark.parametrize("kind", [{}, {"num_layers": 2, "bidirectional": True}])
def test_lengths_count_in_transforms(kind, reset_after):
    layer, x = GRU(3, 5, **kind, reset_after=reset_after), torch.randn(2, 6, 4, 3)
    lengths = torch.tensor([[6, 0, 2, 4], [1, 5, 3, 3]])

    def loss(x, n):
        return layer(x, lengths=n)[0].square().sum()

    expected = []
    for one, n in zip(x, lengths, strict=True):
        inputs = one.clone().requires_grad_()
        expected.append(torch.autograd.grad(loss(inputs, n), inputs)[0])
    same(torch.func.grad(loss)(x[1], lengths[1]), expected[1])
    same(torch.func.vmap(torch.func.grad(loss))(x, lengths), torch.stack(expected))
    mapped = torch.func.vmap(lambda n: layer(x[0], lengths=n), in_dims=1)(lengths.T.contiguous())
    each = [layer(x[0], lengths=n) for n in lengths]
    same(mapped, tuple(torch.stack(t) for t in zip(*each, strict=True)))
    with pytest.raises(ConfigError, match="between 0 and the 6 steps"):
        torch.func.vmap(loss)(x, lengths + 1)


@VARIANTS
def test_lengths_count_on_meta_and_where_operators_are_recorded(reset_after):
    layer, x, lengths = GRU(3, 5, reset_after=reset_after), torch.randn(6, 4, 3), torch.tensor([6, 0, 2, 4])
    recorded = make_fx(lambda x, n: layer(x, lengths=n), _allow_non_fake_inputs=True)(x, lengths)
    same(recorded(x, lengths.flip(0)), layer(x, lengths=lengths.flip(0)))
    with FakeTensorMode(allow_non_fake_inputs=True) as fake:
        assert layer(fake.from_tensor(x), lengths=fake.from_tensor(lengths))[0].shape == (6, 4, 5)
    assert layer.to("meta")(x.to("meta"), lengths=lengths)[1].shape == (1, 4, 5)


@VARIANTS
@pytest.mark.parametrize("batch_first", [False, True])
def test_unbatched_equals_a_batch_of_one(reset_after, batch_first):
    layer = GRU(3, 5, 2, batch_first=batch_first, bidirectional=True, reset_after=reset_after)
    x, hx = torch.randn(6, 3), torch.randn(4, 5)
    output, h_n = layer(x.unsqueeze(0 if batch_first else 1), hx.unsqueeze(1))
    same(layer(x, hx), (output.squeeze(0 if batch_first else 1), h_n.squeeze(1)))


@VARIANTS
def test_hidden_none_equals_zeros(reset_after):
    layer, x = GRU(3, 5, 2, reset_after=reset_after), torch.randn(6, 4, 3)
    same(layer(x), layer(x, torch.zeros(2, 4, 5)), rtol=0, atol=0)


@EVERY_KIND
@VARIANTS
def test_trace_explains_the_output(kind, reset_after):
    layer, x = GRU(3, 5, **kind, reset_after=reset_after), torch.randn(6, 4, 3)
    hx = torch.randn(len(layer.all_weights), 4, 5)
    (output, h_n), trace = layer(x, hx), layer.trace(x, hx)
    for i, gates in enumerate(trace):
        backwards = kind["bidirectional"] and i % 2 == 1
        hidden = gates.hidden.flip(1) if backwards else gates.hidden
        previous = torch.cat([hx[i][:, None], hidden[:, :-1]], 1)
        update, candidate = ((g.flip(1) if backwards else g) for g in (gates.update, gates.candidate))
        same(hidden, update * previous + (1 - update) * candidate)
        same(hidden[:, -1], h_n[i])
    same(torch.cat([g.hidden for g in trace[-2 if kind["bidirectional"] else -1 :]], 2), output.transpose(0, 1))


@pytest.mark.parametrize("batch_first", [False, True])
def test_trace_is_batch_first_and_without_dropout(batch_first):
    layer, x = GRU(3, 5, 2, batch_first=batch_first, dropout=0.9), torch.randn(4, 6, 3)
    batched = layer.trace(x if batch_first else x.transpose(0, 1))
    assert [g.shape for g in batched[1]] == [(4, 6, 5)] * 4
    for mine, alone in zip(batched, layer.trace(x[2]), strict=True):
        same(tuple(g[2] for g in mine), tuple(alone))


@VARIANTS
def test_joined_final_states_are_two_one_directional_runs(reset_after):
    both, x = GRU(3, 5, batch_first=True, bidirectional=True, reset_after=reset_after), torch.randn(4, 6, 3)
    states = []
    for suffix, inputs in (("_l0", x), ("_l0_reverse", x.flip(1))):
        one = GRU(3, 5, batch_first=True, reset_after=reset_after)
        one.load_state_dict(
            {name.replace(suffix, "_l0"): w for name, w in both.state_dict().items() if name.endswith(suffix)}
        )
        states.append(one(inputs)[1][0])
        same(join_final_states(one(inputs)[1], bidirectional=False), states[-1])
    output, h_n = both(x)
    same(join_final_states(h_n, bidirectional=True), torch.cat(states, 1))
    assert not torch.allclose(output[:, -1], torch.cat(states, 1))


@given(
    order=st.permutations(range(4)), lengths=st.lists(st.integers(0, 6), min_size=4, max_size=4), after=st.booleans()
)
def test_rows_do_not_see_each_other(order, lengths, after):
    layer, x, hx = GRU(3, 5, bidirectional=True, reset_after=after), torch.randn(6, 4, 3), torch.randn(2, 4, 5)
    output, h_n = layer(x, hx, lengths)
    moved, state = layer(x[:, order], hx[:, order], [lengths[i] for i in order])
    same(moved, output[:, order])
    same(state, h_n[:, order])


def test_calls_without_meaning_are_refused():
    layer, x = GRU(3, 5), torch.zeros(6, 2, 3)
    packed = pack_padded_sequence(x, torch.tensor([6, 2]))
    for call in (lambda: layer(packed, lengths=[6, 2]), lambda: layer(x[:, 0], lengths=[6])):
        with pytest.raises(ConfigError, match="lengths need a padded batch"):
            call()
    with pytest.raises(ConfigError, match="trace takes a padded tensor"):
        layer.trace(packed)
    with pytest.raises(ShapeError, match="lengths must have shape"):
        layer(x, lengths=[1])
    with pytest.raises(TypeError, match="reset_after should be of type bool, got: int"):
        GRU(3, 5, 1, True, False, 0.0, False, 0)


@VARIANTS
def test_no_rows_give_no_rows(reset_after):
    layer = GRU(3, 5, 2, reset_after=reset_after)
    for lengths in (None, []):
        output, h_n = layer(torch.zeros(6, 0, 3), lengths=lengths)
        assert (output.shape, h_n.shape) == ((6, 0, 5), (2, 0, 5))


@VARIANTS
def test_non_contiguous_input_gives_the_same(reset_after):
    layer, x = GRU(3, 5, reset_after=reset_after), torch.randn(3, 8, 6).permute(2, 1, 0)[:, ::2]
    hx = torch.randn(5, 4, 1).permute(2, 1, 0)
    assert not any(tensor.is_contiguous() for tensor in (x, hx))
    same(layer(x, hx), layer(x.contiguous(), hx.contiguous()))


@VARIANTS
def test_copies_and_other_dtypes_keep_the_function(reset_after):
    layer, x = GRU(3, 5, reset_after=reset_after), torch.randn(6, 4, 3)
    same(copy.deepcopy(layer)(x), layer(x), rtol=0, atol=0)
    same(copy.deepcopy(layer).double()(x.double())[0].float(), layer(x)[0])
    same(copy.deepcopy(layer).to(torch.bfloat16)(x.bfloat16())[0].float(), layer(x)[0], rtol=0.1, atol=0.05)


@VARIANTS
def test_functional_call_uses_the_weights_it_is_given(reset_after):
    layer, other = (GRU(3, 5, reset_after=reset_after) for _ in range(2))
    x = torch.randn(6, 4, 3)
    same(torch.func.functional_call(layer, dict(other.named_parameters()), (x,)), other(x), rtol=0, atol=0)
