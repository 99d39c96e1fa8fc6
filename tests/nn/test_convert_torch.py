import itertools

import pytest
import torch

from grucast.errors import ConfigError, MismatchError
from grucast.nn import GRU, from_torch, to_torch
from tests.differences import assert_near

NAMES = ("num_layers", "bias", "batch_first", "bidirectional")
KINDS = [dict(zip(NAMES, kind, strict=True)) for kind in itertools.product([1, 2], *[[False, True]] * 3)]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=str)


class Other(torch.nn.GRU):
    """Calls itself a GRU, and is not one."""

    def forward(self, x, hx=None):
        output, h_n = super().forward(x, hx)
        return -output, h_n


@EVERY_KIND
@pytest.mark.parametrize(("convert", "source"), [(from_torch, torch.nn.GRU), (to_torch, GRU)])
def test_outputs_are_those_of_the_source(kind, convert, source):
    theirs = source(3, 5, **kind)
    mine, x = convert(theirs), torch.randn(6, 4, 3)
    assert repr(mine) == repr(theirs)
    with torch.no_grad():
        for actual, expected in zip(mine(x), theirs(x), strict=True):
            assert_near(actual, expected, f"torch {torch.__version__}")


def test_settings_come_along():
    theirs = torch.nn.GRU(3, 5, 2, dropout=0.25, dtype=torch.float64).eval()
    theirs.weight_hh_l0.requires_grad_(False)
    mine = from_torch(theirs)
    assert (mine.dropout, mine.training, mine.weight_hh_l0.dtype) == (0.25, False, torch.float64)
    assert [p.requires_grad for p in mine.parameters()] == [p.requires_grad for p in theirs.parameters()]
    assert from_torch(torch.nn.GRU(3, 5, dtype=torch.bfloat16)).weight_hh_l0.dtype == torch.bfloat16


def test_weights_are_copies():
    theirs = torch.nn.GRU(3, 5)
    mine = from_torch(theirs)
    before = mine.weight_ih_l0.clone()
    torch.nn.init.zeros_(theirs.weight_ih_l0)
    assert torch.equal(mine.weight_ih_l0, before)


def test_parametrized_weights_are_read_as_they_are_used():
    theirs = torch.nn.utils.parametrizations.weight_norm(torch.nn.GRU(3, 5), "weight_hh_l0")
    x = torch.randn(6, 4, 3)
    torch.testing.assert_close(from_torch(theirs)(x), theirs(x))


def test_reset_before_the_product_has_no_torch_layer():
    with pytest.raises(ConfigError, match="no weights make them the same"):
        to_torch(GRU(3, 5, reset_after=False))


@pytest.mark.parametrize("module", [torch.nn.LSTM(3, 5), torch.nn.GRUCell(3, 5), GRU(3, 5)])
def test_only_torchs_gru_is_read(module):
    with pytest.raises(ConfigError, match=f"got {type(module).__name__}"):
        from_torch(module)


def test_layer_that_computes_something_else_is_refused():
    with pytest.raises(MismatchError, match=r"torch.nn.GRU computes something else"):
        from_torch(Other(3, 5))
    assert isinstance(from_torch(Other(3, 5), verify=False), GRU)
