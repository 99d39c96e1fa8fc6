"""Against ONNX' node tests, its reference implementation and onnxruntime."""

import itertools
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from onnx.backend.test.case import node as cases
from onnx.backend.test.case.node import gru as gru_cases
from onnx.reference import ReferenceEvaluator

from grucast.errors import ConfigError, DataError, MismatchError, ShapeError
from grucast.nn import GRU, convert_onnx, from_onnx, to_onnx
from tests.differences import assert_near

BOTH = (False, True)
DIRECTIONS = ("forward", "reverse", "bidirectional")
GIVEN = list(itertools.product(DIRECTIONS, [0, 1], BOTH, BOTH))  # direction, linear_before_reset, B, initial_h
NAMES = ("num_layers", "bidirectional", "bias", "reset_after", "batch_first")
KINDS = [dict(zip(NAMES, kind, strict=True)) for kind in itertools.product([1, 2], *[BOTH] * 4)]
CASES = [case for case in cases._NodeTestCases if case.model.graph.node[0].op_type == gru_cases.GRU.__name__]
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")


def operator(arrays, **attributes):
    size = arrays["R"].shape[2]
    inputs = [name if name in arrays else "" for name in INPUTS]
    return helper.make_node("GRU", inputs, ["Y", "Y_h"], hidden_size=size, **attributes)


def by_reference(arrays, **attributes):
    return ReferenceEvaluator(operator(arrays, **attributes)).run(None, arrays)


def by_onnxruntime(arrays, **attributes):
    kinds = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in arrays.items()}
    inputs = [helper.make_tensor_value_info(name, kinds[name], array.shape) for name, array in arrays.items()]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "Y_h")]
    graph = helper.make_graph([operator(arrays, **attributes)], "gru", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, arrays)


def flip(x, lengths):
    """Each row's valid steps in reverse, (T, B, ...)."""
    flipped = x.copy()
    for row, length in enumerate(lengths):
        flipped[:length, row] = x[:length, row][::-1]
    return flipped


def by_grucast(arrays, direction="forward", **attributes):
    """Y and Y_h in ONNX' layout, by a layer with these weights; one that runs backwards gets its steps flipped."""
    weights = {name: arrays[name] for name in ("W", "R", "B") if name in arrays}
    flips = direction == "reverse"
    gru = from_onnx(weights | attributes | {"direction": "forward" if flips else direction})
    batchwise = attributes.get("layout", 0)
    x, states = (
        array.swapaxes(0, 1) if batchwise and array is not None else array
        for array in (arrays["X"], arrays.get("initial_h"))
    )
    lengths = arrays.get("sequence_lens")
    order = [len(x)] * x.shape[1] if lengths is None else lengths
    x = torch.from_numpy(flip(x, order) if flips else np.ascontiguousarray(x))
    hx = None if states is None else torch.from_numpy(np.ascontiguousarray(states))
    gru.batch_first = False
    with torch.no_grad():
        output, h_n = gru(x, hx, None if lengths is None else torch.from_numpy(lengths).long())
    y = output.numpy().reshape(*x.shape[:2], len(h_n), -1)
    y = flip(y, order) if flips else y
    return (y.swapaxes(0, 1), h_n.numpy().swapaxes(0, 1)) if batchwise else (y.swapaxes(1, 2), h_n.numpy())


def draw(rng, directions, with_bias, with_state, dtype):
    """Arrays of random sizes, steps first."""
    steps, batch, inputs, size = rng.integers(1, 9, 4)
    shapes = {"X": (steps, batch, inputs), "W": (directions, 3 * size, inputs), "R": (directions, 3 * size, size)}
    shapes |= {"B": (directions, 6 * size)} if with_bias else {}
    shapes |= {"initial_h": (directions, batch, size)} if with_state else {}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_node_tests_of_onnx_hold(case):
    node = case.model.graph.node[0]
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    attributes["direction"] = attributes.get("direction", b"forward").decode()
    [(inputs, outputs)] = case.data_sets
    results = dict(zip(("Y", "Y_h"), by_grucast(dict(zip(INPUTS, inputs, strict=False)), **attributes), strict=True))
    wanted = [full for full, name in zip(("Y", "Y_h"), node.output, strict=False) if name]
    assert len(outputs) == len(wanted) > 0
    for name, expected in zip(wanted, outputs, strict=True):
        np.testing.assert_allclose(results[name], expected, rtol=case.rtol, atol=case.atol)


def test_onnx_has_six_node_tests():
    assert len(CASES) == 6


@pytest.mark.parametrize(("direction", "linear_before_reset", "with_bias", "with_state"), GIVEN)
@pytest.mark.parametrize("layout", [0, 1])
def test_random_nodes_equal_the_reference(rng, direction, linear_before_reset, with_bias, with_state, layout):
    attributes = {"direction": direction, "linear_before_reset": linear_before_reset, "layout": layout}
    for _ in range(5):
        arrays = draw(rng, 1 + (direction == "bidirectional"), with_bias, with_state, "float64")
        if layout:
            arrays |= {name: arrays[name].swapaxes(0, 1) for name in ("X", "initial_h") if name in arrays}
        for mine, theirs in zip(by_grucast(arrays, **attributes), by_reference(arrays, **attributes), strict=True):
            assert_near(mine, theirs, f"onnx.reference {onnx.__version__}")


@pytest.mark.parametrize(("direction", "linear_before_reset", "with_bias", "with_state"), GIVEN)
@pytest.mark.parametrize("with_lengths", BOTH)
def test_random_nodes_equal_onnxruntime(rng, direction, linear_before_reset, with_bias, with_state, with_lengths):
    attributes = {"direction": direction, "linear_before_reset": linear_before_reset}
    for _ in range(5):
        arrays = draw(rng, 1 + (direction == "bidirectional"), with_bias, with_state, "float32")
        if with_lengths:
            steps, batch, _ = arrays["X"].shape
            arrays["sequence_lens"] = rng.integers(1, steps + 1, batch).astype("int32")
        for mine, theirs in zip(by_grucast(arrays, **attributes), by_onnxruntime(arrays, **attributes), strict=True):
            assert_near(mine, theirs, f"onnxruntime {onnxruntime.__version__}")


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_weights_survive_the_way_there_and_back(kind):
    gru, x = GRU(4, 3, **kind), torch.randn(5, 6, 4)
    again = from_onnx(to_onnx(gru))
    assert repr(again) == repr(gru)
    assert all(torch.equal(a, b) for a, b in zip(again(x), gru(x), strict=True))


def test_the_node_of_a_layer_runs_in_onnxruntime():
    gru, x = GRU(4, 3, bidirectional=True, reset_after=False), torch.randn(5, 6, 4)
    node = to_onnx(gru)
    arrays = {"X": x.numpy(), **{name: node.pop(name) for name in ("W", "R", "B")}}
    y, y_h = by_onnxruntime(arrays, **{name: value for name, value in node.items() if name != "hidden_size"})
    output, h_n = gru(x)
    assert_near(output.detach().reshape(5, 6, 2, 3).swapaxes(1, 2), y, f"onnxruntime {onnxruntime.__version__}")
    assert_near(h_n.detach(), y_h, f"onnxruntime {onnxruntime.__version__}")


def node(**changes):
    plain = {"W": np.ones((1, 9, 4)), "R": np.ones((1, 9, 3)), "B": np.ones((1, 18))}
    return {name: value for name, value in (plain | changes).items() if value is not ...}


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"clip": 1.0}, ConfigError, "clip=1.0 bounds"),
        ({"activations": ["Sigmoid", "Relu"]}, ConfigError, "wanted Sigmoid and Tanh"),
        ({"activations": ["Sigmoid", "Tanh"] * 2}, ConfigError, "in each direction"),
        ({"activation_alpha": [0.5]}, ConfigError, "activation_alpha"),
        ({"direction": "reverse"}, ConfigError, "flip the steps"),
        ({"direction": "sideways"}, ConfigError, "'sideways', wanted"),
        ({"direction": "bidirectional"}, ShapeError, r"R came with shape \(1, 9, 3\), wanted \(2, any, any\)"),
        ({"linear_before_reset": 2}, ConfigError, "0 or 1, got 2"),
        ({"layout": -1}, ConfigError, "0 or 1"),
        ({"initial_h": np.ones((1, 1, 3))}, ConfigError, "pass it as hx"),
        ({"sequence_lens": [1]}, ConfigError, r"does not know \['sequence_lens'\]"),
        ({"R": ...}, ConfigError, "missing: R"),
        ({"W": np.ones((1, 8, 4))}, ShapeError, r"W came with shape \(1, 8, 4\), wanted \(1, 9, any\)"),
        ({"R": np.ones((1, 8, 3))}, ShapeError, r"R came with shape \(1, 8, 3\), wanted \(1, 9, 3\)"),
        ({"B": np.ones((1, 9))}, ShapeError, r"B came with shape \(1, 9\), wanted \(1, 18\)"),
        ({"B": np.full((1, 18), np.nan)}, DataError, "B holds NaN"),
        ({"hidden_size": 4}, ShapeError, "hidden_size came as 4, but R is for 3"),
    ],
)
def test_node_that_is_no_gru_of_ours_is_an_error(changes, error, words):
    with pytest.raises(error, match=words):
        from_onnx(node(**changes))


def test_what_the_standard_has_anyway_may_be_said():
    said = {"activations": ["SIGMOID", "tanh"], "initial_h": np.zeros((1, 1, 3)), "hidden_size": 3, "clip": None}
    assert repr(from_onnx(node(**said))) == "GRU(4, 3, reset_after=False)"


def test_stack_of_different_nodes_is_an_error():
    above = node(W=np.ones((1, 9, 3)), linear_before_reset=1)
    with pytest.raises(ConfigError, match="nodes of a stack agree"):
        from_onnx([node(), above])
    with pytest.raises(ConfigError, match="nodes of a stack agree"):
        from_onnx([])


def test_node_that_onnx_computes_otherwise_is_refused(monkeypatch, rng):
    weights = {name: rng.normal(size=array.shape) for name, array in node().items()}
    monkeypatch.setattr(convert_onnx, "swap_gates", lambda array: array)
    with pytest.raises(MismatchError, match=r"onnx 1.* computes something else"):
        from_onnx(weights)
    with pytest.raises(MismatchError, match=r"onnx 1.* computes something else"):
        to_onnx(GRU(4, 3))
    from_onnx(weights, verify=False)


def test_onnx_that_runs_one_direction_alone_checks_nothing(monkeypatch):
    def run(*arguments):
        raise NotImplementedError("Unsupported value 2 for num_directions and operator 'GRU'.")

    monkeypatch.setattr(convert_onnx, "_run_onnx", run)
    with pytest.raises(NotImplementedError):
        to_onnx(GRU(4, 3, bidirectional=True))
    monkeypatch.setattr(onnx, "__version__", "1.22.0")
    assert to_onnx(GRU(4, 3, bidirectional=True))["direction"] == "bidirectional"


def test_without_onnx_weights_are_converted_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert repr(from_onnx(to_onnx(GRU(4, 3)))) == "GRU(4, 3)"
