"""Name and shape of every parameter of a model, from its settings alone."""

from collections.abc import Iterable, Iterator
from math import prod

from grucast.data.covariates import Column
from grucast.data.encoding import embedding_size
from grucast.model.config import NetworkConfig
from grucast.model.models import ForecastModel, RegressionModel

Shapes = dict[str, tuple[int, ...]]
WINDOW = 2**27  # numbers that a forecaster may compute from a window, each step counted as a thousand more
WEIGHTS = 2**28  # numbers of a model file, of 4 bytes each


def shapes_of(model: ForecastModel | RegressionModel) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes that a model's weights must have, one by one, as there can be very many.

    >>> next(shapes_of(RegressionModel(2, 1, NetworkConfig(hidden_size=4), {})))
    ('gru.weight_ih_l0', (12, 2))
    """
    if isinstance(model, RegressionModel):
        one = gru(model.features, model.network) | linear("fc", state_size(model.network), model.outputs)
    else:
        one = forecaster(model)
    members = getattr(model, "members", 1)
    for prefix in [f"members.{member}." for member in range(members)] if members > 1 else [""]:
        yield from ((prefix + name, shape) for name, shape in one.items())


def require_affordable(model: ForecastModel | RegressionModel) -> None:
    """Refuse a model that a small file could describe and no machine could run.

    Raises:
        ValueError: Its windows or its weights are too many numbers.
    """
    weights = 0
    for _, shape in shapes_of(model):
        weights += prod(shape)
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
    return model.input_size * (1000 + inputs_of(model) + layers * (model.network.hidden_size + 16))


def inputs_of(model: ForecastModel) -> int:
    """Numbers that a forecaster's network reads at each step."""
    schema, columns = model.schema, model.schema.categorical("past", "future")
    numbers = 2 * len(schema.numbers("past", "future")) + 2 * len(schema.cycles)
    return 2 + len(model.seasons) + numbers + embedded(columns)


def forecaster(model: ForecastModel) -> Shapes:
    """The parameters of one network of a forecaster."""
    network, schema, h = model.network, model.schema, model.h
    past, future, static = (schema.categorical(role) for role in ("past", "future", "static"))
    phases, seasons, quantiles = 2 * len(schema.cycles), len(model.seasons), 2 * len(model.level) + 1
    fixed = 2 * seasons * h + 2 * len(schema.numbers("static")) + embedded(static)
    ahead = 4 * len(schema.numbers("future")) + phases + embedded(future)
    shapes: Shapes = {f"embed.{i}.weight": table(column) for i, column in enumerate(past + future + static)}
    shapes |= gru(inputs_of(model), network)
    shapes |= linear("hidden", state_size(network) + fixed, network.head_size)
    shapes |= linear("out", network.head_size, h * quantiles)
    if ahead:
        shapes |= linear("step_state", network.head_size, network.hidden_size)
        shapes |= {"step.weight": (network.hidden_size, ahead)}
        shapes |= linear("step_out", network.hidden_size, quantiles)
    return shapes


def gru(inputs: int, network: NetworkConfig) -> Shapes:
    """The GRU's parameters, named as torch names them."""
    size, shapes = network.hidden_size, Shapes()
    suffixes = ("", "_reverse") if network.bidirectional else ("",)
    for layer in range(network.num_layers):
        for end in (f"l{layer}{suffix}" for suffix in suffixes):
            shapes |= {f"gru.weight_ih_{end}": (3 * size, inputs), f"gru.weight_hh_{end}": (3 * size, size)}
            shapes |= {f"gru.bias_ih_{end}": (3 * size,), f"gru.bias_hh_{end}": (3 * size,)}
        inputs = state_size(network)
    return shapes


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    """A linear layer."""
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def state_size(network: NetworkConfig) -> int:
    """Width of the final states, joined."""
    return network.hidden_size * (2 if network.bidirectional else 1)


def table(column: Column) -> tuple[int, int]:
    """A row for what is missing and for each category."""
    return len(column.categories or ()) + 1, embedding_size(column)


def embedded(columns: Iterable[Column]) -> int:
    """Width of the columns' vectors side by side."""
    return sum(map(embedding_size, columns))
