"""The user's verbs: fit, predict, score, backtest."""

from typing import TYPE_CHECKING, Any

from grucast.forecasting import metrics as metrics
from grucast.forecasting.backtest import backtest as backtest

if TYPE_CHECKING:
    from grucast.forecasting.classifier import GRUClassifier as GRUClassifier
    from grucast.forecasting.forecaster import GRUForecaster as GRUForecaster
    from grucast.forecasting.leakage import leakage_check as leakage_check
    from grucast.forecasting.loading import load as load
    from grucast.forecasting.one_call import forecast as forecast
    from grucast.forecasting.regressor import GRURegressor as GRURegressor

__all__ = ["GRUClassifier", "GRUForecaster", "GRURegressor", "backtest", "forecast", "leakage_check", "load", "metrics"]

LATER = {
    "GRUClassifier": "classifier",
    "GRUForecaster": "forecaster",
    "GRURegressor": "regressor",
    "forecast": "one_call",
    "leakage_check": "leakage",
    "load": "loading",
}


def __getattr__(name: str) -> Any:
    """Import what few need when it is first used."""
    if name in LATER:
        from importlib import import_module

        return getattr(import_module(f"grucast.forecasting.{LATER[name]}"), name)
    raise AttributeError(f"module 'grucast.forecasting' has no attribute {name!r}")
