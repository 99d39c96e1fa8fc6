"""Weights from and to the GRU operator of ONNX, by the names of its inputs and attributes.

With D directions,

    W    (D, 3H, I)         is weight_ih, its gates in the order update, reset, candidate
    R    (D, 3H, H)         is weight_hh, likewise
    B    (D, 6H)            is bias_ih, then bias_hh; without B there is no bias
    linear_before_reset     is reset_after
    layout                  is batch_first

Source: onnx.ai/onnx/operators/onnx__GRU.html.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from grucast.errors import ConfigError, ShapeError
from grucast.nn.convert import Array, build, layers_of, read_array, require_same, swap_gates
from grucast.nn.gru import GRU

Node = Mapping[str, Any]

DIRECTIONS = {"forward": 1, "bidirectional": 2}
KNOWN = {
    *("W", "R", "B", "initial_h"),
    *("activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"),
    *("linear_before_reset", "output_sequence"),
}
ACTIVATIONS = ["sigmoid", "tanh"]
TRUSTED = (1, 23)  # before, ONNX' own GRU runs in one direction only


def from_onnx(node: Node | Sequence[Node], verify: bool = True) -> GRU:
    """A GRU with the weights of ONNX's GRU operator, or of several in a row.

    Its inputs X, sequence_lens and initial_h are the layer's input, lengths and hx. Its output Y, (T, D, B, H),
    is the layer's, (T, B, D * H). `grucast.onnx.load_layer` takes the operators out of a model.

    Args:
        node: Its arrays `W`, `R` and, if there is one, `B`, and the attributes that are not as the standard has them:
            `linear_before_reset`, `direction`, `layout`, `hidden_size`. A list of nodes is a stack.
        verify: Whether both run on the same random numbers, where the package onnx, 1.23 or newer, is installed.

    Raises:
        ConfigError: It clips, has other activations, runs only backwards, stores an initial state, or has types other
            than float32 and float64.
        ShapeError: An array does not fit.
        DataError: A weight is NaN or infinite.
        MismatchError: ONNX' own implementation computes something else.

    >>> import numpy as np
    >>> from grucast.nn import from_onnx
    >>> from_onnx({"W": np.ones((1, 9, 4)), "R": np.ones((1, 9, 3)), "linear_before_reset": 1})
    GRU(4, 3, bias=False)
    """
    nodes = [node] if isinstance(node, Mapping) else list(node)
    kinds = {_kind(each) for each in nodes}
    if len(kinds) != 1:
        raise ConfigError(f"nodes of a stack agree in direction, linear_before_reset and layout, got {sorted(kinds)}")
    directions, linear_before_reset, layout = kinds.pop()
    parts = [part for each in nodes for part in _from_node(each, directions)]
    gru = build(parts, directions == 2, bool(linear_before_reset), bool(layout))
    if verify:
        _verify_by_onnx(gru, nodes)
    return gru


def to_onnx(gru: GRU, verify: bool = True) -> dict[str, Any] | list[dict[str, Any]]:
    """The arrays and attributes of ONNX's GRU operator for a GRU.

    `layout` is 1 for batch_first, as the standard has it; onnxruntime runs only layout 0.

    Args:
        gru: The layer.
        verify: Whether both run on the same random numbers, where the package onnx, 1.23 or newer, is installed.

    Returns:
        `W`, `R`, with a bias `B`, and the attributes, by name. Of more than one layer, a list of them: between two
        operators Y (T, D, B, H) becomes X (T, B, D * H).

    Raises:
        ConfigError: The layer is not float32 or float64.
        MismatchError: ONNX' own implementation computes something else.

    >>> from grucast.nn import GRU, to_onnx
    >>> node = to_onnx(GRU(4, 3, bidirectional=True, reset_after=False))
    >>> node["W"].shape, node["B"].shape, node["direction"], node["linear_before_reset"]
    ((2, 9, 4), (2, 18), 'bidirectional', 0)
    """
    attributes = {
        "hidden_size": gru.hidden_size,
        "direction": "bidirectional" if gru.bidirectional else "forward",
        "linear_before_reset": int(gru.reset_after),
        "layout": int(gru.batch_first),
    }
    nodes = [_to_node(layer) | attributes for layer in layers_of(gru)]
    if verify:
        _verify_by_onnx(gru, nodes)
    return nodes if gru.num_layers > 1 else nodes[0]


def _kind(node: Node) -> tuple[int, int, int]:
    """Directions, linear_before_reset, layout; or an error for what a GRU here cannot be."""
    if unknown := sorted(node.keys() - KNOWN):
        raise ConfigError(f"from_onnx does not know {unknown}; X and sequence_lens go to the layer's call")
    if missing := sorted({"W", "R"} - node.keys()):
        raise ConfigError(f"from_onnx needs the arrays W and R, missing: {' and '.join(missing)}")
    direction = node.get("direction", "forward")
    if direction == "reverse":
        raise ConfigError(
            "a GRU that runs only backwards has no layer here: read it as direction='forward', flip the steps of its "
            "input, and those of its output"
        )
    if direction not in DIRECTIONS:
        raise ConfigError(f"direction came as {direction!r}, wanted 'forward' or 'bidirectional'")
    _require_plain(node, DIRECTIONS[direction])
    switches = node.get("linear_before_reset", 0), node.get("layout", 0)
    if not set(switches) <= {0, 1}:
        raise ConfigError(f"linear_before_reset and layout are 0 or 1, got {switches[0]} and {switches[1]}")
    return DIRECTIONS[direction], *switches


def _require_plain(node: Node, directions: int) -> None:
    """Refuse what would make another function of it."""
    if node.get("clip") is not None:
        raise ConfigError(f"clip={node['clip']} bounds what goes into the gates; a GRU here does not: omit it")
    activations = [str(name).lower() for name in node.get("activations") or ACTIVATIONS * directions]
    if activations != ACTIVATIONS * directions:
        raise ConfigError(f"activations came as {node['activations']}, wanted Sigmoid and Tanh in each direction")
    if any(node.get(name) for name in ("activation_alpha", "activation_beta")):
        raise ConfigError("activation_alpha and activation_beta have no meaning for Sigmoid and Tanh: omit them")
    if np.any(node.get("initial_h", 0)):
        raise ConfigError("initial_h is not zero, and a GRU stores no state: omit it, and pass it as hx to the call")


def _from_node(node: Node, directions: int) -> list[list[Array]]:
    size = read_array("R", node["R"], (directions, None, None)).shape[2]
    if node.get("hidden_size", size) != size:
        raise ShapeError(f"hidden_size came as {node['hidden_size']}, but R is for {size}")
    arrays = [
        read_array("W", node["W"], (directions, 3 * size, None)),
        read_array("R", node["R"], (directions, 3 * size, size)),
    ]
    if node.get("B") is not None:
        arrays += np.split(read_array("B", node["B"], (directions, 6 * size)), 2, axis=1)
    return [[swap_gates(array[i]) for array in arrays] for i in range(directions)]


def _to_node(layer: list[list[Array]]) -> dict[str, Any]:
    weight_ih, weight_hh, *biases = (np.stack([swap_gates(a) for a in arrays]) for arrays in zip(*layer, strict=True))
    return {"W": weight_ih, "R": weight_hh} | ({"B": np.concatenate(biases, axis=1)} if biases else {})


def _verify_by_onnx(gru: GRU, nodes: Sequence[Node]) -> None:
    try:
        import onnx
    except ImportError:
        return
    if tuple(map(int, onnx.__version__.split(".")[:2])) >= TRUSTED:
        require_same(gru, partial(_run_onnx, nodes), f"onnx {onnx.__version__}")


def _run_onnx(nodes: Sequence[Node], x: Array, initial: Array) -> tuple[Array, Array]:
    """ONNX' reference implementation in float64, layer by layer."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    finals: list[Array] = []
    y: Any
    y_h: Any
    for node, states in zip(nodes, np.split(initial, len(nodes)), strict=True):
        arrays = {name: np.float64(node[name]) for name in ("W", "R", "B") if node.get(name) is not None}
        kept = {name: node[name] for name in ("direction", "linear_before_reset") if name in node}
        inputs = ["X", "W", "R", "B" if "B" in arrays else "", "", "initial_h"]
        operator = helper.make_node("GRU", inputs, ["Y", "Y_h"], hidden_size=states.shape[2], **kept)
        y, y_h = ReferenceEvaluator(operator).run(None, {"X": x, "initial_h": states, **arrays})
        x = y.swapaxes(1, 2).reshape(*x.shape[:2], -1)
        finals.append(y_h)
    return x, np.concatenate(finals)
