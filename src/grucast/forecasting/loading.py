"""From a model file back to the estimator that wrote it."""

from pathlib import Path

from grucast.errors import ModelFileError
from grucast.forecasting.forecaster import GRUForecaster
from grucast.model.file import KINDS, load_model
from grucast.model.models import ForecastModel

LOADERS = {"forecaster": "grucast.load", "regressor": "GRURegressor.load", "classifier": "GRUClassifier.load"}


def load(path: str | Path) -> GRUForecaster:
    """Load a forecaster from a model file; this executes nothing and needs no torch.

    Raises:
        ModelFileError: The file is not a grucast forecaster, is damaged, or needs a newer grucast.

    >>> from grucast import load
    >>> load("absent.safetensors")
    Traceback (most recent call last):
    grucast.errors.ModelFileError: absent.safetensors does not exist or is not a file
    """
    model = load_model(path)
    if not isinstance(model, ForecastModel):
        found = KINDS[type(model)]
        raise ModelFileError(f"{path} holds a {found}, not a forecaster: load it with {LOADERS[found]}")
    return GRUForecaster.from_model(model)
