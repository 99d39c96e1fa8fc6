"""The forward pass of both trained networks, in NumPy; nn/networks.py trains the same functions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.features import Features
from grucast.kernels import native, reference
from grucast.model.config import NetworkConfig

Array = NDArray[Any]
Tensors = Mapping[str, Array]


def final_state(x: Array, network: NetworkConfig, weights: Tensors) -> Array:
    """Run the GRU over x (B, T, I) and join the last layer's final states, (B, H) or (B, 2H)."""
    zeros = np.zeros((len(x), network.hidden_size), x.dtype)
    gru_forward = native.gru_forward if native.available() else reference.gru_forward
    states: list[Array] = []
    for layer in range(network.num_layers):
        outputs, states = [], []
        for suffix in ("", "_reverse") if network.bidirectional else ("",):
            names = [f"gru.{name}_l{layer}{suffix}" for name in reference.Weights._fields]
            direction = reference.Weights(*(weights[name] for name in names))
            output, state = gru_forward(x, zeros, direction, network.reset_after, reverse=suffix == "_reverse")
            outputs.append(output)
            states.append(state)
        x = np.concatenate(outputs, axis=2)
    return np.concatenate(states, axis=1)


def linear(x: Array, weights: Tensors, name: str) -> Array:
    """X W' + b, with x (B, I) and W (O, I)."""
    result: Array = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
    return result


def regress(x: Array, network: NetworkConfig, weights: Tensors) -> Array:
    """Sequences (B, T, F) to outputs (B, O)."""
    return linear(final_state(x, network, weights), weights, "fc")


def forecast_quantiles(x: Features, past_codes: int, network: NetworkConfig, weights: Tensors) -> Array:
    """Features of windows to quantiles (B, h, Q) on the windows' scale.

    Of the categories of each time step, the first `past_codes` are not known in advance.
    """
    temporal = x.codes.shape[-1]
    state = final_state(np.concatenate([x.inputs, *embedded(x.codes, 0, weights)], axis=2), network, weights)
    batch, _, h = x.continuations.shape
    head = [state, x.continuations.reshape(batch, -1), x.static, *embedded(x.static_codes, temporal, weights)]
    hidden = np.maximum(linear(np.concatenate(head, axis=1), weights, "hidden"), 0)
    raw = linear(hidden, weights, "out").reshape(batch, h, -1)
    known = np.concatenate([x.ahead, *embedded(x.ahead_codes, past_codes, weights)], axis=2)
    if known.shape[2]:
        step = linear(hidden, weights, "step_state")[:, None] + known @ weights["step.weight"].T
        raw = raw + linear(np.maximum(step, 0), weights, "step_out")
    return non_crossing(x.continuations.mean(1), raw)


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
