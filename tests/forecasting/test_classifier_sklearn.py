"""GRUClassifier in scikit-learn's hands: its checks of estimators, and its tools around one."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

from grucast import GRUClassifier, NetworkConfig, TrainingConfig
from tests.forecasting import test_regressor_sklearn
from tests.forecasting.test_regressor_sklearn import to_steps

EXPECTED_FAILURES = {
    "check_dtype_object": "what is not a number is a DataError, a ValueError, not a TypeError",
    "check_estimators_empty_data_messages": "the message shows the shape (N, T, F), three numbers instead of two",
    "check_estimators_unfitted": "predict raises grucast.errors.NotFittedError, which knows nothing of scikit-learn's",
    "check_supervised_y_2d": "labels (N, 1) are refused, not taken with a warning",
}


class OneStep(GRUClassifier):
    """Takes rows (N, F), which are all that the checks have, as sequences (N, 1, F)."""

    def fit(self, X, y):
        return super().fit(to_steps(X), y)

    def predict_proba(self, X):
        return super().predict_proba(to_steps(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", ".*does not inherit from `sklearn", UserWarning)  # scikit-learn is no dependency
    every_check = parametrize_with_checks(
        [OneStep(NetworkConfig(16), TrainingConfig(max_steps=60, learning_rate=0.05))],
        expected_failed_checks=lambda _: EXPECTED_FAILURES,
    )


@every_check
def test_sklearns_checks_pass_but_for_those_that_are_named(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or one check would be skipped
    check(estimator)


def test_the_page_lists_the_checks_that_fail():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "move-weights.md").read_text()
    listed = dict(re.findall(r"^\| `(check_\w+)` \| (.+) \|$", page, re.M))
    assert listed == EXPECTED_FAILURES | test_regressor_sklearn.EXPECTED_FAILURES


@pytest.fixture
def data(rng):
    x = rng.normal(size=(60, 5, 2))
    return x, np.where(x[:, -1, 0] > 0, "up", "down")


@pytest.fixture
def classifier():
    return GRUClassifier(NetworkConfig(hidden_size=4), TrainingConfig(max_steps=3))


def test_tags_say_a_classifier_of_sequences():
    tags = get_tags(GRUClassifier())
    assert tags.estimator_type == "classifier"
    assert (tags.input_tags.two_d_array, tags.input_tags.three_d_array) == (False, True)
    assert tags.target_tags.required
    assert tags.classifier_tags.multi_class


def test_check_is_fitted_knows_when_it_is(data, classifier):
    with pytest.raises(NotFittedError):
        check_is_fitted(classifier)
    check_is_fitted(classifier.fit(*data))


def test_cross_validation_keeps_the_classes_in_proportion(data, classifier):
    x, y = data
    assert len(cross_val_score(classifier, x, y, cv=3)) == 3
    assert cross_val_predict(classifier, x, y, cv=3, method="predict_proba").shape == (60, 2)


def test_score_is_sklearns_accuracy(data, classifier):
    x, y = data
    assert classifier.fit(x, y).score(x, y) == accuracy_score(y, classifier.predict(x))


def test_grid_search_finds_the_settings_that_train_best(data, classifier):
    grid = {"training__learning_rate": [1e-9, 0.05], "training__max_steps": [60], "class_weight": ["balanced"]}
    search = GridSearchCV(classifier, grid, cv=2, scoring="neg_log_loss").fit(*data)
    assert search.best_params_["training__learning_rate"] == 0.05
    assert search.predict(data[0]).shape == (60,)


def test_probabilities_can_be_calibrated(data, classifier):
    calibrated = CalibratedClassifierCV(classifier, cv=2).fit(*data)
    np.testing.assert_allclose(calibrated.predict_proba(data[0]).sum(1), 1)
