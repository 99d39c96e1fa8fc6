import pytest

from grucast import NetworkConfig, TrainingConfig
from grucast.errors import ConfigError
from grucast.forecasting.parameters import change_settings, list_settings, to_config


def test_none_stands_for_the_default_settings():
    assert to_config("training", None) == TrainingConfig()
    assert list_settings("training", None) == list_settings("training", TrainingConfig())


@pytest.mark.parametrize(("name", "config"), [("network", NetworkConfig(3)), ("training", TrainingConfig(7, seed=2))])
def test_listed_settings_make_the_same_configuration(name, config):
    settings = list_settings(name, config)
    assert all(key.startswith(f"{name}__") for key in settings)
    assert change_settings(name, None, settings) == config


def test_only_settings_of_the_argument_change_it():
    config = NetworkConfig(hidden_size=3)
    assert change_settings("network", config, {"training__seed": 2, "network": None}) is config
    assert change_settings("network", config, {"network__num_layers": 2}) == NetworkConfig(hidden_size=3, num_layers=2)


def test_what_is_no_configuration_has_no_settings_and_is_refused():
    assert list_settings("network", TrainingConfig()) == {}
    with pytest.raises(ConfigError, match="network must be a NetworkConfig or None, not 64"):
        to_config("network", 64)
    with pytest.raises(ConfigError, match="training must be a TrainingConfig or None"):
        change_settings("training", 64, {"training__seed": 2})
    with pytest.raises(ConfigError, match="num_layers must be a whole number"):
        change_settings("network", None, {"network__num_layers": 0})
