"""Memory layouts of what the kernels are given."""

import pytest
import torch

from grucast.kernels import native
from grucast.nn import calls
from grucast.nn.recurrence import Options

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")


@pytest.mark.parametrize("view", ["rows first", "steps first", "strided", "expanded"])
def test_memory_layout_changes_no_bits(view):
    x, hx = torch.randn(6, 20, 4), torch.randn(1, 20, 7)
    parameters = [torch.randn(21, 4), torch.randn(7, 21).t(), torch.randn(42)[::2], torch.randn(21)]
    views = {
        "rows first": x.transpose(0, 1).contiguous().transpose(0, 1),
        "steps first": x,
        "strided": torch.stack([x, x], 3)[..., 0],
        "expanded": x[:, :1].expand_as(x),
    }
    x = views[view]
    expected = calls.forward(Options(), None, x.clone(memory_format=torch.contiguous_format), hx, parameters, None)
    for a, b in zip(calls.forward(Options(), None, x, hx, parameters, None), expected, strict=True):
        assert torch.equal(a, b)
