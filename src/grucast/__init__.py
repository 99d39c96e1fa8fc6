"""Forecast with GRUs at the speed of your CPU."""

from typing import TYPE_CHECKING, Any

from grucast.data.covariates import Covariates as Covariates
from grucast.data.sources import read as read
from grucast.forecasting.forecaster import GRUForecaster as GRUForecaster
from grucast.forecasting.loading import load as load
from grucast.forecasting.regressor import GRURegressor as GRURegressor
from grucast.model.config import NetworkConfig as NetworkConfig
from grucast.model.config import TrainingConfig as TrainingConfig

if TYPE_CHECKING:
    from grucast.data.checks import check as check

__all__ = [
    "Covariates",
    "GRUForecaster",
    "GRURegressor",
    "NetworkConfig",
    "TrainingConfig",
    "check",
    "load",
    "read",
]


def __getattr__(name: str) -> Any:
    """Import `check` when it is first used: forecasting needs none of it."""
    if name == "check":
        from grucast.data.checks import check

        return check
    raise AttributeError(f"module 'grucast' has no attribute {name!r}")
