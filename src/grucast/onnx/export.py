"""Write a forecaster as one ONNX file, once it is seen to forecast the same."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grucast.errors import ExportError, MissingExtraError
from grucast.forecasting.forecaster import GRUForecaster
from grucast.model.writing import write_whole

TOLERANCE = 1e-4  # of the largest difference


class Exported(NamedTuple):
    """What was written.

    Attributes:
        inputs: Type and shape of each input, by name.
        outputs: Type and shape of each output, by name.
        description: How to feed the graph, as in its metadata.
        difference: The largest difference seen between its forecasts and the forecaster's, in proportion.
    """

    inputs: dict[str, str]
    outputs: dict[str, str]
    description: dict[str, Any]
    difference: float


def export(forecaster: GRUForecaster, path: str | Path) -> Exported:
    """Write a fitted forecaster as one ONNX graph, from raw windows to quantiles in the unit of y.

    Before anything is written, ONNX Runtime forecasts with it from random windows, and from those of the training data
    where the forecaster still has them.

    Args:
        forecaster: A fitted or loaded forecaster.
        path: The file to write; one that was there before is replaced.

    Raises:
        MissingExtraError: onnx or onnxruntime is not installed.
        NotFittedError: The forecaster is not fitted.
        ExportError: The graph forecasts something else, or is larger than a file of ONNX can be.
        GrucastError: The file cannot be written.

    Source: https://onnx.ai/onnx/operators/ (operators of opset 17).

    >>> from tempfile import TemporaryDirectory
    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> quick = TrainingConfig(max_steps=2)
    >>> forecaster = GRUForecaster(h=24, input_size=48, training=quick).fit(example().tail(500))
    >>> with TemporaryDirectory() as folder:
    ...     exported = export(forecaster, Path(folder, "model.onnx"))
    >>> exported.outputs
    {'quantiles': 'float64 (batch, 24, 5)', 'point': 'float64 (batch, 24)'}
    """
    try:
        import onnx
        import onnxruntime  # type: ignore[import-untyped]  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "onnx") from error
    from grucast.onnx.graph import description, forecast_graph
    from grucast.onnx.verify import difference, panel_case, random_case

    model = forecaster.model_
    require_size(sum(weight.nbytes for weight in model.weights.values()))
    proto = forecast_graph(model)
    onnx.checker.check_model(proto, full_check=True)
    content = proto.SerializeToString()
    cases = [random_case(model, np.random.default_rng(1))]
    if data := getattr(forecaster, "_data", None):
        cases.append(panel_case(model, data[0]))
    found = difference(model, content, cases)
    require_close(found)
    write_whole(path, content)
    return Exported(kinds(proto.graph.input), kinds(proto.graph.output), description(model), found)


def require_size(size: int) -> None:
    """Refuse weights that no single file of ONNX can hold."""
    if size > 2**31 - 2**24:
        raise ExportError(f"this model has {size / 2**30:.1f} GiB of weights; one ONNX file holds less than 2")


def require_close(found: float) -> None:
    """Refuse a graph whose forecasts differ."""
    if not found <= TOLERANCE:
        raise ExportError(
            f"ONNX Runtime forecasts something else from this graph: the largest difference is {found:.2g}, more than "
            f"{TOLERANCE:g}; nothing was written"
        )


def kinds(tensors: Any) -> dict[str, str]:
    """Type and shape of each tensor, by name."""
    from onnx import helper

    found = {}
    for tensor in tensors:
        kind = tensor.type.tensor_type
        shape = ", ".join(str(d.dim_param or d.dim_value) for d in kind.shape.dim)
        found[tensor.name] = f"{helper.tensor_dtype_to_np_dtype(kind.elem_type)} ({shape})"
    return found
