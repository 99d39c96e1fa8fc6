import pytest

from grucast import NetworkConfig, TrainingConfig
from grucast.errors import ConfigError


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden_size": 0},
        {"hidden_size": 5000},
        {"hidden_size": 8.0},
        {"hidden_size": True},
        {"num_layers": 17},
        {"dropout": 1.0},
        {"dropout": "some"},
        {"dropout": False},
        {"head_dropout": -0.1},
        {"bidirectional": 1},
        {"reset_after": None},
    ],
)
def test_network_setting_out_of_range_is_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        NetworkConfig(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_steps": 0},
        {"max_time": -1.0},
        {"max_time": float("nan")},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": None},
        {"learning_rate": True},
        {"gradient_clip": 0},
        {"schedule": "cosine"},
        {"patience": 0},
        {"ensemble": 0},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": True},
    ],
)
def test_training_setting_out_of_range_is_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrainingConfig(**wrong)


def test_configs_cannot_be_changed():
    with pytest.raises(AttributeError):
        NetworkConfig().hidden_size = 3
