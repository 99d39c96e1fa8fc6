"""The forward pass of both trained networks, in NumPy; nn/networks.py trains the same functions."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import Features
from grucast.kernels import native, reference
from grucast.model.config import NetworkConfig

Array = NDArray[Any]
Tensors = Mapping[str, Array]
Run = Callable[..., tuple[Array, Any]]
LAYERS = ("hidden", "out", "step_state", "step", "step_out")  # of the head
HEAD = tuple(f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias"))
NONE = np.empty(0, np.float32)


def final_state(x: Array, network: NetworkConfig, weights: Tensors) -> Array:
    """Run the GRU over x (B, T, I) and join the last layer's final states, (B, H) or (B, 2H)."""
    if native.available():
        run: Run = partial(native.gru_forward, threads=native.usual_threads() if len(x) > 1 else 1)
    else:
        run = reference.gru_forward
    return join(run_layers(x, network, weights, run)[-1], axis=1)


def run_layers(x: Array, network: NetworkConfig, weights: Tensors, run: Run) -> list[list[Any]]:
    """What `run` gives beside the output of each direction, of each layer; it takes what `gru_forward` does."""
    zeros = np.zeros((len(x), network.hidden_size), x.dtype)
    found = []
    for layer in range(network.num_layers):
        pairs = []
        for suffix in ("", "_reverse") if network.bidirectional else ("",):
            names = [f"gru.{name}_l{layer}{suffix}" for name in reference.Weights._fields]
            direction = reference.Weights(*(weights[name] for name in names))
            pairs.append(run(x, zeros, direction, network.reset_after, reverse=suffix == "_reverse"))
        x = join([output for output, _ in pairs], axis=2)
        found.append([beside for _, beside in pairs])
    return found


def join(arrays: Sequence[Array], axis: int) -> Array:
    """The arrays side by side; a single one as it is."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis)


def linear(x: Array, weights: Tensors, name: str) -> Array:
    """X W' + b, with x (B, ..., I) and W (O, I); b is left out where there is none."""
    apply = native.linear if native.available() else reference.linear
    weight = weights[f"{name}.weight"]
    y = apply(x.reshape(-1, x.shape[-1]), weight, weights.get(f"{name}.bias"))
    return y.reshape(*x.shape[:-1], len(weight))


def regress(x: Array, network: NetworkConfig, weights: Tensors) -> Array:
    """Sequences (B, T, F) to outputs (B, O)."""
    return linear(final_state(x, network, weights), weights, "fc")


def forecast_quantiles(x: Features, past_codes: int, network: NetworkConfig, weights: Tensors) -> Array:
    """Features of windows to quantiles (B, h, Q) on the windows' scale.

    A window's bits depend on nothing but the window: no BLAS, and no sum over an axis that batches could merge.
    Of the categories of each time step, the first `past_codes` are not known in advance.
    """
    temporal = x.codes.shape[-1]
    state = final_state(read_steps(x, weights), network, weights)
    fixed = join([x.static, *embedded(x.static_codes, temporal, weights)], axis=1)
    known = join([x.ahead, *embedded(x.ahead_codes, past_codes, weights)], axis=2)
    batch, _, h = x.continuations.shape
    if native.available():
        names = HEAD if known.shape[2] else HEAD[:4]
        shape = (batch, h, len(weights["out.weight"]) // h)
        return native.head(state, x.continuations, fixed, known, [weights.get(name, NONE) for name in names], shape)
    return head(state, x.continuations, fixed, known, weights)


def head(state: Array, continuations: Array, fixed: Array, known: Array, weights: Tensors) -> Array:
    """Final states (B, H), continuations (B, 2S, h), what is fixed (B, S) and known ahead (B, h, A) to quantiles."""
    batch, _, h = continuations.shape
    joined = np.concatenate([state, continuations.reshape(batch, -1), fixed], axis=1)
    hidden = np.maximum(linear(joined, weights, "hidden"), 0)
    raw = linear(hidden, weights, "out").reshape(batch, h, -1)
    if known.shape[2]:
        step = linear(hidden, weights, "step_state")[:, None] + linear(known, weights, "step")
        raw = raw + linear(np.maximum(step, 0), weights, "step_out")
    return non_crossing(continuations.mean(1), raw)


def trace(x: Features, network: NetworkConfig, weights: Tensors) -> list[reference.Step]:
    """Gates and states of every step, (B, T, H) each, for each layer and direction as `grucast.nn.GRU.trace` does."""
    layers = run_layers(read_steps(x, weights), network, weights, reference.gru_trace)
    return [gates for layer in layers for gates in layer]


def read_steps(x: Features, weights: Tensors) -> Array:
    """What the GRU reads, (B, T, I): numbers, and the vectors of categories."""
    return join([x.inputs, *embedded(x.codes, 0, weights)], axis=2)


def embedded(codes: Array, first: int, weights: Tensors) -> list[Array]:
    """Vectors of categories (..., K), each from its own table; the tables count from `first`."""
    return [weights[f"embed.{first + column}.weight"][codes[..., column]] for column in range(codes.shape[-1])]


def non_crossing(base: Array, raw: Array) -> Array:
    """Quantiles in ascending order by construction.

        median = base + raw_mid;   each next quantile outward is softplus(raw) further away

    Args:
        base: What the median corrects, (B, h).
        raw: The network's outputs, (B, h, Q) with Q odd.
    """
    middle = raw.shape[-1] // 2
    median = base[..., None] + raw[..., middle : middle + 1]
    gaps = np.logaddexp(0, raw)
    below = median - np.cumsum(gaps[..., :middle][..., ::-1], axis=-1)[..., ::-1]
    above = median + np.cumsum(gaps[..., middle + 1 :], axis=-1)
    return np.concatenate([below, median, above], axis=-1)
