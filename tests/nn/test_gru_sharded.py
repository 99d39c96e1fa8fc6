"""Weights shared out by torch's fully_shard, here to one process: gathered, in any type, for each call, then freed."""

import copy

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from grucast.nn import GRU, GRUCell

pytestmark = pytest.mark.skipif(not distributed.is_gloo_available(), reason="torch was built without gloo")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = {
    "layer": (GRU, {}, (6, 4, 3)),
    "deep": (GRU, {"num_layers": 2, "bidirectional": True, "batch_first": True}, (4, 6, 3)),
    "cell": (GRUCell, {}, (4, 3)),
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory):
    store = tmp_path_factory.mktemp("group") / "store"
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    distributed.destroy_process_group()


def learn(layer, x):
    """The outputs and weights of three steps of training."""
    optimizer, outputs = torch.optim.SGD(layer.parameters(), 0.1), []
    for _ in range(3):
        optimizer.zero_grad()
        result = layer(x)
        output = (result[0] if isinstance(result, tuple) else result).float()
        output.square().sum().backward()
        optimizer.step()
        outputs.append(output.detach())
    return [*outputs, *(p.full_tensor() if hasattr(p, "full_tensor") else p for p in layer.parameters())]


def shard(layer, mesh, dtype):
    return fully_shard(copy.deepcopy(layer), mesh=mesh, mp_policy=MixedPrecisionPolicy(param_dtype=dtype))


@VARIANTS
@EVERY_KIND
def test_a_sharded_layer_learns_as_a_whole_one(mesh, kind, reset_after):
    layer, options, size = KINDS[kind]
    whole, x = layer(3, 5, reset_after=reset_after, **options), torch.randn(size)
    torch.testing.assert_close(learn(shard(whole, mesh, None), x), learn(copy.deepcopy(whole), x), rtol=0, atol=0)
    low = learn(shard(whole, mesh, torch.bfloat16), x)
    torch.testing.assert_close(low, learn(whole, x), rtol=0.05, atol=0.05)


@EVERY_KIND
def test_a_sharded_layer_learns_as_torchs(mesh, kind):
    layer, options, size = KINDS[kind]
    mine, x = layer(3, 5, **options), torch.randn(size)
    theirs = getattr(nn, layer.__name__)(3, 5, **options)
    theirs.load_state_dict(mine.state_dict())
    for dtype, tolerance in ((None, {}), (torch.bfloat16, {"rtol": 0.05, "atol": 0.05})):
        torch.testing.assert_close(*(learn(shard(m, mesh, dtype), x) for m in (mine, theirs)), **tolerance)
