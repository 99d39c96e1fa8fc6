from dataclasses import replace

import pytest
from tests.model.make_golden import series

from grucast import Covariates, GRUForecaster, GRURegressor, NetworkConfig, TrainingConfig
from grucast.data.frequency import Frequency
from grucast.errors import ModelFileError
from grucast.model.models import ForecastModel
from grucast.model.shapes import require_affordable, shapes_of

QUICK = {"max_steps": 1, "batch_size": 2}
DECLARED = {
    "none": Covariates(),
    "past": Covariates(past=("temp", "sky")),
    "future text": Covariates(future=("offer",)),
    "static": Covariates(static=("size", "region")),
    "all": Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region")),
}


def shapes_in(weights):
    return {name: tensor.shape for name, tensor in weights.items()}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("declared", DECLARED)
def test_shapes_are_those_of_the_network_that_torch_trained(declared, bidirectional, members):
    network = NetworkConfig(hidden_size=3, head_size=5, num_layers=2, bidirectional=bidirectional)
    training = TrainingConfig(**QUICK, ensemble=members)
    forecaster = GRUForecaster(2, 24, 24, (80,), covariates=DECLARED[declared], network=network, training=training)
    model = forecaster.fit(series()).model_
    assert dict(shapes_of(model)) == shapes_in(model.weights)


def test_shapes_of_a_regressor_are_those_that_torch_trained(rng):
    network = NetworkConfig(hidden_size=3, num_layers=2, bidirectional=True)
    model = (
        GRURegressor(network, TrainingConfig(**QUICK)).fit(rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 3))).model_
    )
    assert dict(shapes_of(model)) == shapes_in(model.weights)


def test_integers_without_covariates_have_no_step_network():
    model = ForecastModel(1, 2, (1,), (), Frequency("integer", 1), True, (), NetworkConfig(), {})
    assert not any(name.startswith("step") for name, _ in shapes_of(model))


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
    monkeypatch.setattr("grucast.model.shapes.WINDOW", 10)
    monkeypatch.setattr("grucast.model.shapes.WEIGHTS", 100)
    steps = []
    with pytest.raises(ModelFileError, match=r"this model cannot be written: .* weights"):
        GRUForecaster(6, 48, 24).fit(hourly, progress=steps.append)
    with pytest.raises(ModelFileError, match=r"this model cannot be written: .* weights"):
        GRURegressor().fit(rng.normal(size=(4, 5, 2)), rng.normal(size=4), callback=steps.append)
    assert steps == []
