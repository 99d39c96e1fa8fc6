"""The settings of an estimator as flat parameters, in the manner of scikit-learn: network__hidden_size."""

from dataclasses import asdict, replace
from typing import Any

from grucast.errors import ConfigError
from grucast.model.config import NetworkConfig, TrainingConfig

DEFAULTS: dict[str, Any] = {"network": NetworkConfig(), "training": TrainingConfig()}  # of the arguments of these names


def to_config(name: str, value: Any, default: Any) -> Any:
    """The settings in an argument, the default ones for None.

    Raises:
        ConfigError: It holds something else.
    """
    if value is not None and not isinstance(value, type(default)):
        raise ConfigError(f"{name} must be a {type(default).__name__} or None, not {value!r}")
    return default if value is None else value


def list_settings(name: str, value: Any, default: Any) -> dict[str, Any]:
    """The settings in an argument by their flat names; none where it holds something else.

    >>> list_settings("network", None, NetworkConfig())["network__hidden_size"]
    64
    """
    if value is not None and not isinstance(value, type(default)):
        return {}
    return {f"{name}__{key}": setting for key, setting in asdict(to_config(name, value, default)).items()}


def change_settings(name: str, value: Any, default: Any, params: dict[str, Any]) -> Any:
    """An argument with those settings changed that are in params under their flat names.

    Raises:
        ConfigError: A setting is out of range.

    >>> change_settings("network", None, NetworkConfig(), {"network__hidden_size": 8, "training__seed": 2}).hidden_size
    8
    """
    settings = {key.partition("__")[2]: setting for key, setting in params.items() if key.startswith(f"{name}__")}
    return replace(to_config(name, value, default), **settings) if settings else value
