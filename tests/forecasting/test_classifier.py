import json

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from grucast import GRUClassifier, NetworkConfig, TrainingConfig
from grucast.errors import ConfigError, DataError, ModelFileError, ShapeError
from grucast.forecasting.classifier import class_weights, feature_scale, hold_out, to_classes
from grucast.forecasting.sequences import to_sequences

NETWORK = NetworkConfig(hidden_size=6)


@pytest.fixture
def data(rng):
    x = rng.normal(size=(60, 6, 2))
    return x, np.where(x[:, -1, 0] > 0, "up", "down")


def fitted(x, y, steps=5, class_weight=None, **training):
    return GRUClassifier(NETWORK, TrainingConfig(max_steps=steps, **training), class_weight).fit(x, y)


def test_it_learns_what_decides_and_probabilities_sum_to_one(rng):
    x = rng.normal(size=(200, 6, 2))
    y = np.where(x[:, -1, 0] > 0, "up", "down")
    classifier = fitted(x[:140], y[:140], 150)
    assert classifier.score(x[140:], y[140:]) >= 0.9
    p = classifier.predict_proba(x)
    assert (p.shape, p.dtype) == ((200, 2), np.float32)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(classifier.predict(x), classifier.classes_[p.argmax(1)])
    assert classifier.score(x, y) == np.mean(classifier.predict(x) == y)


def test_probabilities_of_many_classes_sum_to_one(rng):
    x = rng.normal(size=(300, 4, 2)) * 100
    p = fitted(x, np.arange(300)).predict_proba(x)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)


def test_history_is_the_cross_entropy_of_each_step(data):
    x, y = data
    classifier = fitted(x, y, 9)
    assert len(classifier.history_) == 9
    barely = fitted(x, y, 5, learning_rate=1e-12, batch_size=60)  # the last step is on all, with the first weights
    assert barely.history_[-1] == pytest.approx(log_loss(y, barely.predict_proba(x)), rel=1e-5)


LABELS = {
    "text": ["", "down", "ünïcode ☃"],
    "integers": [-7, 0, 2**62],
    "floats": [1.0, 2.0, 10.0],
    "small integers": np.array([1, 2, 9], np.int8),
    "unsigned": np.array([1, 2, 250], np.uint8),
    "objects": np.array(["a", "b", "c"], object),
    "objects of integers": np.array([3, 20, 100], object),
    "truth values": [False, True],
    "truth values of numpy": np.array([False, True], object),
    "digits": ["1", "10", "2"],
}
WRAPS = {"list": list, "array": np.array, "polars": pl.Series, "objects": lambda y: np.array(y, object)}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize(
    "wrap", [list, np.array, pl.Series, lambda y: np.array(y, object)], ids=["list", "array", "polars", "objects"]
)
def test_labels_of_every_kind_come_back_as_they_were(labels, wrap, rng, tmp_path):
    x, y = rng.normal(size=(60, 4, 1)), [labels[place] for place in rng.integers(len(labels), size=60)]
    classifier = fitted(x, wrap(y), 2)
    classifier.save(tmp_path / "model.safetensors")
    for one in (classifier, GRUClassifier.load(tmp_path / "model.safetensors")):
        assert one.classes_.tolist() == list(labels)
        assert [type(label) for label in one.classes_.tolist()] == [type(np.array(label).item()) for label in labels]
        assert set(one.predict(x).tolist()) <= set(labels)
        assert 0 <= one.score(x, wrap(y)) <= 1


REFUSED = {
    "one class": (["a"] * 4, DataError, "y holds one class alone, .*'a'.*two at least"),
    "none": (None, DataError, "requires y to be passed"),
    "too few": (["a", "b"], ShapeError, r"y has shape \(2,\): give one label for each of the 4"),
    "a column": ([["a"], ["b"], ["a"], ["b"]], ShapeError, r"y has shape \(4, 1\)"),
    "text and numbers": (["a", 1, "a", 1], DataError, "types int, str.*Unknown label type"),
    "text and NaN": (["a", np.nan, "a", "b"], DataError, "types float, str"),
    "text and None": (["a", None, "a", "b"], DataError, "types NoneType, str"),
    "numbers and truth": ([True, 2, True, 2], DataError, "types bool, int"),
    "NaN": ([1.0, np.nan, 1.0, 2.0], DataError, "Unknown label type: continuous"),
    "infinite": ([1.0, np.inf, 1.0, 2.0], DataError, "Unknown label type: continuous"),
    "fractions": ([0.1, 0.2, 0.1, 0.2], DataError, "continuous.*GRURegressor"),
    "bytes": ([b"a", b"b", b"a", b"b"], DataError, "types bytes"),
    "complex": ([1j, 2j, 1j, 2j], DataError, "types complex"),
    "dates": (np.array(["2024-01-01", "2024-01-02"] * 2, "M8[D]"), DataError, "types date"),
    "tuples": (np.array([(1, 2), (1, 3)] * 2, "i,i"), DataError, "types tuple"),
    "huge numbers": ([1, 2**70, 1, 2], DataError, "types int"),
    "beyond 64 bits": (np.array([1, 2**63, 1, 2], np.uint64), ModelFileError, "cannot be written: settings.classes"),
    "half a character": (["\ud800", "b"] * 2, ModelFileError, "cannot be written.*surrogates"),
}


@pytest.mark.parametrize(("y", "error", "wanted"), REFUSED.values(), ids=REFUSED)
def test_labels_that_cannot_be_used_are_refused_before_training(y, error, wanted, rng):
    with pytest.raises(error, match=wanted):
        GRUClassifier(NETWORK).fit(rng.normal(size=(4, 5, 1)), y, callback=pytest.fail)


def test_sequences_that_cannot_be_used_are_refused():
    for x, error in (
        (np.zeros((4, 6)), ShapeError),
        (np.full((4, 6, 1), np.nan), DataError),
        (csr_array((4, 6)), DataError),
    ):
        with pytest.raises(error, match="X"):
            GRUClassifier(NETWORK).fit(x, ["a", "b"] * 2)


def test_more_classes_or_features_than_a_file_holds_are_refused_before_training(rng):
    with pytest.raises(ModelFileError, match="centre must be a list of 1 to 10000"):
        GRUClassifier(NETWORK).fit(rng.normal(size=(4, 1, 10001)), ["a", "b"] * 2, callback=pytest.fail)
    with pytest.raises(ModelFileError, match="classes must be a list of 2 to 10000"):
        GRUClassifier(NETWORK).fit(rng.normal(size=(10001, 1, 1)), np.arange(10001), callback=pytest.fail)


def test_score_refuses_labels_of_another_kind(data):
    x, y = data
    classifier = fitted(x, y)
    with pytest.raises(DataError, match=r"y holds labels such as .*1.*, but the classes are \('down', 'up'\)"):
        classifier.score(x, np.ones(60, int))
    with pytest.raises(ShapeError, match=r"y has shape \(59,\)"):
        classifier.score(x, y[1:])
    assert classifier.score(x, ["elsewhere"] * 60) == 0


def test_features_may_lie_anywhere_on_any_scale(data):
    x, y = data
    apart = x * [1e-9, 1e12] + [0, 1.7e15]
    plain, moved = fitted(x, y, 40), fitted(apart, y, 40)
    np.testing.assert_allclose(moved.predict_proba(apart), plain.predict_proba(x), atol=2e-3)


def test_features_are_scaled_as_by_sklearn_over_the_steps_that_are_there(rng):
    x = [rng.normal(5, 3, size=(length, 2)) for length in (3, 9, 4)]
    centre, scale = feature_scale(to_sequences(x))
    wanted = StandardScaler().fit(np.concatenate(x))
    np.testing.assert_allclose([centre, scale], [wanted.mean_, wanted.scale_])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e12, 1e30, 1e-310])
def test_feature_that_never_changes_is_left_as_it_is(value, data):
    assert feature_scale(to_sequences(np.full((7, 3, 1), value)))[1] == (1.0,)
    x, y = data
    constant = np.concatenate([x, np.full((60, 6, 1), value)], 2)
    assert np.isfinite(fitted(constant, y).predict_proba(constant)).all()


def test_what_is_far_from_all_that_was_seen_still_has_probabilities(data):
    x, y = data
    p = fitted(x, y).predict_proba(1e29 * x)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)


def test_balanced_weights_are_those_of_sklearn(rng):
    y = rng.choice(["a", "b", "c"], 50, p=[0.6, 0.3, 0.1])
    classes, codes = to_classes(y, 50)
    wanted = compute_class_weight("balanced", classes=classes, y=y)
    np.testing.assert_allclose(class_weights("balanced", classes, codes), wanted, rtol=1e-6)


def test_loss_weighs_each_class_as_sklearn_does(data):
    x, y = data
    barely = fitted(x, y, 5, {"up": 3.0}, learning_rate=1e-12, batch_size=60)
    weight = np.where(y == "up", 3.0, 1.0)
    wanted = log_loss(y, barely.predict_proba(x), sample_weight=weight)
    assert barely.history_[-1] == pytest.approx(wanted, rel=1e-5)


def test_rare_class_with_a_large_weight_is_found(rng):
    x = rng.normal(size=(200, 5, 1))
    y = np.where(x[:, -1, 0] + rng.normal(size=200) > 2, "rare", "usual")
    plain, weighted = fitted(x, y, 100), fitted(x, y, 100, {"rare": 30.0})
    assert (weighted.predict(x) == "rare").sum() > 2 * (plain.predict(x) == "rare").sum()


@pytest.mark.parametrize(
    "given",
    [{"left": 1.0}, {"up": 0.0}, {"up": -1}, {"up": np.inf}, {"up": "2"}, {"up": True}, {"up": [1]}, "even", 3, ["up"]],
)
def test_class_weights_that_make_no_sense_are_refused_before_training(given, data):
    with pytest.raises(ConfigError, match="class_weight must be"):
        GRUClassifier(NETWORK, class_weight=given).fit(*data, callback=pytest.fail)


def test_it_reads_in_both_directions_unless_a_network_is_given(data):
    assert GRUClassifier().get_params()["network__bidirectional"]
    assert GRUClassifier().set_params(network__hidden_size=3).network == NetworkConfig(3, bidirectional=True)
    assert GRUClassifier(training=TrainingConfig(max_steps=1)).fit(*data).model_.network.bidirectional
    assert not fitted(*data, 1).model_.network.bidirectional


def test_class_weight_is_a_parameter():
    classifier = GRUClassifier(class_weight="balanced")
    assert classifier.get_params(deep=False)["class_weight"] == "balanced"
    assert classifier.set_params(class_weight={1: 2.0}).class_weight == {1: 2.0}
    assert repr(classifier).endswith("class_weight={1: 2.0})")


def test_held_out_rows_are_a_fifth_of_each_class(rng):
    codes = rng.permutation(np.repeat([0, 1, 2], [50, 30, 20]))
    rows = hold_out(codes, 3, seed=1)
    assert np.bincount(codes[rows]).tolist() == [10, 6, 4]
    _, other = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(codes, codes))
    assert np.bincount(codes[other]).tolist() == [10, 6, 4]
    assert (np.diff(rows) > 0).all()
    assert not np.array_equal(rows, hold_out(codes, 3, seed=2))


def test_few_sequences_are_all_trained_on():
    assert len(hold_out(np.repeat([0, 1], 20), 2, seed=1)) == 0
    assert len(hold_out(np.repeat([0, 1], 25), 2, seed=1)) == 10
    assert len(hold_out(np.arange(100), 100, seed=1)) == 0


def test_file_is_of_format_2_and_holds_no_data(data, tmp_path):
    x, y = data
    fitted(x, y).save(tmp_path / "model.safetensors")
    content = (tmp_path / "model.safetensors").read_bytes()
    text = json.loads(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["grucast"])
    assert (text["format"], text["kind"]) == (2, "classifier")
    assert text["settings"]["classes"] == ["down", "up"]
    np.testing.assert_allclose(text["settings"]["centre"], x.mean((0, 1)))
    np.testing.assert_allclose(text["settings"]["scale"], x.std((0, 1)))
