"""What both estimators of sequences share."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone

from grucast import GRUClassifier, GRURegressor, NetworkConfig, TrainingConfig
from grucast.errors import ConfigError, DataError, ModelFileError, NotFittedError, ShapeError

NETWORK = NetworkConfig(hidden_size=4)
BOTH = pytest.mark.parametrize("kind", [GRURegressor, GRUClassifier])


@pytest.fixture
def data(rng):
    x = rng.normal(size=(60, 6, 2))
    return x, (x.sum((1, 2)) > 0).astype(int)


def fitted(kind, data, network=NETWORK, **training):
    return kind(network, TrainingConfig(**{"max_steps": 5} | training)).fit(*data)


def outcome(estimator, x):
    """What it computes, before classes are told from it."""
    return estimator.predict_proba(x) if isinstance(estimator, GRUClassifier) else estimator.predict(x)


@BOTH
@pytest.mark.parametrize("network", [NETWORK, NetworkConfig(4, num_layers=2, bidirectional=True, reset_after=False)])
def test_ragged_sequences_give_the_bits_of_each_alone(kind, network, data, rng):
    x, y = data
    short = [one[: rng.integers(1, 7)] for one in x]
    estimator = fitted(kind, (short, y), network)
    alone = np.concatenate([outcome(estimator, one[None]) for one in short])
    np.testing.assert_array_equal(outcome(estimator, short), alone)
    np.testing.assert_array_equal(outcome(estimator, short[::-1])[::-1], alone)


@BOTH
def test_what_is_listed_is_what_is_an_array(kind, data):
    x, y = data
    array, listed = fitted(kind, data), fitted(kind, (list(x), y.tolist()))
    np.testing.assert_array_equal(outcome(array, x), outcome(listed, list(x)))


@BOTH
def test_what_lies_beyond_the_ends_changes_nothing_in_training(kind, data):
    """Two sequences of which one repeats the other and goes on are not the same."""
    x, y = data
    short = [one[: 3 + place % 3] for place, one in enumerate(x)]
    padded = np.stack([np.pad(one, ((0, 6 - len(one)), (0, 0))) for one in short])
    ragged = fitted(kind, (short, y))
    np.testing.assert_array_equal(outcome(ragged, short), outcome(fitted(kind, ([*short], y)), short))
    assert not np.array_equal(outcome(ragged, short), outcome(fitted(kind, (padded, y)), padded))


@BOTH
def test_fits_in_threads_give_the_bits_of_each_alone(kind, data):
    seeds = range(4)
    alone = [outcome(fitted(kind, data, seed=seed, batch_size=16), data[0]) for seed in seeds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: outcome(fitted(kind, data, seed=seed, batch_size=16), data[0]), seeds))
    np.testing.assert_array_equal(together, alone)


@BOTH
def test_loaded_one_computes_the_same_and_keeps_its_settings(kind, data, tmp_path):
    estimator = fitted(kind, data)
    estimator.save(tmp_path / "model.safetensors")
    loaded = kind.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(outcome(loaded, data[0]), outcome(estimator, data[0]))
    assert loaded.get_params() == estimator.get_params()


def test_file_of_another_kind_names_what_loads_it(data, tmp_path):
    fitted(GRURegressor, data).save(tmp_path / "regressor")
    fitted(GRUClassifier, data).save(tmp_path / "classifier")
    with pytest.raises(ModelFileError, match=r"holds a regressor, not a classifier: load it with GRURegressor\.load"):
        GRUClassifier.load(tmp_path / "regressor")
    with pytest.raises(ModelFileError, match=r"holds a classifier, not a regressor: load it with GRUClassifier\.load"):
        GRURegressor.load(tmp_path / "classifier")


@BOTH
def test_what_is_not_fitted_says_so(kind, tmp_path):
    for use in (lambda: kind().predict(np.zeros((1, 6, 2))), lambda: kind().save(tmp_path / "m")):
        with pytest.raises(NotFittedError, match=rf"this {kind.__name__} is not fitted yet: call fit\(X, y\) first"):
            use()
    assert not hasattr(kind(), "n_features_in_")


@BOTH
def test_number_of_features_is_that_of_fit(kind, data):
    estimator = fitted(kind, data)
    assert estimator.n_features_in_ == 2
    with pytest.raises(ShapeError, match=rf"X has 3 features, but {kind.__name__} is expecting 2"):
        estimator.predict([np.zeros((2, 3)), np.zeros((4, 3))])


@BOTH
def test_sklearn_clones_it_unfitted(kind, data):
    estimator = fitted(kind, data)
    twin = clone(estimator)
    assert twin.get_params() == estimator.get_params()
    assert not hasattr(twin, "model_")


@BOTH
def test_repr_is_the_call_that_makes_it(kind):
    estimator = kind(NETWORK)
    assert eval(repr(estimator)).get_params() == estimator.get_params()


@BOTH
def test_settings_that_make_no_sense_are_refused_before_training(kind, data):
    for settings, wanted in (
        ({"network": 64}, "network must be a NetworkConfig or None, not 64"),
        ({"training": NETWORK}, "training must be a TrainingConfig or None"),
        ({"network": NetworkConfig(patch_size=2)}, f"{kind.__name__} reads step by step: leave patch_size out, not 2"),
        ({"training": TrainingConfig(ensemble=2)}, f"{kind.__name__} trains one network, not an ensemble of 2"),
    ):
        with pytest.raises(ConfigError, match=re.escape(wanted)):
            kind(**settings).fit(*data, callback=pytest.fail)


@BOTH
def test_parameters_that_are_refused_change_nothing(kind):
    estimator = kind(NETWORK)
    before = estimator.get_params()
    with pytest.raises(ConfigError, match="no parameter 'depth'"):
        estimator.set_params(network=None, depth=2)
    assert estimator.get_params() == before


@BOTH
def test_failing_fit_leaves_what_was_there(kind, data):
    def fail(_):
        raise RuntimeError("mine")

    estimator = fitted(kind, data)
    before = outcome(estimator, data[0])
    with pytest.raises(RuntimeError):
        estimator.fit(*data, callback=fail)
    with pytest.raises(DataError):
        estimator.fit(data[0] * np.nan, data[1])
    np.testing.assert_array_equal(outcome(estimator, data[0]), before)


@BOTH
def test_interrupt_keeps_the_model_so_far(kind, data):
    def stop(progress):
        if progress.step == 3:
            raise KeyboardInterrupt

    estimator = kind(NETWORK, TrainingConfig(max_steps=9))
    with pytest.raises(KeyboardInterrupt, match="after step 3"):
        estimator.fit(*data, callback=stop)
    assert len(estimator.history_) == 3
    assert outcome(estimator, data[0]).shape[0] == 60
