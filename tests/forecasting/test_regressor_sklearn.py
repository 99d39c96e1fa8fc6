"""GRURegressor in scikit-learn's hands: its checks of estimators, and its tools around one."""

import warnings

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from grucast import GRURegressor, NetworkConfig, TrainingConfig

EXPECTED_FAILURES = {
    "check_dtype_object": "what is not a number is a DataError, a ValueError, not a TypeError",
    "check_estimators_empty_data_messages": "the message shows the shape (N, T, F), three numbers instead of two",
    "check_estimators_unfitted": "predict raises grucast.errors.NotFittedError, which knows nothing of scikit-learn's",
    "check_regressor_multioutput": "predictions are float32, as the network computes them",
}


class OneStep(GRURegressor):
    """Takes rows (N, F), which are all that the checks have, as sequences (N, 1, F)."""

    def fit(self, X, y):
        return super().fit(to_steps(X), y)

    def predict(self, X):
        return super().predict(to_steps(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def to_steps(rows):
    if hasattr(rows, "toarray"):  # sparse: GRURegressor's to refuse
        return rows
    array = np.asarray(rows)
    return array[:, None] if array.ndim == 2 else array


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*does not inherit from `sklearn", UserWarning)  # scikit-learn is no dependency
    every_check = parametrize_with_checks(
        [OneStep(training=TrainingConfig(max_steps=30, learning_rate=0.05))],
        expected_failed_checks=lambda _: EXPECTED_FAILURES,
    )


@every_check
def test_sklearns_checks_pass_but_for_those_that_are_named(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or one check would be skipped
    check(estimator)


@pytest.fixture
def data(rng):
    x = rng.normal(size=(40, 5, 2))
    return x, x.sum((1, 2))


@pytest.fixture
def regressor():
    return GRURegressor(NetworkConfig(hidden_size=4), TrainingConfig(max_steps=3))


def test_tags_say_a_regressor_of_sequences():
    tags = get_tags(GRURegressor())
    assert tags.estimator_type == "regressor"
    assert (tags.input_tags.two_d_array, tags.input_tags.three_d_array) == (False, True)
    assert tags.target_tags.required
    assert tags.target_tags.multi_output


def test_check_is_fitted_knows_when_it_is(data, regressor):
    with pytest.raises(NotFittedError):
        check_is_fitted(regressor)
    check_is_fitted(regressor.fit(*data))


def test_cross_validation_fits_a_clone_on_each_fold(data, regressor):
    x, y = data
    scores = cross_val_score(regressor, x, y, cv=2)
    halves = [slice(20), slice(20, None)]
    by_hand = [regressor.fit(x[train], y[train]).score(x[test], y[test]) for test, train in (halves, halves[::-1])]
    assert scores == pytest.approx(by_hand)
    assert cross_val_predict(regressor, x, y, cv=2).shape == y.shape


def test_grid_search_finds_the_settings_that_train_best(data, regressor):
    grid = {"network__hidden_size": [2, 3], "training__learning_rate": [1e-9, 0.05], "training__max_steps": [40]}
    search = GridSearchCV(regressor, grid, cv=2).fit(*data)
    assert search.best_params_["training__learning_rate"] == 0.05
    assert search.best_estimator_.model_.network.hidden_size == search.best_params_["network__hidden_size"]
    assert search.predict(data[0]).shape == (40,)


def test_grid_search_takes_whole_configurations(data, regressor):
    grid = {"network": [NetworkConfig(hidden_size=2), NetworkConfig(hidden_size=3)]}
    search = GridSearchCV(regressor, grid, cv=2).fit(*data)
    assert search.best_estimator_.network in grid["network"]


def test_pipeline_scales_rows_and_makes_sequences_of_them(data, regressor):
    x, y = data
    sequences = FunctionTransformer(np.reshape, kw_args={"shape": (-1, 5, 2)})
    pipeline = make_pipeline(StandardScaler(), sequences, regressor).fit(x.reshape(40, 10), y)
    scaled = StandardScaler().fit_transform(x.reshape(40, 10)).reshape(40, 5, 2)
    assert regressor.fit(scaled, y).predict(scaled) == pytest.approx(pipeline.predict(x.reshape(40, 10)))
    assert pipeline.set_params(gruregressor__network__hidden_size=2)[-1].network.hidden_size == 2


def test_targets_are_brought_to_a_scale_and_back(data, regressor):
    x, y = data
    around = TransformedTargetRegressor(regressor, transformer=StandardScaler()).fit(x, 1000 * y + 5)
    plain = regressor.fit(x, (y - y.mean()) / y.std())
    assert around.predict(x) == pytest.approx(plain.predict(x) * 1000 * y.std() + 1000 * y.mean() + 5, rel=1e-4)
