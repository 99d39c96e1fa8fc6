"""Packs run in groups of like lengths: the bits of each row alone, torch's values, memory bounded by the pack."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from grucast.kernels import native
from grucast.nn import GRU, gru, packed

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = pytest.mark.parametrize(
    "kind", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True, "bias": False}], ids=str
)
SAME = {"rtol": 0, "atol": 0} if native.available() else {}  # torch's products differ in the last bit
LENGTHS = [1, 90, 2, 20, 19, 3, 1, 4]


@pytest.fixture(autouse=True)
def _no_padding_is_too_little(monkeypatch):
    monkeypatch.setattr(packed, "ALWAYS_PADDED", 0)


@pytest.fixture
def padded(monkeypatch):
    """Steps that each call of a layer was given, padding included."""
    sizes = []

    def measured(original, x, *rest):
        sizes.append(x.shape[0] * x.shape[1])
        return original(x, *rest)

    for name in ("run_layer", "recur_layer"):
        monkeypatch.setattr(gru, name, partial(measured, getattr(gru, name)))
    return sizes


@VARIANTS
@KINDS
@pytest.mark.parametrize("with_state", [True, False])
def test_rows_of_a_ragged_pack_have_the_bits_they_have_alone(kind, reset_after, with_state, padded):
    layer = GRU(3, 5, reset_after=reset_after, **kind)
    rows = [torch.randn(n, 3) for n in LENGTHS]
    hx = torch.randn(len(layer.all_weights), len(rows), 5) if with_state else None
    output, h_n = layer(pack_sequence(rows, enforce_sorted=False), hx)
    assert len(padded) > layer.num_layers
    for i, (row, mine) in enumerate(zip(rows, unpack_sequence(output), strict=True)):
        alone, state = layer(row, None if hx is None else hx[:, i])
        torch.testing.assert_close((mine, h_n[:, i]), (alone, state), **SAME)


@KINDS
def test_values_and_gradients_of_a_ragged_pack_equal_torch(kind):
    mine, theirs = GRU(3, 5, **kind), torch.nn.GRU(3, 5, **kind)
    theirs.load_state_dict(mine.state_dict())
    rows, results = [torch.randn(n, 3) for n in LENGTHS], []
    hx = torch.randn(len(mine.all_weights), len(rows), 5)
    for layer in (mine, theirs):
        inputs = [t.clone().requires_grad_() for t in (*rows, hx)]
        output, h_n = layer(pack_sequence(inputs[:-1], enforce_sorted=False), inputs[-1])
        (output.data.square().sum() + h_n.sin().sum()).backward()
        results.append([output.data, h_n, *(t.grad for t in (*inputs, *layer.parameters()))])
        assert output.batch_sizes.sum() == sum(LENGTHS)
    torch.testing.assert_close(*results)


@VARIANTS
def test_one_long_row_among_short_ones_is_not_padded_around(reset_after, padded):
    layer = GRU(1, 2, reset_after=reset_after)
    pack = pack_sequence([torch.randn(n, 1) for n in (3,) * 100 + (2000,) + (3,) * 155], enforce_sorted=False)
    layer(pack)
    assert padded == [2000, 255 * 3]


def test_a_little_padding_is_not_worth_more_calls(padded, monkeypatch):
    layer, pack = GRU(1, 2), pack_sequence([torch.randn(n, 1) for n in LENGTHS], enforce_sorted=False)
    for most, calls in ((90 * 8 * 3 - 1, 3), (90 * 8 * 3, 1)):
        monkeypatch.setattr(packed, "ALWAYS_PADDED", most)
        padded.clear()
        layer(pack)
        assert len(padded) == calls


@VARIANTS
def test_a_default_device_is_not_the_packs(reset_after):
    layer, pack = GRU(1, 2, reset_after=reset_after), pack_sequence([torch.randn(9, 1), *torch.randn(20, 1, 1)])
    expected = layer(pack)
    with torch.device("meta"):
        output, h_n = layer(pack)
    torch.testing.assert_close((output.data, h_n), (expected[0].data, expected[1]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_padding_is_bounded_by_the_pack(lengths):
    with pytest.MonkeyPatch.context() as patch:
        sizes = []
        patch.setattr(gru, "run_layer", lambda x, hx, *_: sizes.append(x.shape[0] * x.shape[1]) or (x, hx))
        patch.setattr(gru, "recur_layer", gru.run_layer)
        layer, rows = GRU(1, 1), [torch.arange(n, dtype=torch.float32)[:, None] for n in lengths]
        output, _ = layer(pack_sequence(rows, enforce_sorted=False))
    assert sum(sizes) <= packed.MOST_PADDED * sum(lengths)
    for row, mine in zip(rows, unpack_sequence(output), strict=True):
        assert torch.equal(row, mine)
