import numpy as np
import pytest
import torch

from grucast import NetworkConfig
from grucast.model.network import NORMAL, Parameter, SequenceNetwork
from grucast.model.outputs.means import Means
from grucast.nn import GRUNet
from grucast.training.weights import draw, parts


@pytest.mark.parametrize("seed", [0, 42, 2**33 + 5, 2**63 - 1])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_weights_are_those_that_torch_draws_after_the_same_seed(bidirectional, seed):
    network = SequenceNetwork(NetworkConfig(33, 2, bidirectional=bidirectional), 3, Means(2))
    drawn = parts(draw(network.parameters(), np.random.RandomState(seed % 2**32)), network.parameters())
    torch.manual_seed(seed)
    twin = GRUNet(3, 33, 2, 2, 0.0, bidirectional).state_dict()
    assert drawn.keys() == twin.keys()
    for name, array in drawn.items():
        np.testing.assert_array_equal(array, twin[name].numpy())


def test_tables_of_categories_are_standard_normal_but_for_what_is_missing():
    table = draw([Parameter("embed.0.weight", (5000, 4), NORMAL)], np.random.RandomState(1)).reshape(5000, 4)
    assert (table[0] == 0).all()
    assert (abs(table.mean()), table.std()) == pytest.approx((0, 1), abs=0.02)


def test_bound_zero_is_zero_and_draws_nothing():
    one, other = (np.random.RandomState(1) for _ in range(2))
    assert (draw([Parameter("out.weight", (3, 2), 0.0)], one) == 0).all()
    assert one.randint(9, size=5).tolist() == other.randint(9, size=5).tolist()


def test_parts_are_views_of_the_vector():
    vector = np.arange(7, dtype=np.float32)
    found = parts(vector, [Parameter("a", (2, 2), 1.0), Parameter("b", (3,), 1.0)])
    found["b"][:] = 9
    assert vector.tolist() == [0, 1, 2, 3, 9, 9, 9]
    assert found["a"].tolist() == [[0, 1], [2, 3]]
