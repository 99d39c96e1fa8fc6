"""The user's verbs: fit, predict, score, backtest."""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grucast.forecasting import metrics as metrics
    from grucast.forecasting.backtest import backtest as backtest
    from grucast.forecasting.classifier import GRUClassifier as GRUClassifier
    from grucast.forecasting.explain import Explanation as Explanation
    from grucast.forecasting.forecaster import GRUForecaster as GRUForecaster
    from grucast.forecasting.leakage import leakage_check as leakage_check
    from grucast.forecasting.loading import load as load
    from grucast.forecasting.one_call import forecast as forecast
    from grucast.forecasting.regressor import GRURegressor as GRURegressor

__all__ = [
    "Explanation",
    "GRUClassifier",
    "GRUForecaster",
    "GRURegressor",
    "backtest",
    "forecast",
    "leakage_check",
    "load",
    "metrics",
]

MODULES = {
    "Explanation": "explain",
    "GRUClassifier": "classifier",
    "GRUForecaster": "forecaster",
    "GRURegressor": "regressor",
    "backtest": "backtest",
    "forecast": "one_call",
    "leakage_check": "leakage",
    "load": "loading",
}


def __getattr__(name: str) -> Any:
    """Import each verb when it is first used."""
    from importlib import import_module

    if name == "metrics":
        return import_module("grucast.forecasting.metrics")
    if name in MODULES:
        return getattr(import_module(f"grucast.forecasting.{MODULES[name]}"), name)
    raise AttributeError(f"module 'grucast.forecasting' has no attribute {name!r}")


class _Verbs(ModuleType):
    """`backtest` stays the function: an import of the module of that name would set itself in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "backtest":
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Verbs
