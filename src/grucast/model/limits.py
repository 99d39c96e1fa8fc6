"""How large a model may be."""

from math import prod

from grucast.model.models import ForecastModel, Model, parameters_of

WINDOW = 2**27  # numbers that a forecaster may compute from a window, each step counted as a thousand more
WEIGHTS = 2**28  # numbers of a model file, of 4 bytes each


def require_affordable(model: Model) -> None:
    """Refuse a model that a small file could describe and no machine could run.

    Raises:
        ValueError: Its windows or its weights are too many numbers.
    """
    weights = 0
    for parameter in parameters_of(model):
        weights += prod(parameter.shape)
        if weights > WEIGHTS:
            raise ValueError(f"these settings need more than {WEIGHTS:,} weights: make the network smaller")
    if isinstance(model, ForecastModel) and (size := window_size(model)) > WINDOW:
        raise ValueError(
            f"input_size {model.input_size} needs {size:,} numbers for a window of this network, more than {WINDOW:,}: "
            "make one of them smaller"
        )


def window_size(model: ForecastModel) -> int:
    """Numbers that the layers of all members compute from a window, and a thousand for each of its steps."""
    layers = model.members * model.network.num_layers * (2 if model.network.bidirectional else 1)
    return model.input_size * (1000 + model.definition.step_size + layers * (model.network.hidden_size + 16))
