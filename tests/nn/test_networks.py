import pytest
import torch

from grucast import NetworkConfig
from grucast.nn.networks import ForecastNetwork, GRUNet, non_crossing


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


def test_untrained_forecast_is_the_mean_continuation():
    network = ForecastNetwork(3, 2, h=4, quantiles=3, config=NetworkConfig(hidden_size=5))
    continuations = torch.randn(6, 2, 4)
    forecast = network(torch.randn(6, 9, 3), continuations)
    torch.testing.assert_close(forecast[..., 1], continuations.mean(1))


def test_every_step_of_the_forecast_feels_every_step_of_the_history():
    network = ForecastNetwork(1, 2, h=4, quantiles=1, config=NetworkConfig(hidden_size=5)).eval()
    torch.nn.init.normal_(network.out.weight)
    inputs = torch.randn(1, 9, 1, requires_grad=True)
    for step in range(4):
        (gradient,) = torch.autograd.grad(network(inputs, torch.zeros(1, 2, 4))[0, step].sum(), inputs)
        assert (gradient != 0).all()


def test_quantiles_ascend_and_have_gradients_everywhere():
    raw = torch.randn(3, 4, 5, requires_grad=True)
    forecast = non_crossing(torch.randn(3, 4), raw)
    assert (forecast.diff(dim=-1) > 0).all()
    forecast.square().sum().backward()
    assert (raw.grad != 0).all()
