import pytest
import torch

from grucast import NetworkConfig
from grucast.data.covariates import Column
from grucast.data.encoding import Schema
from grucast.nn.networks import Ensemble, ForecastNetwork, GRUNet, Inputs, embedding, non_crossing


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


def make_inputs(rows, steps, channels, h, known=0):
    none = torch.empty(rows, 0)
    codes = torch.empty(rows, steps, 0, dtype=torch.int64)
    ahead = torch.randn(rows, h, known)
    return Inputs(
        torch.randn(rows, steps, channels), codes, ahead, codes[:, :h], none, codes[:, 0], torch.randn(rows, 2, h)
    )


@pytest.mark.parametrize("known", [0, 2])
def test_untrained_forecast_is_the_mean_continuation(known):
    x = make_inputs(6, 9, 3, h=4, known=known)
    network = ForecastNetwork(x, quantiles=3, schema=Schema(), config=NetworkConfig(hidden_size=5))
    torch.testing.assert_close(network(x)[..., 1], x.continuations.mean(1))


def test_every_step_of_the_forecast_feels_every_step_of_the_history():
    x = make_inputs(1, 9, 1, h=4)
    network = ForecastNetwork(x, quantiles=1, schema=Schema(), config=NetworkConfig(hidden_size=5)).eval()
    torch.nn.init.normal_(network.out.weight)
    x.inputs.requires_grad_()
    for step in range(4):
        (gradient,) = torch.autograd.grad(network(x)[0, step].sum(), x.inputs)
        assert (gradient != 0).all()


def test_units_of_the_head_are_dropped_in_training_alone_and_those_that_stay_make_up_for_them():
    x, share = make_inputs(50, 9, 1, h=4, known=2), 0.2
    config = NetworkConfig(hidden_size=5, head_size=200, head_dropout=share)
    network, seen = ForecastNetwork(x, quantiles=1, schema=Schema(), config=config), []
    for layer in (network.out, network.step_state):
        layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    network.train()(x)
    network.eval()(x)
    dropped, known_dropped, whole, known_whole = seen
    active = whole > 0
    kept = dropped[active] != 0
    assert kept.float().mean() == pytest.approx(1 - share, abs=0.02)
    torch.testing.assert_close(dropped[active][kept], whole[active][kept] / (1 - share))
    assert torch.equal(known_dropped, dropped)
    assert torch.equal(known_whole, whole)
    torch.testing.assert_close(whole, torch.relu(network.hidden(head_input(network, x))))


def head_input(network, x):
    return torch.cat([network.gru(x.inputs)[1][-1], x.continuations.flatten(1), x.static], 1)


def test_what_is_known_of_a_step_moves_that_step_alone():
    x = make_inputs(1, 9, 1, h=4, known=2)
    network = ForecastNetwork(x, quantiles=1, schema=Schema(), config=NetworkConfig(hidden_size=50)).eval()
    torch.nn.init.normal_(network.step_out.weight)
    x.ahead.requires_grad_()
    (gradient,) = torch.autograd.grad(network(x)[0, 2].sum(), x.ahead)
    assert (gradient[0] != 0).all(dim=1).tolist() == [False, False, True, False]


def test_missing_category_is_a_vector_of_zeros():
    table = embedding(Column("sky", "past", categories=("clear", "rain")))
    assert (table.weight != 0).any(dim=1).tolist() == [False, True, True]


def test_quantiles_ascend_and_have_gradients_everywhere():
    raw = torch.randn(3, 4, 5, requires_grad=True)
    forecast = non_crossing(torch.randn(3, 4), raw)
    assert (forecast.diff(dim=-1) > 0).all()
    forecast.square().sum().backward()
    assert (raw.grad != 0).all()


def test_ensemble_trains_each_member_alone_and_forecasts_their_mean():
    x = make_inputs(3, 9, 1, h=4)
    members = [ForecastNetwork(x, quantiles=3, schema=Schema(), config=NetworkConfig(hidden_size=5)) for _ in range(2)]
    for member in members:
        torch.nn.init.normal_(member.out.weight)
    network = Ensemble(members)
    first = network(x)[0].sum()
    first.backward()
    assert members[0].out.weight.grad is not None
    assert members[1].out.weight.grad.abs().max() == 0
    network.eval()
    torch.testing.assert_close(network(x), (members[0](x) + members[1](x)) / 2)
