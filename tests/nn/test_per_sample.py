import pytest
import torch
from torch.nn.utils._per_sample_grad import call_for_per_sample_grads

from grucast.kernels import native
from grucast.nn import GRU

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}])
@pytest.mark.parametrize("given", [False, True])
def test_gradients_per_sample_equal_those_of_each_sample_alone(reset_after, bias, shape, given):
    layer = GRU(2, 3, bias=bias, **shape, reset_after=reset_after)
    layer.weight_ih_l0.requires_grad_(bias)  # a frozen one stays a plain tensor
    x = torch.randn(4, 4, 2)
    hx = torch.randn(4 if shape else 1, 4, 3) if given else None
    lengths = torch.tensor([4, 1, 0, 3]) if given else None
    each = call_for_per_sample_grads(layer, batch_size=4, batch_first=bool(shape))
    output, h_n = each(x, hx, lengths)
    torch.testing.assert_close((output, h_n), layer(x, hx, lengths))
    (output.square().sum() + h_n.sum()).backward()
    for i in range(4):
        row = slice(i, i + 1)
        own = layer(x[row] if shape else x[:, row], hx[:, row] if given else None, lengths[row] if given else None)
        wanted = [p for p in layer.parameters() if p.requires_grad]
        alone = torch.autograd.grad(own[0].square().sum() + own[1].sum(), wanted)
        torch.testing.assert_close(tuple(p.grad_sample[i] for p in wanted), alone)
