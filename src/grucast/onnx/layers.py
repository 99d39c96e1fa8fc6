"""GRU operators of any ONNX model as layers. What is read is one file, in which nothing is executed.

Only what a layer needs is checked: models need not be valid elsewhere, as ONNX' checker would have them.
"""

import os
from collections import ChainMap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grucast.data.raw.content import read_all
from grucast.errors import ConfigError, DataError, InputError, MissingExtraError, ModelFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

    from grucast.nn import GRU

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")
STORED = ("W", "R", "B", "initial_h")  # the others come with each call
ATTRIBUTES = {  # name: type
    **dict.fromkeys(("hidden_size", "layout", "linear_before_reset", "output_sequence"), "INT"),
    **dict.fromkeys(("activation_alpha", "activation_beta"), "FLOATS"),
    "activations": "STRINGS",
    "clip": "FLOAT",
    "direction": "STRING",
}
OWN = ("", "ai.onnx")  # the domain of ONNX' operators
MOST_BYTES = 2**31 - 1  # bytes: more is not a message of protobuf
ROOM = 2**28  # bytes that the layers of any file may take; more at most ten times its size
SHARE = 2**18  # bytes that a layer counts for besides its weights, for the time that it takes

Values = ChainMap[str, list[Any]]


def load_layer(path: str | Path, verify: bool = True) -> "GRU | list[GRU]":
    """The GRU operators of an ONNX model as `grucast.nn.GRU`, in the model's order.

    They may be in the bodies of If, Loop and Scan too. A model that stacks layers has an operator for each.

    Args:
        path: The model, one file; data outside of it are refused.
        verify: Whether each layer and ONNX' own implementation run on the same random numbers.

    Returns:
        The layer; a list when there are several.

    Raises:
        ModelFileError: It is not an ONNX model, refers to other files, exceeds 2 GiB, has no GRU, or weights that
            are damaged or two by one name.
        ConfigError: `grucast.nn.from_onnx` cannot read an operator, or its weights are computed.
        ShapeError, DataError, MismatchError: As `grucast.nn.from_onnx`.
        MissingExtraError: The package onnx is not installed.

    >>> import tempfile
    >>> from onnx import TensorProto, helper, numpy_helper, save
    >>> from grucast.nn import GRU, to_onnx
    >>> from grucast.onnx import load_layer
    >>> node = to_onnx(GRU(input_size=3, hidden_size=8))
    >>> weights = [numpy_helper.from_array(node.pop(name), name) for name in ("W", "R", "B")]
    >>> x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["T", "B", 3])
    >>> y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["T", 1, "B", 8])
    >>> operator = helper.make_node("GRU", ["X", "W", "R", "B"], ["Y"], **node)
    >>> with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
    ...     save(helper.make_model(helper.make_graph([operator], "example", [x], [y], weights)), file.name)
    ...     load_layer(file.name)
    GRU(3, 8)
    """
    from grucast.nn import from_onnx

    layers = []
    for number, node in enumerate(load_nodes(path), 1):
        try:
            layers.append(from_onnx(node, verify))
        except InputError as error:
            raise type(error)(f"{path}, GRU {number}: {error}") from error
    return layers if len(layers) > 1 else layers[0]


def load_nodes(path: str | Path) -> list[dict[str, Any]]:
    """The GRU operators of an ONNX model as `grucast.nn.from_onnx` takes them: stored arrays and attributes, by name.

    For what `load_layer` refuses: change what comes, such as the direction, then call `from_onnx`.

    Args:
        path: The model, as in `load_layer`.

    Raises:
        ModelFileError, ConfigError, MissingExtraError: As `load_layer`.

    >>> from grucast.onnx import load_nodes
    >>> load_nodes("absent.onnx")
    Traceback (most recent call last):
    grucast.errors.ModelFileError: absent.onnx does not exist or is not a file
    """
    model = _read_model(path)
    found = [pair for graph in (model.graph, *model.functions) for pair in _operators(graph, ChainMap())]
    if not found:
        raise ModelFileError(f"{path}: an ONNX model, but without a GRU operator")
    nodes, room = [], max(ROOM, 10 * os.path.getsize(path))  # noqa: PTH202 - a path of any kind
    for number, pair in enumerate(found, 1):
        nodes.append(_members(f"{path}, GRU {number}", *pair))
        room -= SHARE + sum(array.nbytes for array in nodes[-1].values() if isinstance(array, np.ndarray))
        if room < 0:
            raise ModelFileError(f"{path}: {len(found):,} GRU operators that share weights: cut the graph into models")
    return nodes


def _read_model(path: str | Path) -> "ModelProto":
    """A model that is all in this file."""
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("onnx", "onnx") from error
    if not os.path.isfile(path):  # noqa: PTH113 - False for names that no file can have, too
        raise ModelFileError(f"{path} does not exist or is not a file")
    try:
        if (size := os.path.getsize(path)) > MOST_BYTES:  # noqa: PTH202
            raise ValueError(f"it has {size} bytes, more than {MOST_BYTES}")
        model: ModelProto = onnx.ModelProto.FromString(read_all(Path(path)))
        _require_known(model, onnx.defs.onnx_opset_version())
    except (OSError, DataError) as error:
        raise ModelFileError(str(error)) from error
    except (DecodeError, ValueError) as error:
        raise ModelFileError(f"{path} is not a valid ONNX model in one file: {error}") from error
    return model


def _require_known(model: "ModelProto", newest: int) -> None:
    """Refuse what would make something else of a GRU, or of what it reads."""
    if not model.HasField("graph"):
        raise ValueError("it holds no graph")
    if any(tensor.data_location == tensor.EXTERNAL or tensor.external_data for tensor in _tensors(model)):
        raise ValueError("it keeps data in other files; onnx.load and onnx.save bring them into one")
    version = max((opset.version for opset in model.opset_import if opset.domain in OWN), default=1)
    if version > newest:
        raise ValueError(f"its operators are of version {version}, and the onnx here knows {newest}: upgrade onnx")
    if any(function.domain in OWN and function.name in ("GRU", "Constant") for function in model.functions):
        raise ValueError("it has a function of its own by the name of ONNX' GRU or Constant: rename it")


def _tensors(message: Any) -> "Iterator[TensorProto]":
    """Every tensor at any depth."""
    for _, value in message.ListFields():
        for part in [value] if hasattr(value, "ListFields") else value if hasattr(value, "add") else []:
            if part.DESCRIPTOR.name == "TensorProto":
                yield part
            else:
                yield from _tensors(part)


def _operators(graph: "GraphProto | FunctionProto", outer: Values) -> "Iterator[tuple[NodeProto, Values]]":
    """The GRU nodes of a graph and of the graphs in it, each with the values that it sees."""
    known = outer.new_child(_values(graph, len(outer.maps) > 1))
    for node in graph.node:
        if node.op_type == "GRU" and node.domain in OWN:
            yield node, known
        for attribute in node.attribute:
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                yield from _operators(inner, known)


def _values(graph: "GraphProto | FunctionProto", inner: bool) -> dict[str, list[Any]]:
    """What each name of a graph stands for: a stored tensor, None where it is computed or given, all where several."""
    stored = [(tensor.name, tensor) for tensor in getattr(graph, "initializer", ())]
    stored += [(sparse.values.name, sparse) for sparse in getattr(graph, "sparse_initializer", ())]
    known: dict[str, list[Any]] = {}
    for name, value in [*stored, *(pair for node in graph.node for pair in _outputs(node))]:
        known.setdefault(name, []).append(value)
    for given in graph.input:
        name = getattr(given, "name", given)  # an input of a function is a name
        if inner or name not in known:  # else the tensor is its default
            known.setdefault(name, []).append(None)
    return known


def _outputs(node: "NodeProto") -> "Iterator[tuple[str, Any]]":
    """The names that a node gives values, and the tensor of a constant."""
    [value, *more] = node.attribute or [None]
    constant = node.op_type == "Constant" and node.domain in OWN and value is not None and not more
    for name in filter(None, node.output):
        if constant and value.name == "value" and value.HasField("t"):
            yield name, value.t
        elif constant and value.name == "sparse_value" and value.HasField("sparse_tensor"):
            yield name, value.sparse_tensor
        else:
            yield name, None


def _members(place: str, node: "NodeProto", values: Values) -> dict[str, Any]:
    """Stored arrays and attributes of a GRU node."""
    members = _attributes(place, node)
    if len(node.input) > len(INPUTS):
        raise ConfigError(f"{place}: {len(node.input)} inputs, wanted at most {len(INPUTS)}: {', '.join(INPUTS)}")
    for name, given in zip(INPUTS, node.input, strict=False):
        if name not in STORED or not given:
            continue
        [value, *others] = [one for graph in values.maps for one in graph.get(given, [])] or [None]
        if others:  # runtimes differ in what they take, that of a graph or that around it
            raise ModelFileError(f"{place}: {name} is {given!r}, a name of several values: give each its own")
        if value is not None and value.DESCRIPTOR.name == "TensorProto":
            members[name] = _array(place, given, value)
        elif name != "initial_h" or value is not None:
            raise ConfigError(
                f"{place}: {name} is {given!r}, which the model computes or is given, and does not store: "
                "fold its constants into initializers, none of them sparse"
            )
    return members


def _attributes(place: str, node: "NodeProto") -> dict[str, Any]:
    """The attributes of a GRU node, each once and of its type."""
    from onnx import AttributeProto, helper

    members: dict[str, Any] = {}
    for attribute in node.attribute:
        name, kind = attribute.name, AttributeProto.AttributeType.Name(attribute.type)
        if attribute.ref_attr_name:
            raise ConfigError(f"{place}: {name} comes from the caller of a function: inline the functions")
        if ATTRIBUTES.get(name) != kind:
            wanted = ATTRIBUTES.get(name, "none of this name")
            raise ConfigError(f"{place}: an attribute {name} of type {kind}, wanted {wanted}")
        if name in members:
            raise ConfigError(f"{place}: the attribute {name} came twice: remove one")
        members[name] = _text(helper.get_attribute_value(attribute))
    return members


def _array(place: str, name: str, tensor: "TensorProto") -> "NDArray[Any]":
    """The numbers of a tensor, if they are as many as it says."""
    from onnx import numpy_helper

    try:
        if min(tensor.dims, default=0) < 0:
            raise ValueError(f"its shape is {list(tensor.dims)}")
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise ModelFileError(f"{place}: the tensor {name!r} is damaged: {error}") from error


def _text(value: Any) -> Any:
    """An attribute's value; ONNX keeps its words as bytes."""
    if isinstance(value, list):
        return [_text(part) for part in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
