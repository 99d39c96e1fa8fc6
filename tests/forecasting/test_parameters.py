import pytest

from grucast import NetworkConfig, TrainingConfig
from grucast.errors import ConfigError
from grucast.forecasting.parameters import DEFAULTS, change_settings, list_settings, to_config

NETWORK, TRAINING = DEFAULTS.values()


@pytest.mark.parametrize("default", [NETWORK, TRAINING, NetworkConfig(7)])
def test_none_stands_for_the_default_settings(default):
    assert to_config("argument", None, default) == default
    assert list_settings("argument", None, default) == list_settings("argument", default, default)


@pytest.mark.parametrize(("name", "config"), [("network", NetworkConfig(3)), ("training", TrainingConfig(7, seed=2))])
def test_listed_settings_make_the_same_configuration(name, config):
    settings = list_settings(name, config, DEFAULTS[name])
    assert all(key.startswith(f"{name}__") for key in settings)
    assert change_settings(name, None, DEFAULTS[name], settings) == config


def test_only_settings_of_the_argument_change_it():
    config = NetworkConfig(hidden_size=3)
    assert change_settings("network", config, NETWORK, {"training__seed": 2, "network": None}) is config
    changed = change_settings("network", config, NETWORK, {"network__num_layers": 2})
    assert changed == NetworkConfig(hidden_size=3, num_layers=2)


def test_what_is_no_configuration_has_no_settings_and_is_refused():
    assert list_settings("network", TrainingConfig(), NETWORK) == {}
    with pytest.raises(ConfigError, match="network must be a NetworkConfig or None, not 64"):
        to_config("network", 64, NETWORK)
    with pytest.raises(ConfigError, match="training must be a TrainingConfig or None"):
        change_settings("training", 64, TRAINING, {"training__seed": 2})
    with pytest.raises(ConfigError, match="num_layers must be a whole number"):
        change_settings("network", None, NETWORK, {"network__num_layers": 0})
