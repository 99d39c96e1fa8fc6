from dataclasses import replace

import pytest

from grucast import GRUForecaster, GRURegressor, NetworkConfig
from grucast.data.frequency import Frequency
from grucast.errors import ModelFileError
from grucast.model.limits import require_affordable
from grucast.model.models import ForecastModel

NETWORK = NetworkConfig(hidden_size=4, head_size=2)
BUDGET = ForecastModel(1, 48, (24,), (), Frequency("integer", 1), False, (), NETWORK, {})


@pytest.mark.parametrize(
    "settings",
    [
        {"input_size": 10**6},
        {"input_size": 100_000, "network": NetworkConfig(hidden_size=1, num_layers=16, bidirectional=True)},
        {"input_size": 20_000, "network": NetworkConfig(hidden_size=64, num_layers=2), "members": 64},
        {"network": NetworkConfig(hidden_size=4096, num_layers=16)},
        {"h": 10**6, "level": (80,) * 500},
    ],
)
def test_model_that_a_small_file_describes_and_nothing_can_run_is_refused(settings):
    with pytest.raises(ValueError, match=r"numbers for a window|more than 268,435,456 weights"):
        require_affordable(replace(BUDGET, **settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"input_size": 100_000},
        {"input_size": 10_080, "network": NetworkConfig(256, num_layers=2, bidirectional=True), "members": 10},
        {"input_size": 10_080, "network": NetworkConfig(2048, num_layers=2, bidirectional=True)},
    ],
)
def test_large_model_that_can_be_trained_is_within_the_bounds(settings):
    require_affordable(replace(BUDGET, **settings))


def test_what_could_not_be_saved_is_refused_before_training(hourly, rng, monkeypatch):
    monkeypatch.setattr("grucast.model.limits.WINDOW", 10)
    monkeypatch.setattr("grucast.model.limits.WEIGHTS", 100)
    steps = []
    with pytest.raises(ModelFileError, match=r"this model cannot be written: .* weights"):
        GRUForecaster(6, 48, 24).fit(hourly, progress=steps.append)
    with pytest.raises(ModelFileError, match=r"this model cannot be written: .* weights"):
        GRURegressor().fit(rng.normal(size=(4, 5, 2)), rng.normal(size=4), callback=steps.append)
    assert steps == []
