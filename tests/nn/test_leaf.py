"""The layers in the eyes of torch.fx and torch.jit.script, compared with torch's own."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from grucast.errors import ConfigError
from grucast.nn import GRU, GRUCell, GRUNet

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = pytest.mark.parametrize("kind", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}], ids=str)


def same(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def holds(layer, forward):
    """A model that calls its layer in its own way."""
    model = type("Model", (nn.Module,), {"forward": forward})()
    model.layer = layer
    return model


def called(traced):
    return [node.target for node in traced.graph.nodes if node.op == "call_module"]


def with_input(self, x):
    output, h_n = self.layer(x)
    return torch.relu(output), h_n.sum()


def with_state(self, x, hx):
    output, h_n = self.layer(input=x, hx=hx)
    return torch.relu(output), h_n.sum()


def with_state_alone(self, x, hx):
    return self.layer(torch.ones(6, 6, 3), hx)[0] + x.sum()


def with_lengths(self, x, hx, lengths):
    return self.layer(x, hx, lengths=lengths)[1]


@VARIANTS
@KINDS
@pytest.mark.parametrize("forward", [with_input, with_state, with_state_alone, with_lengths])
def test_symbolic_trace_keeps_the_layer_whole(kind, reset_after, forward):
    layer = GRU(3, 5, reset_after=reset_after, **kind)
    inputs = [torch.randn(6, 6, 3), torch.randn(len(layer.all_weights), 6, 5), torch.tensor([6, 0, 3, 2, 1, 6])]
    inputs = inputs[: {with_input: 1, with_lengths: 3}.get(forward, 2)]
    model = holds(layer, forward)
    traced = torch.fx.symbolic_trace(model)
    assert called(traced) == ["layer"]
    same(traced(*inputs), model(*inputs))


@VARIANTS
def test_symbolic_trace_takes_packs_and_networks(reset_after):
    model = holds(GRU(3, 5, reset_after=reset_after), lambda self, pack: self.layer(pack)[1])
    pack = pack_padded_sequence(torch.randn(6, 4, 3), torch.tensor([6, 5, 2, 1]))
    same(torch.fx.symbolic_trace(model)(pack), model(pack))
    net, x = GRUNet(3, 5, 2, 1, bidirectional=True, reset_after=reset_after).eval(), torch.randn(4, 6, 3)
    same(torch.fx.symbolic_trace(net)(x), net(x))


@VARIANTS
def test_symbolic_trace_keeps_the_cell_whole(reset_after):
    model = holds(GRUCell(3, 5, reset_after=reset_after), lambda self, x, hx: self.layer(x, self.layer(input=x, hx=hx)))
    traced = torch.fx.symbolic_trace(model)
    assert called(traced) == ["layer", "layer"]
    inputs = torch.randn(4, 3), torch.randn(4, 5)
    same(traced(*inputs), model(*inputs))


@VARIANTS
@pytest.mark.parametrize("kind", [GRU, GRUCell])
@pytest.mark.filterwarnings("ignore:.*torch.jit.script")
def test_script_is_refused_in_one_sentence_and_the_model_stays(kind, reset_after):
    model = nn.Sequential(nn.Linear(3, 3), kind(3, 5, reset_after=reset_after))
    with pytest.raises(ConfigError, match=rf"^torch.jit.script cannot compile grucast.nn.{kind.__name__}: use [^\n]*$"):
        torch.jit.script(model)
    assert type(model[1]) is kind
