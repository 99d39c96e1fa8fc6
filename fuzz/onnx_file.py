"""Fuzz the loader of layers in ONNX models: python -m fuzz.onnx_file SECONDS."""

import atheris
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from fuzz.harness import fuzz

with atheris.instrument_imports(include=["grucast"]):  # which `import grucast` leaves out
    import grucast.nn  # noqa: F401 - load_layer imports it when it is called
    from grucast.onnx import load_layer

WORDS = [
    "GRU",
    "Constant",
    "If",
    "W",
    "R",
    "B",
    "initial_h",
    "clip",
    "layout",
    "direction",
    "bidirectional",
    "location",
]


def model(directions: int, **attributes: object) -> bytes:
    """A GRU of one unit whose state is a constant."""
    shapes = {"W": (directions, 3, 2), "R": (directions, 3, 1), "B": (directions, 6)}
    weights = [numpy_helper.from_array(np.ones(shape, "float32"), name) for name, shape in shapes.items()]
    state = numpy_helper.from_array(np.zeros((directions, 1, 1), "float32"))
    nodes = [
        helper.make_node("Constant", [], ["h"], value=state),
        helper.make_node("GRU", ["X", "W", "R", "B", "", "h"], ["Y"], hidden_size=1, **attributes),
    ]
    x = helper.make_tensor_value_info("X", TensorProto.FLOAT, ["T", 1, 2])
    y = helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["T", directions, 1, 1])
    return helper.make_model(helper.make_graph(nodes, "gru", [x], [y], weights)).SerializeToString()


if __name__ == "__main__":
    seeds = [model(1), model(1, linear_before_reset=1, layout=1), model(2, direction="bidirectional")]
    fuzz(lambda path: load_layer(path, verify=False), ".onnx", seeds, WORDS, bytes)
