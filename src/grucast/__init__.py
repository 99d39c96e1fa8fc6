"""Forecast with GRUs at the speed of your CPU."""

from typing import TYPE_CHECKING, Any

from grucast.data.covariates import Covariates as Covariates
from grucast.data.sources import read as read
from grucast.forecasting.forecaster import GRUForecaster as GRUForecaster
from grucast.forecasting.loading import load as load
from grucast.model.config import NetworkConfig as NetworkConfig
from grucast.model.config import TrainingConfig as TrainingConfig

if TYPE_CHECKING:
    __version__: str
    from grucast.comparison import compare as compare
    from grucast.data.checks.examine import check as check
    from grucast.forecasting.classifier import GRUClassifier as GRUClassifier
    from grucast.forecasting.one_call import forecast as forecast
    from grucast.forecasting.regressor import GRURegressor as GRURegressor

__all__ = [
    "Covariates",
    "GRUClassifier",
    "GRUForecaster",
    "GRURegressor",
    "NetworkConfig",
    "TrainingConfig",
    "check",
    "compare",
    "forecast",
    "load",
    "read",
]


LATER = dict.fromkeys(("GRUClassifier", "GRURegressor", "forecast"), "grucast.forecasting")
LATER["compare"] = "grucast.comparison"
LATER["check"] = "grucast.data.checks.examine"


def __getattr__(name: str) -> Any:
    """Import what a stream does not need when it is first used, and look up the version."""
    if name == "__version__":
        from importlib.metadata import version

        return version("grucast")
    if name in LATER:
        from importlib import import_module

        return getattr(import_module(LATER[name]), name)
    raise AttributeError(f"module 'grucast' has no attribute {name!r}")
