"""Forecasters as models of MLflow: saved, logged, loaded and served, as a file without code; their training as a run.

Needs the extra mlflow.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grucast.errors import MissingExtraError
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.loading import load
from grucast.training.progress import Callback, report_losses

try:
    from mlflow import log_metrics, pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.models.model import MLMODEL_FILE_NAME, ModelInfo
    from mlflow.tracking.artifact_utils import _download_artifact_from_uri as download
    from mlflow.types import DataType, ParamSchema, ParamSpec
    from mlflow.utils.environment import _PythonEnv
except ImportError as error:
    raise MissingExtraError("mlflow", "mlflow") from error

__all__ = ["load_model", "log_model", "log_progress", "save_model"]

FILE = "model.safetensors"
FLAVOR = "grucast"


def save_model(forecaster: GRUForecaster, path: str | Path, mlflow_model: "Model | None" = None, **about: Any) -> None:
    """Write a fitted forecaster as a folder that MLflow loads.

    Args:
        forecaster: What `fit` or `grucast.load` gave.
        path: The folder, which must be empty or not there yet.
        mlflow_model: What MLflow knows of the model so far; nothing when None.
        **about: Members of MLflow's model, such as signature and metadata.

    Raises:
        NotFittedError: The forecaster has no trained model.

    >>> from tempfile import mkdtemp
    >>> import grucast.mlflow
    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> forecaster = GRUForecaster(24, 48, training=TrainingConfig(max_steps=1)).fit(example().tail(500))
    >>> folder = mkdtemp()
    >>> grucast.mlflow.save_model(forecaster, folder)
    >>> grucast.mlflow.load_model(folder).predict(example().tail(500)).columns[:3]
    ['unique_id', 'ds', 'GRU']
    """
    folder, model = Path(path), mlflow_model or Model()
    folder.mkdir(parents=True, exist_ok=True)
    forecaster.save(folder / FILE)
    for name, value in ({"signature": signature(forecaster)} | about).items():
        setattr(model, name, value)
    model.add_flavor(FLAVOR, grucast_version=version("grucast"), data=FILE)
    pyfunc.add_to_model(model, loader_module="grucast.mlflow", data=FILE, python_env="python_env.yaml")
    requirements = [f"grucast=={version('grucast')}"]
    _PythonEnv(dependencies=requirements).to_yaml(folder / "python_env.yaml")
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n")
    model.save(folder / MLMODEL_FILE_NAME)


def signature(forecaster: GRUForecaster) -> ModelSignature:
    """That a caller may name the levels of the intervals; frames of any columns go in, as `predict` takes them."""
    level = ParamSpec("level", DataType.double, list(forecaster.model_.level), shape=(-1,))
    return ModelSignature(params=ParamSchema([level]))


def log_model(forecaster: GRUForecaster, name: str, **options: Any) -> ModelInfo:
    """Log a fitted forecaster in the active run of MLflow, or register it with `registered_model_name`.

    >>> "log_model" in __all__  # it needs a tracking server or a folder: see MLFLOW_TRACKING_URI
    True
    """
    return Model.log(None, sys.modules[__name__], name=name, forecaster=forecaster, **options)


def log_progress(every: int = 10) -> Callback:
    """Log training as it goes, as metrics of the active run of MLflow: what `fit` takes as progress.

    The metrics are `loss`, each time `every` more steps are done and at the last, and `validation_loss`, when measured.

    Args:
        every: Steps from one training loss to the next; each costs a call of the tracking server.

    Raises:
        ConfigError: `every` is less than 1.

    >>> log_progress(every=0)
    Traceback (most recent call last):
    grucast.errors.ConfigError: every must be at least 1, not 0
    """
    return report_losses(log_metrics, every)


def load_model(model_uri: str | Path) -> GRUForecaster:
    """Load a forecaster that was saved or logged; nothing in it is executed.

    Args:
        model_uri: A folder, or an address of MLflow: models:/demand/3, runs:/<run>/model ...

    Raises:
        ModelFileError: Its file is damaged, foreign or of a newer version.

    >>> load_model.__module__
    'grucast.mlflow'
    """
    return load(Path(download(artifact_uri=str(model_uri)), FILE))


class Pyfunc:
    """A forecaster as MLflow's pyfunc calls it."""

    def __init__(self, forecaster: GRUForecaster) -> None:
        self.forecaster = forecaster

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """The forecast of a frame of histories; of `params` there is level, as `GRUForecaster.predict` takes it."""
        level = (params or {}).get("level")
        return self.forecaster.predict(model_input, level=None if level is None else tuple(level))


def _load_pyfunc(path: str) -> Pyfunc:
    """What `mlflow.pyfunc.load_model` calls with the file."""
    return Pyfunc(load(path))
