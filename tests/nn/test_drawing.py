import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grucast import NetworkConfig
from grucast.data.encoding import Column, Schema
from grucast.nn.drawing import Dropout, WeightsFrom, drop_from, dropout
from grucast.nn.networks import ForecastNetwork, GRUNet, Inputs


def forecaster():
    schema = Schema((Column("kind", "future", categories=("a", "b")), Column("load", "past")))
    ahead = [torch.zeros(2, 3, 4), torch.zeros(2, 3, 1, dtype=torch.int64)]
    fixed = [torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.int64)]
    example = Inputs(
        torch.zeros(2, 6, 5), torch.zeros(2, 6, 1, dtype=torch.int64), *ahead, *fixed, torch.zeros(2, 2, 3)
    )
    return ForecastNetwork(example, 3, schema, NetworkConfig(hidden_size=4, head_size=8, num_layers=2))


@pytest.mark.parametrize("make", [forecaster, lambda: GRUNet(2, 4, 3, 1, bidirectional=True)])
def test_weights_are_those_of_torchs_generator_with_the_same_seed(make):
    torch.manual_seed(5)
    wanted = make().state_dict()
    torch.manual_seed(6)
    before, generator = torch.get_rng_state(), torch.Generator().manual_seed(5)
    with WeightsFrom(generator):
        made = make().state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(made[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.7])
def test_dropout_is_torchs_with_the_same_seed_and_gradient(share):
    mine, theirs = torch.ones(2, 40, 7, requires_grad=True), torch.ones(2, 40, 7, requires_grad=True)
    torch.manual_seed(5)
    wanted = F.dropout(theirs, share)
    state, generator = torch.get_rng_state(), torch.Generator().manual_seed(5)
    got = dropout(mine, share, generator)
    assert torch.equal(got, wanted)
    got.square().sum().backward()
    wanted.square().sum().backward()
    assert torch.equal(mine.grad, theirs.grad)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(generator.get_state(), state)


def test_network_drops_by_its_generator_and_by_torchs_where_it_has_none():
    network, x = nn.Sequential(GRUNet(2, 4, 2, 3, dropout=0.5), Dropout(0.5)), torch.ones(5, 7, 2)
    torch.manual_seed(5)
    wanted = network(x)
    drop_from(network, torch.Generator().manual_seed(5))
    before = torch.get_rng_state()
    assert torch.equal(network(x), wanted)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(network.eval()(x), network(x))
