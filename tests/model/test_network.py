import numpy as np
import pytest
from tests.model.make_golden import series
from tests.model.test_bits import windows_and_model

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
from grucast.data.encoding import encode, fit_schema
from grucast.data.frequency import Frequency
from grucast.data.panel import make_panel
from grucast.data.windows import last_windows
from grucast.model.models import ForecastModel
from grucast.model.network import Inputs, SequenceNetwork
from grucast.model.outputs.means import Means
from grucast.model.values import Values
from grucast.training.members import Members

DECLARED = {
    "none": Covariates(),
    "past": Covariates(past=("temp", "sky")),
    "future text": Covariates(future=("offer",)),
    "static": Covariates(static=("size", "region")),
    "all": Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region")),
}


class Sized(Values):
    """Weights of any size, which learn theirs from what they meet."""

    def __init__(self, config):
        super().__init__({}, config)
        self.shapes = {}

    def run(self, x, layer, lengths):  # noqa: ARG002
        size = self.config.hidden_size
        self.shapes[f"gru.weight_ih_l{layer}"] = (3 * size, x.shape[2])
        one = np.zeros((*x.shape[:2], size), np.float32), np.zeros((len(x), size), np.float32)
        return [one] * (1 + self.config.bidirectional)

    def linear(self, x, name):
        sizes = {"hidden": 5, "out": 2 * 3, "step_state": 3, "step": 3, "step_out": 3}
        self.shapes[f"{name}.weight"] = (sizes[name], x.shape[-1])
        return np.zeros((*x.shape[:-1], sizes[name]), np.float32)

    def embed(self, codes, table):
        return np.zeros((*codes.shape, self.tables[table]), np.float32)

    def head(self, network, *rest):
        return network.head(self, *rest)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("declared", DECLARED)
def test_parameters_have_the_sizes_that_the_computation_asks_for(declared, bidirectional):
    config = NetworkConfig(hidden_size=3, head_size=5, num_layers=2, bidirectional=bidirectional)
    panel = make_panel(series(), covariates=DECLARED[declared])
    schema = fit_schema(panel, DECLARED[declared], ("day", "week"))
    model = ForecastModel(2, 24, (12, 24), (80.0,), panel.frequency, False, (1.0,), config, {}, schema)
    listed = {p.name: p.shape for p in model.definition.parameters()}
    o = Sized(config)
    o.tables = {int(name.split(".")[1]): shape[1] for name, shape in listed.items() if name.startswith("embed")}
    windows = last_windows(panel, encode(panel, schema), 24, 2, drop=2)
    model.definition(o, Inputs.of(model.features(windows.take(np.arange(2)))))
    assert o.shapes == {name: listed[name] for name in o.shapes}
    assert {name for name in listed if name.endswith("weight") and not name.startswith(("gru", "embed"))} == {
        name for name in o.shapes if not name.startswith("gru")
    }


def test_integers_without_covariates_have_no_step_network():
    model = ForecastModel(1, 2, (1,), (), Frequency("integer", 1), True, (), NetworkConfig(), {})
    assert not any(parameter.name.startswith("step") for parameter in model.definition.parameters())


def test_untrained_forecast_is_the_mean_continuation(rng):
    windows, model = windows_and_model(rng, 5, 6, NetworkConfig(4, head_size=3))
    features = model.features(windows.take(np.arange(5)))
    forecast = Members(model.definition, 1).predict(Inputs.of(features))
    np.testing.assert_allclose(forecast[..., 2], features.continuations.mean(1), rtol=1e-6)


def test_every_step_of_the_forecast_feels_every_step_of_the_history(rng):
    windows, model = windows_and_model(rng, 1, 6, NetworkConfig(4, head_size=3))
    features = model.features(windows.take(np.arange(1)))
    slow = model.weights | {"gru.bias_ih_l0": np.full(12, 4, np.float32)}  # an update gate that forgets little
    o, before = Values(slow, model.network), Inputs.of(features)
    whole = model.definition(o, before)
    for step in range(0, 48, 7):
        changed = before.steps.copy()
        changed[:, step] += 9
        assert (model.definition(o, before._replace(steps=changed)) != whole).all()


def test_parameters_of_a_sequence_network_are_those_of_the_textbook():
    names = [p.name for p in SequenceNetwork(NetworkConfig(32), 1, Means(1)).parameters()]
    layer = [f"gru.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    assert names == [*layer, "fc.weight", "fc.bias"]


def test_trained_weights_have_the_listed_names_and_shapes(hourly):
    forecaster = GRUForecaster(
        6, 48, 24, network=NetworkConfig(4, head_size=8), training=TrainingConfig(max_steps=2, ensemble=2)
    )
    model = forecaster.fit(hourly).model_
    listed = {p.name: p.shape for p in model.definition.parameters()}
    for own in model.each_weights:
        assert {name: array.shape for name, array in own.items()} == listed
