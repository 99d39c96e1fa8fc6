"""Forecast with GRUs at the speed of your CPU."""

from grucast.data.checks import check as check
from grucast.data.covariates import Covariates as Covariates
from grucast.data.sources import read as read
from grucast.forecasting.forecaster import GRUForecaster as GRUForecaster
from grucast.forecasting.loading import load as load
from grucast.forecasting.regressor import GRURegressor as GRURegressor
from grucast.model.config import NetworkConfig as NetworkConfig
from grucast.model.config import TrainingConfig as TrainingConfig

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
