"""The forward pass of both trained networks, in NumPy; nn/networks.py trains the same functions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def forecast_quantiles(inputs: Array, continuations: Array, network: NetworkConfig, weights: Tensors) -> Array:
    """Features of windows to quantiles (B, h, Q) on the windows' scale."""
    batch, _, h = continuations.shape
    state = np.concatenate([final_state(inputs, network, weights), continuations.reshape(batch, -1)], axis=1)
    hidden = np.maximum(linear(state, weights, "hidden"), 0)
    raw = linear(hidden, weights, "out").reshape(batch, h, -1)
    return non_crossing(continuations.mean(1), raw)


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
