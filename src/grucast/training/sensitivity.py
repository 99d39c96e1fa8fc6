"""How a forecast changes with what it was made from: exact derivatives through the whole network."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from grucast.data.features import Features
from grucast.data.slopes import Array, Slopes, by_numbers, by_values
from grucast.data.windows import Window
from grucast.model.models import ForecastModel
from grucast.model.network import ForecastNetwork, Inputs
from grucast.model.values import Tensors
from grucast.training.gradients import Gradients, Recorded


class Sensitivity(NamedTuple):
    """Derivatives of the medians of one window's forecast."""

    values: Array  # (h, T), by each value of the window, in units of y per unit of y
    covariates: Mapping[str, Array]  # (h, T + h), or (h,) of a static one, in units of y per unit of it


def sensitivity_of(model: ForecastModel, window: Window) -> Sensitivity:
    """The derivatives of the medians that the networks say, whatever `predict` makes of them then.

    Args:
        model: A trained forecaster; of an ensemble the mean forecast is differentiated.
        window: One window.
    """
    features = model.features(window)
    parts = [slopes_of(model, own, features) for own in model.each_weights]
    medians = np.mean([median for median, _ in parts], axis=0)
    slopes = Slopes(*(np.mean(own, axis=0) for own in zip(*(slopes for _, slopes in parts), strict=True)))
    numbers = by_numbers(slopes, window, model.schema, model.seasons, model.smoothed)
    return Sensitivity(
        by_values(slopes, medians, window.history[0], model.seasons, model.smoothed),
        {name: own * features.scale[0, 0] for name, own in numbers.items()},
    )


def slopes_of(model: ForecastModel, weights: Tensors, features: Features) -> tuple[Array, Slopes]:
    """The medians (h,) of one network on a window's scale, and their derivatives by its features."""
    config = replace(model.network, dropout=0.0, head_dropout=0.0)
    network = replace(model.definition, config=config)
    pieces = [slopes_at(network, weights, features, steps) for steps in model.chunks(np.arange(model.h))]
    medians, *slopes = (np.concatenate(own) for own in zip(*pieces, strict=True))
    return medians, Slopes(*slopes)


def slopes_at(network: ForecastNetwork, weights: Tensors, features: Features, steps: Array) -> tuple[Array, ...]:
    """The medians at some steps, and their slopes: the window once for each step, whose median alone is asked for."""
    copies = Inputs.of(Features._make(np.repeat(part, len(steps), axis=0) for part in features))
    static, ahead = ([Recorded(part) for part in own] for own in (copies.static, copies.ahead))
    own, continuations = Recorded(copies.steps), Recorded(copies.continuations)
    unused = {name: np.empty_like(array[None]) for name, array in weights.items()}
    o = Gradients(weights, unused, network.config, np.random.default_rng(0))
    result = network(o, copies._replace(steps=own, continuations=continuations, static=static, ahead=ahead))
    place = np.arange(len(steps)), steps, network.output.size // 2
    seed = np.zeros_like(result.array)
    seed[place] = 1
    o.backward(result, seed)
    none = np.zeros((len(steps), network.h, 0))
    return (
        result.array[place],
        gradient_of(own),
        gradient_of(continuations),
        gradient_of(static[0]) if static else none[:, 0],
        gradient_of(ahead[0]) if ahead else none,
    )


def gradient_of(leaf: Recorded) -> Any:
    """What a leaf received, 0 if nothing depends on it."""
    return np.zeros_like(leaf.array) if leaf.gradient is None else leaf.gradient
