import pytest
import torch

from grucast.nn import GRUNet


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(7)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_grunet_is_torchs_gru_and_a_linear_layer(bidirectional):
    network = GRUNet(2, 4, 2, 3, bidirectional=bidirectional).eval()
    gru = torch.nn.GRU(2, 4, 2, batch_first=True, bidirectional=bidirectional)
    gru.load_state_dict(network.gru.state_dict())
    x = torch.randn(5, 7, 2)
    h_n = gru(x)[1]
    state = torch.cat([h_n[-2], h_n[-1]], 1) if bidirectional else h_n[-1]
    torch.testing.assert_close(network(x), network.fc(state))


def test_grunet_drops_only_between_layers():
    assert GRUNet(1, 4, 1, 1, dropout=0.5).gru.dropout == 0
    assert GRUNet(1, 4, 2, 1, dropout=0.5).gru.dropout == 0.5


def test_grunet_parameters_are_those_of_the_textbook():
    names = dict(GRUNet(1, 32, 1, 1).named_parameters())
    layer = [f"gru.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    assert list(names) == [*layer, "fc.weight", "fc.bias"]
