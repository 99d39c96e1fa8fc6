import pytest
from tests.model.make_golden import series

from grucast import Covariates, GRUForecaster, GRURegressor, NetworkConfig, TrainingConfig
from grucast.data.frequency import Frequency
from grucast.model.models import ForecastModel
from grucast.model.shapes import shapes_of

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
