"""Layers out of models that torch's exporter, ONNX' own helpers and nobody in his right mind wrote."""

import sys

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from tests.differences import assert_near

from grucast.errors import ConfigError, InputError, MissingExtraError, ModelFileError, ShapeError
from grucast.nn import GRU, from_onnx, to_onnx
from grucast.onnx import layers, load_layer, load_nodes

SIZES = {"X": ["T", "B", 4], "Y": ["T", "D", "B", 3]}


def info(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, SIZES[name])


def parts(gru, **changes):
    """A node and its weights."""
    node = to_onnx(gru) | changes
    weights = [numpy_helper.from_array(node.pop(name), name) for name in ("W", "R", "B") if name in node]
    names = [weight.name for weight in weights]
    return helper.make_node("GRU", ["X", *names], ["Y"], **node), weights


def graph_of(nodes, weights=(), inputs=("X",)):
    return helper.make_graph(nodes, "example", [info(name) for name in inputs], [info("Y")], weights)


def model_of(graph, **options):
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, **options)


def write(path, model):
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def assert_equal(actual, expected):
    assert repr(actual) == repr(expected)
    assert all(torch.equal(p, q) for p, q in zip(actual.parameters(), expected.parameters(), strict=True))


@pytest.mark.parametrize("kind", [{}, {"reset_after": False, "bidirectional": True}, {"bias": False}])
def test_layer_comes_out_as_it_went_in(path, kind):
    gru = GRU(4, 3, **kind)
    node, weights = parts(gru)
    assert_equal(load_layer(write(path, model_of(graph_of([node], weights)))), gru)


@pytest.mark.filterwarnings("ignore")  # it warns of its age; its successor needs one more package
def test_model_that_torch_exports_gives_its_layers_and_their_outputs(path):
    stack, x = torch.nn.GRU(4, 3, 2), torch.randn(5, 6, 4)
    torch.onnx.export(stack, (x,), path, dynamo=False, opset_version=17)
    first, second = load_layer(path)
    output = second(first(x)[0])[0].detach()
    assert_near(output, stack(x)[0].detach(), f"torch {torch.__version__}")
    session = onnxruntime.InferenceSession(path.read_bytes())
    assert_near(output, session.run(None, {"input": x.numpy()})[0], f"onnxruntime {onnxruntime.__version__}")


def test_constants_are_stored_weights(path):
    gru = GRU(4, 3)
    node, weights = parts(gru)
    constants = [helper.make_node("Constant", [], [weight.name], value=weight) for weight in weights]
    assert_equal(load_layer(write(path, model_of(graph_of([*constants, node])))), gru)


def test_bodies_of_branches_see_the_weights_around_them_and_their_own(path):
    gru = GRU(4, 3)
    node, weights = parts(gru)
    own = numpy_helper.from_array(numpy_helper.to_array(weights[0]), "own")
    other = helper.make_node("GRU", ["X", "own", "R", "B"], ["Y"], hidden_size=3, linear_before_reset=1)
    flag = helper.make_node("Constant", [], ["flag"], value=numpy_helper.from_array(np.array(True)))
    branches = {
        "then_branch": helper.make_graph([node], "then", [], [info("Y")]),
        "else_branch": helper.make_graph([other], "else", [], [info("Y")], [own]),
    }
    choice = helper.make_node("If", ["flag"], ["Y"], **branches)
    found = load_layer(write(path, model_of(graph_of([flag, choice], weights))))
    assert len(found) == 2
    for layer in found:
        assert_equal(layer, gru)


def test_weight_that_is_computed_is_an_error(path):
    node, weights = parts(GRU(4, 3))
    computed = helper.make_node("Neg", ["W"], ["minus"])
    node.input[1] = "minus"
    with pytest.raises(ConfigError, match=r"model.onnx, GRU 1: W is 'minus', which the model computes or is given"):
        load_layer(write(path, model_of(graph_of([computed, node], weights))))


def test_weights_of_a_function_are_an_error(path):
    node, weights = parts(GRU(4, 3))
    names = ["X", *(weight.name for weight in weights)]
    function = helper.make_function("own", "layer", names, ["Y"], [node], [helper.make_opsetid("", 17)])
    call = helper.make_node("layer", names, ["Y"], domain="own")
    model = helper.make_model(
        graph_of([call], weights),
        functions=[function],
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
        ir_version=8,
    )
    with pytest.raises(ConfigError, match="GRU 1: W is 'W'"):
        load_layer(write(path, model))


def test_state_that_is_fed_comes_with_the_call_and_one_that_is_stored_is_refused(path):
    gru = GRU(4, 3)
    node, weights = parts(gru)
    node.input.extend(["", "h"])
    fed = helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, "B", 3])
    graph = graph_of([node], weights)
    graph.input.append(fed)
    assert_equal(load_layer(write(path, model_of(graph))), gru)
    stored = numpy_helper.from_array(np.ones((1, 2, 3), "float32"), "h")
    with pytest.raises(ConfigError, match="GRU 1: initial_h is not zero"):
        load_layer(write(path, model_of(graph_of([node], [*weights, stored]))))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"clip": 1.0}, ConfigError, "GRU 1: clip=1.0"),
        ({"activations": ["Sigmoid", "Relu"]}, ConfigError, r"GRU 1: activations came as \['Sigmoid', 'Relu'\]"),
        ({"direction": "reverse"}, ConfigError, "flip the steps"),
        ({"hidden_size": 5}, ShapeError, "hidden_size came as 5"),
    ],
)
def test_gru_that_no_layer_computes_is_refused(path, changes, error, words):
    node, weights = parts(GRU(4, 3), **changes)
    with pytest.raises(error, match=words):
        load_layer(write(path, model_of(graph_of([node], weights))))


def test_nodes_can_be_changed_before_they_are_read(path):
    gru = GRU(4, 3)
    node, weights = parts(gru, direction="reverse")
    [read] = load_nodes(write(path, model_of(graph_of([node], weights))))
    assert_equal(from_onnx(read | {"direction": "forward"}), gru)


def test_data_in_other_files_are_refused_wherever_they_are(path, tmp_path):
    node, weights = parts(GRU(4, 3))
    (tmp_path / "secret").write_bytes(bytes(1000))
    elsewhere = TensorProto(name="W", dims=[1, 9, 4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    elsewhere.external_data.add(key="location", value="secret")
    constant = helper.make_node("Constant", [], ["W"], value=elsewhere)
    for graph in (graph_of([node], [elsewhere, *weights[1:]]), graph_of([constant, node], weights[1:])):
        with pytest.raises(ModelFileError, match="keeps data in other files"):
            load_layer(write(path, model_of(graph)))


def test_damaged_and_foreign_files_are_refused(path):
    node, weights = parts(GRU(4, 3))
    whole = model_of(graph_of([node], weights)).SerializeToString()
    for content in (
        b"",
        bytes(100),
        b"\x80\x04}.",
        b"ds,y\n1,2\n",
        whole[:-1],
        whole[: len(whole) // 2],
        whole + b"\xff",
    ):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=r"model.onnx is not a valid ONNX model in one file: "):
            load_layer(path)
    with pytest.raises(ModelFileError, match="does not exist"):
        load_layer(path.parent)


def test_a_flipped_bit_gives_an_error_of_ours_or_layers(path, rng):
    node, weights = parts(GRU(2, 1))
    whole = np.frombuffer(model_of(graph_of([node], weights)).SerializeToString(), "uint8")
    loaded = 0
    for place, bit in zip(rng.integers(0, len(whole), 300), rng.integers(0, 8, 300), strict=True):
        content = whole.copy()
        content[place] ^= 1 << bit
        path.write_bytes(content.tobytes())
        try:
            load_layer(path, verify=False)
            loaded += 1
        except InputError:
            pass
    assert 0 < loaded < 300


def assert_runs_alike(layer, model, rng):
    x = rng.normal(size=(5, 2, 4)).astype("float32")
    output = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"X": x})[0]
    assert_near(layer(torch.from_numpy(x))[0].detach(), output[:, 0], f"onnxruntime {onnxruntime.__version__}")


def unlike_the_checker():
    """Models that ONNX' checker refuses, or would if it looked, and that hold a GRU all the same."""
    gru = GRU(4, 3)
    node, weights = parts(gru)
    model = model_of(graph_of([node], weights))
    changed = {name: type(model)() for name in ("no shape", "no name", "no version", "another operator", "order")}
    for copy in changed.values():
        copy.CopyFrom(model)
    changed["no shape"].graph.output[0].type.tensor_type.ClearField("shape")
    changed["no name"].graph.ClearField("name")
    changed["no version"].ClearField("opset_import")
    changed["another operator"].graph.node.add(op_type="Unknown", input=["nowhere"], output=["Z"])
    constant = helper.make_node("Constant", [], ["W"], value=weights[0])
    changed["order"].graph.CopyFrom(graph_of([node, constant], weights[1:]))
    return gru, changed


def test_models_that_only_the_checker_refuses_are_read(path, rng):
    gru, changed = unlike_the_checker()
    for name, model in changed.items():
        layer = load_layer(write(path, model))
        assert_equal(layer, gru)
        if name in ("no shape", "no name", "order"):
            assert_runs_alike(layer, model, rng)


def branched(outer, body):
    """A GRU in a branch, whose graph has nodes and weights of its own."""
    node, _ = parts(GRU(4, 3))
    nodes, weights = body
    graph = helper.make_graph([*nodes, node], "branch", [], [info("Y")], weights)
    flag = helper.make_node("Constant", [], ["flag"], value=numpy_helper.from_array(np.array(True)))
    choice = helper.make_node("If", ["flag"], ["Y"], then_branch=graph, else_branch=graph)
    return model_of(graph_of([flag, choice], outer))


def test_name_that_stands_for_several_values_is_refused(path):
    node, weights = parts(GRU(4, 3))
    _, others = parts(GRU(4, 3))
    constant = helper.make_node("Constant", [], ["W"], value=others[0])
    computed = helper.make_node("Neg", ["V"], ["W"])
    given, hidden = branched([], ([], weights)), branched(weights, ([], []))
    for branch in [*given.graph.node[1].attribute, *hidden.graph.node[1].attribute]:
        branch.g.input.add(name="W")
    models = [
        model_of(graph_of([node], [*weights, *others])),
        model_of(graph_of([constant, node], weights)),
        model_of(graph_of([constant, constant, node], weights[1:])),
        model_of(graph_of([computed, node], weights)),
        branched([], ([constant], weights)),
        branched(weights, ([], others[:1])),
        branched(weights, ([computed], [])),
        given,
        hidden,
    ]
    for model in models:
        with pytest.raises(ModelFileError, match="GRU 1: W is 'W', a name of several values"):
            load_layer(write(path, model))


def test_weight_of_a_constant_that_is_not_of_onnx_is_not_read(path):
    node, weights = parts(GRU(4, 3))
    foreign = helper.make_node("Constant", [], ["W"], value=weights[0], domain="com.example")
    with pytest.raises(ConfigError, match="GRU 1: W is 'W', which the model computes or is given"):
        load_layer(write(path, model_of(graph_of([foreign, node], weights[1:]))))


def test_default_of_an_input_is_a_stored_weight(path):
    gru = GRU(4, 3)
    node, weights = parts(gru)
    graph = graph_of([node], weights)
    graph.input.append(helper.make_tensor_value_info("W", TensorProto.FLOAT, [1, 9, 4]))
    assert_equal(load_layer(write(path, model_of(graph))), gru)


def test_sparse_state_and_weights_are_refused(path):
    node, weights = parts(GRU(4, 3))
    node.input.extend(["", "h"])
    values = numpy_helper.from_array(np.ones(1, "float32"), "h")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros(1, "int64")), [1, 2, 3])
    constant = helper.make_node("Constant", [], ["h"], sparse_value=sparse)
    stored = graph_of([node], weights)
    stored.sparse_initializer.append(sparse)
    for graph in (stored, graph_of([constant, node], weights)):
        with pytest.raises(ConfigError, match=r"initial_h is 'h', which .* none of them sparse"):
            load_layer(write(path, model_of(graph)))


DAMAGED = {
    "negative size": lambda tensor, _: tensor.dims.__setitem__(0, -1),
    "too few bytes": lambda tensor, _: setattr(tensor, "raw_data", tensor.raw_data[:-4]),
    "too many bytes": lambda tensor, _: setattr(tensor, "raw_data", tensor.raw_data + bytes(4)),
    "half a number": lambda tensor, _: setattr(tensor, "raw_data", tensor.raw_data[:-1]),
    "terabytes": lambda tensor, _: tensor.dims.__setitem__(0, 2**40),
    "other type": lambda tensor, _: setattr(tensor, "data_type", TensorProto.INT32),
    "no type": lambda tensor, _: tensor.ClearField("data_type"),
    "NaN": lambda tensor, _: setattr(tensor, "raw_data", b"\xff" * len(tensor.raw_data)),
    "attribute of another type": lambda _, node: node.attribute.add(name="linear_before_reset", type=1, f=1.0),
    "attribute of no type": lambda _, node: node.attribute.add(name="layout", i=1),
    "attribute twice": lambda _, node: node.attribute.extend(node.attribute[:1]),
    "attribute that is an input": lambda _, node: node.attribute.add(name="B", type=6, floats=[1.0] * 18),
    "no inputs": lambda _, node: node.ClearField("input"),
    "seven inputs": lambda _, node: node.input.extend(["", "", "W"]),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_gru_that_is_damaged_is_refused(path, name):
    node, weights = parts(GRU(4, 3))
    if "attribute" in name:
        del node.attribute[1:]
    DAMAGED[name](weights[0], node)
    with pytest.raises(InputError, match=r"model\.onnx, GRU 1: "):
        load_layer(write(path, model_of(graph_of([node], weights))))


def test_operators_of_a_version_or_function_that_may_be_anything_are_refused(path):
    node, weights = parts(GRU(4, 3))
    new = model_of(graph_of([node], weights))
    new.opset_import[0].version = 10**6
    names = ["X", *(weight.name for weight in weights)]
    function = helper.make_function("", "GRU", names, ["Y"], [node], [helper.make_opsetid("", 17)])
    own = model_of(graph_of([node], weights), functions=[function])
    for model, words in ((new, "of version 1000000, .*: upgrade onnx"), (own, "a function of its own by the name")):
        with pytest.raises(ModelFileError, match=f"not a valid ONNX model in one file: .*{words}"):
            load_layer(write(path, model))


def test_operators_that_share_weights_take_bounded_memory(path, monkeypatch):
    node, weights = parts(GRU(4, 3))
    write(path, model_of(graph_of([node] * 1000, weights)))
    assert len(load_nodes(path)) == 1000
    monkeypatch.setattr(layers, "ROOM", 1000 * layers.SHARE)
    with pytest.raises(ModelFileError, match="1,000 GRU operators that share weights: cut the graph"):
        load_nodes(path)


def test_model_without_a_gru_is_refused(path):
    negative = helper.make_node("Neg", ["X"], ["Y"])
    gru_of_another = helper.make_node("GRU", ["X"], ["Y"], domain="com.example")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    for node in (negative, gru_of_another):
        model = helper.make_model(graph_of([node]), opset_imports=opsets, ir_version=8)
        with pytest.raises(ModelFileError, match="without a GRU operator"):
            load_layer(write(path, model))


def test_file_beyond_the_largest_is_not_read(path, monkeypatch):
    node, weights = parts(GRU(4, 3))
    write(path, model_of(graph_of([node], weights)))
    monkeypatch.setattr(layers, "MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(ModelFileError, match="bytes, more than "):
        load_layer(path)


def test_without_onnx_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[onnx\]"):
        load_layer(path)
