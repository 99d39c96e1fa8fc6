"""An ONNX graph written like formulas: each operation is a call that gives the name of what it computes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Value = str | NDArray[Any] | np.generic  # the name of something computed, or a constant

OPSET, IR_VERSION = 17, 8  # of 2022: what runtimes in use read, those of browsers and phones too
BATCH = "batch"
LAST = np.array([-1])


class Builder:
    """Collects inputs, operations, constants and outputs, in the order in which they are computed."""

    def __init__(self) -> None:
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}

    def input(self, name: str, dtype: type[Any], shape: Sequence[int], note: str) -> str:
        """An input (batch, *shape), by its name."""
        self.inputs.append(described(name, dtype, shape, note))
        return name

    def output(self, name: str, value: str, shape: Sequence[int], note: str) -> None:
        """What was computed, as an output (batch, *shape) in double precision."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(described(name, np.float64, shape, note))

    def op(self, kind: str, *inputs: Value, place: int = 0, **attributes: Any) -> str:
        """The output at `place` of an operator of ONNX, by its name."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, names, [*[""] * place, name], name=name, **attributes))
        return name

    def cast(self, value: Value, dtype: type[Any]) -> str:
        """The same values as another type."""
        return self.op("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def cut(self, value: str, axis: int, start: int, stop: int) -> str:
        """The places from start to stop of one axis."""
        return self.op("Slice", value, np.array([start]), np.array([stop]), np.array([axis]))

    def concat(self, values: Sequence[Value], axis: int) -> str:
        """The values side by side."""
        return self.op("Concat", *values, axis=axis)

    def sum(self, value: str, axis: int, keepdims: bool = True) -> str:
        """The sum over one axis."""
        return self.op("ReduceSum", value, np.array([axis]), keepdims=int(keepdims))

    def ascending(self, value: str) -> str:
        """The values (B, T) of each row in ascending order."""
        name, size = f"TopK_{len(self._nodes)}", self.op("Slice", self.op("Shape", value), *map(np.array, ([1], [2])))
        outputs = [name, f"{name}_places"]
        self._nodes.append(helper.make_node("TopK", [value, size], outputs, name=name, largest=0))
        return name

    def model(self, name: str, **about: Any) -> onnx.ModelProto:
        """The finished model, its tensors' shapes and types not checked yet."""
        graph = helper.make_graph(self._nodes, name, self.inputs, self.outputs, list(self._constants.values()))
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, **about)

    def _constant(self, value: Any) -> str:
        """The name of a constant, kept once."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(array, f"constant_{len(self._constants)}")
        return self._constants[key].name


def described(name: str, dtype: type[Any], shape: Sequence[int], note: str) -> onnx.ValueInfoProto:
    """A tensor (batch, *shape) and what it is."""
    kind: TensorProto.DataType = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, [BATCH, *shape], doc_string=note)
