"""Programs recorded of the layers by torch.jit.trace, torch.export and torch.compile hold for other sizes."""

import copy
import io

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from grucast.errors import ConfigError
from grucast.kernels import native
from grucast.nn import GRU, GRUCell

pytestmark = [
    pytest.mark.skipif(not native.available(), reason="without the operator, steps are recorded one by one"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated"),
]
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
KINDS = pytest.mark.parametrize("kind", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}], ids=str)
LENGTHS = torch.tensor([6, 3, 2, 1]), torch.tensor([9, 0, 8, 1, 1, 4, 9])


def same(actual, expected, **tolerance):
    torch.testing.assert_close(actual, expected, **tolerance)


def batches(layer):
    """An example and a batch of other sizes."""
    x = torch.randn(6, 4, 3), torch.randn(9, 7, 3)
    return [t.transpose(0, 1) for t in x] if layer.batch_first else x


class Packing(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, self.layer.batch_first, enforce_sorted=False)
        output, h_n = self.layer(packed)
        return pad_packed_sequence(output, self.layer.batch_first)[0], h_n


class Padding(Packing):
    def forward(self, x, lengths):
        return self.layer(x, lengths=lengths)


@VARIANTS
@KINDS
def test_a_trace_holds_for_other_steps_and_rows_and_can_be_trained(kind, reset_after):
    layer = GRU(3, 5, reset_after=reset_after, **kind)
    example, x = batches(layer)
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(layer, (example,)), file)
    traced = torch.jit.load(io.BytesIO(file.getvalue()))
    states = torch.randn(len(layer.all_weights), 7, 5)
    same(traced(x), layer(x))
    same(torch.jit.trace(layer, (example, states[:, :4]))(x, states), layer(x, states))
    for module in (layer, traced):
        module(x)[0].square().sum().backward()
    for (name, p), q in zip(layer.named_parameters(), traced.parameters(), strict=True):
        same(p.grad, q.grad, msg=name)


@VARIANTS
@KINDS
@pytest.mark.parametrize("model", [Packing, Padding])
def test_a_trace_holds_for_other_lengths(kind, reset_after, model):
    layer = GRU(3, 5, reset_after=reset_after, **kind)
    example, x = batches(layer)
    traced = torch.jit.trace(model(layer), (example, LENGTHS[0]))
    lengths = LENGTHS[1].clamp(min=1 if model is Packing else 0)
    same(traced(x, lengths), model(layer)(x, lengths))
    if model is Padding:
        with pytest.raises((ConfigError, RuntimeError), match="lengths must be between 0 and the 9 steps"):
            traced(x, lengths + 5)


@VARIANTS
@pytest.mark.parametrize("with_state", [True, False])
def test_a_traced_cell_holds_for_other_batches(reset_after, with_state):
    cell = GRUCell(3, 5, reset_after=reset_after)
    example, inputs = ((torch.randn(n, 3), torch.randn(n, 5))[: 1 + with_state] for n in (4, 9))
    same(torch.jit.trace(cell, example)(*inputs), cell(*inputs))


@pytest.mark.filterwarnings("ignore")  # it warns of its age; its successor needs one more package
def test_onnx_of_a_trace_is_an_operator_for_each_layer():
    layer, file = GRU(3, 5, 2, bidirectional=True), io.BytesIO()
    sizes = {"x": {0: "T", 1: "B"}}
    torch.onnx.export(
        layer, (torch.randn(6, 4, 3),), file, dynamo=False, opset_version=17, input_names=["x"], dynamic_axes=sizes
    )
    x = torch.randn(9, 7, 3)
    output, _ = onnxruntime.InferenceSession(file.getvalue()).run(None, {"x": x.numpy()})
    np.testing.assert_allclose(output, layer(x)[0].detach().numpy(), rtol=1e-5, atol=1e-6)


def export(module, example, sizes):
    """Exported, saved and loaded."""
    file = io.BytesIO()
    torch.export.save(torch.export.export(module, example, dynamic_shapes=sizes), file)
    return torch.export.load(io.BytesIO(file.getvalue())).module()


@VARIANTS
@KINDS
def test_an_exported_layer_holds_for_other_sizes_after_save_and_load(kind, reset_after):
    layer = GRU(3, 5, reset_after=reset_after, **kind)
    example, x = batches(layer)
    sizes = [torch.export.Dim("B", min=1), torch.export.Dim("T", min=1)]
    shape = dict(enumerate(sizes if layer.batch_first else sizes[::-1]))
    same(export(layer, (example,), (shape,))(x), layer(x), rtol=0, atol=0)
    padded = export(Padding(layer), (example, LENGTHS[0]), (shape, {0: sizes[0]}))
    same(padded(x, LENGTHS[1]), layer(x, lengths=LENGTHS[1]), rtol=0, atol=0)
    with pytest.raises(ConfigError, match="lengths must be between 0 and the 9 steps"):
        padded(x, LENGTHS[1] + 5)


@VARIANTS
@pytest.mark.parametrize("with_state", [True, False])
def test_an_exported_cell_holds_for_other_batches(reset_after, with_state):
    cell = GRUCell(3, 5, reset_after=reset_after)
    example, inputs = ((torch.randn(n, 3), torch.randn(n, 5))[: 1 + with_state] for n in (4, 9))
    sizes = ({0: torch.export.Dim("B", min=1)},) * len(inputs)
    same(export(cell, example, sizes)(*inputs), cell(*inputs), rtol=0, atol=0)


@pytest.mark.slow
@VARIANTS
@KINDS
def test_a_compiled_layer_takes_lengths_of_any_batch_in_one_graph(kind, reset_after):
    torch.compiler.reset()
    layer = GRU(3, 5, reset_after=reset_after, **kind)
    compiled = torch.compile(copy.deepcopy(layer), backend="aot_eager", fullgraph=True, dynamic=True)
    for x, lengths in zip(batches(layer), LENGTHS, strict=True):
        buffer = lengths.clone()
        results = [layer(x, lengths=lengths), compiled(x, lengths=buffer)]
        buffer.numpy()[:] = 50
        for output, h_n in results:
            (output.sum() + h_n.sum()).backward()
        for p, q in zip(layer.parameters(), compiled.parameters(), strict=True):
            same(p.grad, q.grad, rtol=0, atol=0)
