import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.metrics import r2_score

from grucast import GRURegressor, NetworkConfig, TrainingConfig
from grucast.errors import ConfigError, DataError, ModelFileError, NotFittedError, ShapeError

NETWORK = NetworkConfig(hidden_size=8)


@pytest.fixture
def data(rng):
    x = rng.normal(size=(60, 6, 2))
    return x, x.sum(1)


@pytest.fixture
def regressor(data):
    return GRURegressor(NETWORK, TrainingConfig(max_steps=10)).fit(*data)


def test_shapes_are_those_of_the_targets(data, regressor):
    x, y = data
    assert regressor.predict(x).shape == (60, 2)
    flat = GRURegressor(NETWORK, TrainingConfig(max_steps=2)).fit(x, y[:, 0])
    assert flat.predict(x).shape == (60,)


def test_default_training_learns_a_sum(data):
    x, y = data
    assert GRURegressor(NetworkConfig(hidden_size=16)).fit(x, y).score(x, y) > 0.95


def test_history_is_the_loss_of_each_step(regressor):
    assert len(regressor.history_) == 10
    assert regressor.history_[-1] < regressor.history_[0]


def test_score_is_sklearns_r2(data, regressor):
    x, y = data
    assert regressor.score(x, y) == pytest.approx(r2_score(y, regressor.predict(x)), rel=1e-6)


def test_only_a_fitted_one_has_a_model_and_a_number_of_features(regressor):
    assert regressor.n_features_in_ == 2
    assert not hasattr(GRURegressor(), "n_features_in_")
    assert not hasattr(GRURegressor(), "model_")


def test_sklearn_clones_it_unfitted(regressor):
    twin = clone(regressor)
    assert twin.get_params() == regressor.get_params()
    with pytest.raises(NotFittedError):
        twin.predict(np.zeros((1, 6, 2)))


def test_parameters_can_be_set(regressor):
    assert regressor.set_params(network=None).network is None
    with pytest.raises(ConfigError, match="no parameter 'depth'"):
        regressor.set_params(depth=2)


def test_settings_can_be_set_by_flat_names(regressor):
    params = regressor.get_params()
    assert params["network__hidden_size"] == 8
    assert params["training__max_steps"] == 10
    changed = GRURegressor().set_params(network__hidden_size=3, training=TrainingConfig(seed=7), training__max_steps=2)
    assert changed.network == NetworkConfig(hidden_size=3)
    assert changed.training == TrainingConfig(seed=7, max_steps=2)


def test_parameters_that_are_refused_change_nothing(regressor):
    before = regressor.get_params()
    with pytest.raises(ConfigError, match="no parameter 'network__depth'"):
        regressor.set_params(network__hidden_size=3, network__depth=2)
    with pytest.raises(ConfigError, match="num_layers must be a whole number"):
        regressor.set_params(network=None, network__num_layers=0)
    assert regressor.get_params() == before


def test_arguments_of_another_class_are_refused_by_fit(data):
    with pytest.raises(ConfigError, match="network must be a NetworkConfig or None, not 64"):
        GRURegressor(network=64).fit(*data)
    with pytest.raises(ConfigError, match="training must be a TrainingConfig or None"):
        GRURegressor(NETWORK, training=NETWORK).fit(*data)


def test_repr_is_the_call_that_makes_it():
    regressor = GRURegressor(NETWORK)
    assert eval(repr(regressor)).get_params() == regressor.get_params()


def test_sequences_of_another_length_can_be_predicted(regressor):
    assert regressor.predict(np.zeros((3, 11, 2))).shape == (3, 2)


@pytest.mark.parametrize(
    ("x", "y", "error", "wanted"),
    [
        (np.zeros((5, 6)), np.zeros(5), ShapeError, r"X has shape \(5, 6\)"),
        (np.zeros((0, 6, 1)), np.zeros(0), ShapeError, r"X has shape \(0, 6, 1\)"),
        (np.zeros((5, 0, 1)), np.zeros(5), ShapeError, "X has shape"),
        (np.zeros((5, 6, 1)), np.zeros(4), ShapeError, r"y has shape \(4,\).*N = 5"),
        (np.zeros((5, 6, 1)), np.zeros((5, 1, 1)), ShapeError, "y has shape"),
        (np.full((5, 6, 1), np.nan), np.zeros(5), DataError, r"X\[0, 0, 0\] is nan"),
        (np.zeros((5, 6, 1)), np.array([0, 0, np.inf, 0, 0]), DataError, r"y\[2\] is inf"),
        ([["a"]], np.zeros(1), DataError, "X holds something that is not a number"),
        ([[[10**400]]], np.zeros(1), DataError, "X holds something that is not a number"),
        (np.zeros((1, 1, 1)), [10**400], DataError, "y holds something that is not a number"),
        ([[["x" * 10**6]]], np.zeros(1), DataError, "X holds something that is not a number: .{1,200}$"),
        ([[[1.0], [2.0, 3.0]]], np.zeros(1), DataError, "X holds something that is not a number"),
        (np.zeros((5, 6, 1), complex), np.zeros(5), DataError, "X holds complex numbers"),
        (csr_array((5, 6)), np.zeros(5), DataError, r"X is a sparse csr_array.*toarray\(\)"),
        (np.zeros((5, 6, 1)), None, DataError, "requires y to be passed"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(x, y, error, wanted):
    with pytest.raises(error, match=wanted):
        GRURegressor(NETWORK).fit(x, y)


def test_other_number_of_features_is_refused(regressor):
    with pytest.raises(ShapeError, match="3 features, but GRURegressor is expecting 2 features"):
        regressor.predict(np.zeros((1, 6, 3)))


def test_score_refuses_targets_of_another_shape(data, regressor):
    with pytest.raises(ShapeError, match="the prediction"):
        regressor.score(data[0], data[1][:, :1])


def test_interrupted_regressor_can_predict_and_a_failing_callback_changes_nothing(rng):
    x = rng.normal(size=(20, 5, 1))

    def stop(error):
        raise error

    regressor = GRURegressor(NetworkConfig(hidden_size=3), TrainingConfig(max_steps=5))
    with pytest.raises(RuntimeError):
        regressor.fit(x, x[:, -1], lambda _: stop(RuntimeError("mine")))
    assert not hasattr(regressor, "history_")
    with pytest.raises(KeyboardInterrupt):
        regressor.fit(x, x[:, -1, 0], lambda _: stop(KeyboardInterrupt()))
    assert regressor.predict(x).shape == (20,)
    with pytest.raises(RuntimeError):
        regressor.fit(x, x[:, -1], lambda _: stop(RuntimeError("mine")))
    assert regressor.predict(x).shape == (20,)


def test_loaded_regressor_predicts_the_same(data, regressor, tmp_path):
    x, y = data
    for number, fitted in enumerate((regressor, GRURegressor(NETWORK, regressor.training).fit(x, y[:, 0]))):
        fitted.save(tmp_path / f"{number}.safetensors")
        loaded = GRURegressor.load(tmp_path / f"{number}.safetensors")
        np.testing.assert_array_equal(loaded.predict(x), fitted.predict(x))
        assert loaded.get_params() == fitted.get_params()


def test_forecaster_is_no_regressor(fitted, tmp_path):
    fitted.save(tmp_path / "f.safetensors")
    with pytest.raises(ModelFileError, match=r"grucast\.load"):
        GRURegressor.load(tmp_path / "f.safetensors")


def test_ensemble_is_refused(rng):
    with pytest.raises(ConfigError, match="not an ensemble of 2"):
        GRURegressor(training=TrainingConfig(ensemble=2)).fit(rng.normal(size=(4, 5, 1)), np.ones(4))
