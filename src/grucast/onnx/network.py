"""The forward pass of the forecast network as operations: model/runtime.py and at_levels in ONNX."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from grucast.kernels.reference import Weights
from grucast.model.config import NetworkConfig
from grucast.model.runtime import Array, Tensors
from grucast.onnx.builder import LAST, Builder

TIME_FIRST = np.array([0, 0, -1])  # shape (T, B, D H) of what has two axes more


class Inputs(NamedTuple):
    """What the network reads of a batch, in single precision."""

    steps: str  # (B, T, C)
    codes: list[str]  # (B, T) of each column: past, future
    continuations: str  # (B, 2S, h)
    static: list[str]  # (B, ...)
    static_codes: list[str]  # (B) of each column
    ahead: list[str]  # (B, h, ...)
    ahead_codes: list[str]  # (B, h) of each column


def forecast_quantiles(g: Builder, x: Inputs, h: int, network: NetworkConfig, weights: Tensors) -> str:
    """Quantiles (B, h, Q) on the windows' scale, of one network."""
    temporal, past = len(x.codes), len(x.codes) - len(x.ahead_codes)
    state = final_state(g, g.concat([x.steps, *embedded(g, x.codes, 0, weights)], 2), network, weights)
    fixed = [*x.static, *embedded(g, x.static_codes, temporal, weights)]
    known = [*x.ahead, *embedded(g, x.ahead_codes, past, weights)]
    rows = g.op("Flatten", x.continuations, axis=1)
    hidden = g.op("Relu", linear(g, g.concat([state, rows, *fixed], 1), weights, "hidden"))
    raw = g.op("Reshape", linear(g, hidden, weights, "out"), np.array([-1, h, len(weights["out.weight"]) // h]))
    if known:
        own = g.op("Unsqueeze", linear(g, hidden, weights, "step_state"), np.array([1]))
        step = g.op("Relu", g.op("Add", own, each_linear(g, g.concat(known, 2), weights["step.weight"])))
        raised = g.op("Add", each_linear(g, step, weights["step_out.weight"]), weights["step_out.bias"])
        raw = g.op("Add", raw, raised)
    base = g.op("ReduceMean", x.continuations, axes=[1], keepdims=0)
    return non_crossing(g, base, raw, len(weights["out.weight"]) // h // 2)


def final_state(g: Builder, x: str, network: NetworkConfig, weights: Tensors) -> str:
    """Run the GRU over x (B, T, I) and join the last layer's final states, (B, D H)."""
    size, directions = network.hidden_size, ("", "_reverse") if network.bidirectional else ("",)
    x = g.op("Transpose", x, perm=[1, 0, 2])
    for layer in range(network.num_layers):
        last = layer == network.num_layers - 1
        found = [f"l{layer}{suffix}" for suffix in directions]
        operands = [np.stack(arrays) for arrays in zip(*(operator_weights(weights, end) for end in found), strict=True)]
        x = g.op(
            "GRU",
            x,
            *operands,
            place=1 if last else 0,
            hidden_size=size,
            direction="bidirectional" if network.bidirectional else "forward",
            linear_before_reset=int(network.reset_after),
        )
        if not last:  # (T, D, B, H)
            x = g.op("Reshape", g.op("Transpose", x, perm=[0, 2, 1, 3]), TIME_FIRST)
    return g.op("Flatten", g.op("Transpose", x, perm=[1, 0, 2]), axis=1)


def operator_weights(weights: Tensors, end: str) -> tuple[Array, Array, Array]:
    """W (3H, I), R (3H, H) and B (6H) of a direction as the operator GRU takes them: gates z, r, h, both biases."""
    w, r, b, c = (update_first(weights[f"gru.{name}_{end}"]) for name in Weights._fields)
    return w, r, np.concatenate([b, c])


def update_first(rows: Array) -> Array:
    """Rows of the gates r, z, n as z, r, n."""
    reset, update, candidate = np.split(rows, 3)
    return np.concatenate([update, reset, candidate])


def embedded(g: Builder, codes: Sequence[str], first: int, weights: Tensors) -> list[str]:
    """The vectors of categories; the tables count from `first`."""
    return [g.op("Gather", weights[f"embed.{first + k}.weight"], code) for k, code in enumerate(codes)]


def linear(g: Builder, x: str, weights: Tensors, name: str) -> str:
    """X W' + b, with x (B, I) and W (O, I)."""
    return g.op("Gemm", x, weights[f"{name}.weight"], weights[f"{name}.bias"], transB=1)


def each_linear(g: Builder, x: str, weight: Array) -> str:
    """X W' for each step of x (B, h, I)."""
    return g.op("MatMul", x, weight.T)


def non_crossing(g: Builder, base: str, raw: str, middle: int) -> str:
    """Quantiles in ascending order by construction, from what the median corrects (B, h) and raw (B, h, Q)."""
    median = g.op("Add", g.op("Unsqueeze", base, LAST), g.cut(raw, 2, middle, middle + 1))
    if not middle:
        return median
    gaps = g.op("Softplus", raw)
    below = g.op("CumSum", g.cut(gaps, 2, 0, middle), np.int64(2), reverse=1)
    above = g.op("CumSum", g.cut(gaps, 2, middle + 1, 2 * middle + 1), np.int64(2))
    return g.concat([g.op("Sub", median, below), median, g.op("Add", median, above)], 2)


def calibrated(g: Builder, z: str, widths: tuple[float, ...]) -> str:
    """Distances from the median times their widths, no interval narrower than the one before."""
    middle = len(widths)
    median = g.cut(z, 2, middle, middle + 1)
    below: list[str] = []
    above: list[str] = []
    for i, width in enumerate(widths, 1):
        lower = g.op("Sub", median, g.cut(z, 2, middle - i, middle - i + 1))
        upper = g.op("Sub", g.cut(z, 2, middle + i, middle + i + 1), median)
        for side, distance in ((below, lower), (above, upper)):
            stretched = g.op("Mul", distance, np.float64(width))
            side.append(g.op("Max", side[-1], stretched) if side else stretched)
    lows = [g.op("Sub", median, distance) for distance in reversed(below)]
    return g.concat([*lows, median, *(g.op("Add", median, distance) for distance in above)], 2)
