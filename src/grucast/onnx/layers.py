"""GRU operators of any ONNX model as layers. What is read is one file, in which nothing is executed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grucast.errors import ConfigError, InputError, MissingExtraError, ModelFileError

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

    from grucast.nn import GRU

INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h")
STORED = ("W", "R", "B", "initial_h")  # the others come with each call
LARGEST = 2**31 - 1  # bytes: more is no message of protobuf

Tensors = Mapping[str, "TensorProto"]


def load_layer(path: str | Path, verify: bool = True) -> "GRU | list[GRU]":
    """The GRU operators of an ONNX model as `grucast.nn.GRU`, in the model's order.

    They may be in the bodies of If, Loop and Scan too. A model that stacks layers has an operator for each.

    Args:
        path: The model, one file; data outside of it are refused.
        verify: Whether each layer and ONNX' own implementation run on the same random numbers.

    Returns:
        The layer; a list when there are several.

    Raises:
        ModelFileError: It is no valid ONNX model, refers to other files, is larger than 2 GiB, or has no GRU.
        ConfigError: An operator is none that `grucast.nn.from_onnx` reads, or computes its weights.
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
    model = _read(Path(path))
    found = [pair for graph in (model.graph, *model.functions) for pair in _operators(graph, {})]
    nodes = [_members(f"{path}, GRU {number}", *pair) for number, pair in enumerate(found, 1)]
    if not nodes:
        raise ModelFileError(f"{path}: a valid ONNX model, but without a GRU operator")
    return nodes


def _read(path: Path) -> "ModelProto":
    """A valid model that is all in this file."""
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("onnx", "onnx") from error
    if not path.is_file():
        raise ModelFileError(f"{path} does not exist or is not a file")
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise ValueError(f"it has {size} bytes, more than {LARGEST}")
        model: ModelProto = onnx.ModelProto.FromString(path.read_bytes())
        # The checker would look for these files.
        if any(tensor.data_location == tensor.EXTERNAL or tensor.external_data for tensor in _tensors(model)):
            raise ValueError("it keeps data in other files; onnx.load and onnx.save bring them into one")
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        raise ModelFileError(f"{path} is no valid ONNX model in one file: {error}") from error
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error
    return model


def _tensors(message: Any) -> "Iterator[TensorProto]":
    """Every tensor at any depth."""
    for _, value in message.ListFields():
        for part in [value] if hasattr(value, "ListFields") else value if hasattr(value, "add") else []:
            if part.DESCRIPTOR.name == "TensorProto":
                yield part
            else:
                yield from _tensors(part)


def _operators(graph: "GraphProto | FunctionProto", outer: Tensors) -> "Iterator[tuple[NodeProto, Tensors]]":
    """The GRU nodes of a graph and of the graphs in it, each with the tensors that it sees."""
    known = {**outer, **{tensor.name: tensor for tensor in getattr(graph, "initializer", ())}}
    for node in graph.node:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            known[node.output[0]] = attributes["value"].t
        if node.op_type == "GRU" and node.domain in ("", "ai.onnx"):
            yield node, known
        for attribute in node.attribute:
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                yield from _operators(inner, known)


def _members(place: str, node: "NodeProto", tensors: Tensors) -> dict[str, Any]:
    """Stored arrays and attributes of a GRU node."""
    from onnx import helper, numpy_helper

    members: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            raise ConfigError(f"{place}: {attribute.name} comes from the caller of a function: inline the functions")
        members[attribute.name] = _text(helper.get_attribute_value(attribute))
    for name, given in zip(INPUTS, node.input, strict=False):
        if name not in STORED or not given:
            continue
        if given in tensors:
            try:
                members[name] = numpy_helper.to_array(tensors[given])
            except (ValueError, TypeError, LookupError) as error:
                raise ModelFileError(f"{place}: the tensor {given!r} is damaged: {error}") from error
        elif name != "initial_h":
            raise ConfigError(
                f"{place}: {name} is {given!r}, which the model computes or is given, and does not store: "
                "fold its constants into initializers"
            )
    return members


def _text(value: Any) -> Any:
    """An attribute's value; ONNX keeps its words as bytes."""
    if isinstance(value, list):
        return [_text(part) for part in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
