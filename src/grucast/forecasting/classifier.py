"""Sequence classification with a GRU, in the manner of scikit-learn."""

import time
from collections.abc import Mapping
from reprlib import repr as brief
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError, ShapeError
from grucast.forecasting.estimator import SequenceEstimator
from grucast.forecasting.parameters import DEFAULTS
from grucast.forecasting.sequences import Array, to_sequences, valid_steps
from grucast.model.config import NetworkConfig, TrainingConfig, is_number
from grucast.model.models import ClassificationModel
from grucast.model.network import Sequences

HELD_OUT = 0.2  # of the sequences of each class, to stop early
FEWEST = 10  # sequences worth holding out
NUMBER = int | float | np.integer | np.floating


class GRUClassifier(SequenceEstimator[ClassificationModel]):
    """Tells the class of sequences with a GRU and a linear layer on its final and its largest states.

    Each feature is brought to mean 0 and deviation 1. A fifth of each class is held out first, to find the weights
    that generalise best; from these it goes on with all sequences.

    Args:
        network: Shape of the network, 64 units in both directions when None; `head_size` and `head_dropout` have no
            part in it.
        training: How it is trained; 500 steps when `max_steps` is None.
        class_weight: What an error counts, {label: weight}, or "balanced" for weights inverse to the classes'
            frequencies; 1 each when None.

    Attributes:
        classes_: The labels, ascending, once fitted.
        history_: Cross-entropy of each training step, once fitted.

    Source: Cho et al. 2014, arXiv:1406.1078.

    >>> import numpy as np
    >>> from grucast import GRUClassifier, NetworkConfig, TrainingConfig
    >>> X = np.random.default_rng(0).normal(size=(64, 10, 1))
    >>> y = np.where(X[:, -1, 0] > 0, "up", "down")
    >>> classifier = GRUClassifier(NetworkConfig(hidden_size=8), TrainingConfig(max_steps=50)).fit(X, y)
    >>> classifier.predict_proba(X).shape
    (64, 2)
    """

    model_class = ClassificationModel
    defaults: ClassVar[dict[str, Any]] = DEFAULTS | {"network": NetworkConfig(bidirectional=True)}
    arguments: ClassVar[tuple[str, ...]] = (*DEFAULTS, "class_weight")

    def __init__(
        self,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
    ) -> None:
        super().__init__(network, training)
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, callback: Any = None) -> Self:
        """Train on sequences and their classes.

        Args:
            X: Sequences (N, T, F), or a list of arrays (T, F) of unequal lengths.
            y: Labels (N,): text, whole numbers or truth values.
            callback: Called with a Progress after each step.

        Raises:
            ShapeError: X or y has the wrong rank, or they differ in N.
            DataError: A value is NaN or infinite, or there is one class alone.
            ConfigError: class_weight names other classes than y.
            TrainingInterrupted: Ctrl-C; the best weights so far are there, so `predict` works.
        """
        start = time.perf_counter()
        from grucast.training.sequences import Examples

        sequences = to_sequences(X)
        classes, codes = to_classes(y, len(sequences.x))
        network, training = self._settings()
        weight = class_weights(self.class_weight, classes, codes)[codes]
        model = ClassificationModel(*feature_scale(sequences), tuple(classes.tolist()), network, {})
        examples = Examples(model.standardise(sequences), codes, weight)
        held_out = hold_out(codes, len(classes), training.seed)
        return self._train(model, examples, training, held_out, callback, start)

    def predict(self, X: Any) -> Array:
        """The most probable class of each sequence, (N,).

        Raises:
            NotFittedError: Call fit first.
            ShapeError: X has another rank or number of features than in fit.
            DataError: A value is NaN or infinite.
        """
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """The probability of each class in the order of `classes_`, (N, C).

        Raises:
            NotFittedError, ShapeError, DataError: As in `predict`.
        """
        return self.model_.probabilities(self._sequences(X))

    def score(self, X: Any, y: Any) -> float:
        """Accuracy: the share of sequences whose class is told right."""
        predicted = self.predict(X)
        actual = to_labels(y, len(predicted))
        if (actual.dtype.kind == "U") != (predicted.dtype.kind == "U"):
            raise DataError(f"y holds labels such as {actual[0]!r}, but the classes are {brief(self.model_.classes)}")
        return float(np.mean(predicted == actual))

    @property
    def classes_(self) -> Array:
        """The labels, ascending.

        Raises:
            NotFittedError: Call fit first.
        """
        return np.array(self.model_.classes)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags  # type: ignore[import-untyped]

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )


def to_labels(y: Any, rows: int) -> Array:
    """Labels (N,) of one kind: text, whole numbers or truth values."""
    if y is None:
        raise DataError("GRUClassifier requires y to be passed, but the target y is None")
    labels = np.asarray(y, object if isinstance(y, list | tuple) else None)
    if labels.shape != (rows,):
        raise ShapeError(f"y has shape {labels.shape}: give one label for each of the {rows} sequences, ({rows},)")
    if labels.dtype.kind not in "biufU":
        labels = np.array(labels.tolist() if is_uniform(labels.tolist()) else [None])
    if labels.dtype.kind not in "biufU":
        names = ", ".join(sorted({type(label).__name__ for label in np.asarray(y, object).tolist()}))
        raise DataError(
            f"y holds labels of the types {names}. Unknown label type: give text alone, or whole numbers alone"
        )
    if labels.dtype.kind == "f" and not (np.isfinite(labels) & (labels == np.round(labels))).all():
        raise DataError(
            "y is not whole. Unknown label type: continuous; for numbers, and not classes, use GRURegressor"
        )
    return labels


def is_uniform(labels: list[Any]) -> bool:
    """Whether all are text, all truth values or all numbers."""
    kinds = (str, bool | np.bool_, NUMBER)
    found = {next((place for place, kind in enumerate(kinds) if isinstance(label, kind)), None) for label in labels}
    return len(found) == 1 and None not in found


def to_classes(y: Any, rows: int) -> tuple[Array, NDArray[np.int64]]:
    """The labels in ascending order, and each row's place among them."""
    classes, codes = np.unique(to_labels(y, rows), return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"y holds one class alone, {classes.tolist()[0]!r}: a classifier needs two at least")
    return classes, codes


def class_weights(given: Any, classes: Array, codes: NDArray[np.int64]) -> NDArray[np.float32]:
    """What an error counts in each class, (C,)."""
    if given is None:
        return np.ones(len(classes), np.float32)
    if isinstance(given, str) and given == "balanced":
        return (len(codes) / (len(classes) * np.bincount(codes))).astype(np.float32)
    labels = classes.tolist()
    if not isinstance(given, Mapping) or set(given) - set(labels):
        wanted = f'None, "balanced" or weights by label, of {brief(labels)}'
        raise ConfigError(f"class_weight must be {wanted}, not {brief(given)}")
    weights = [given.get(label, 1) for label in labels]
    if not all(is_number(weight, NUMBER) and 1e-30 <= weight <= 1e30 for weight in weights):
        raise ConfigError(f"class_weight must be positive numbers from 1e-30 to 1e30, not {brief(given)}")
    return np.array(weights, np.float32)


def feature_scale(sequences: Sequences) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each feature, (F,); 1 where it never changes."""
    steps = sequences.x[valid_steps(sequences)]
    centre, scale = steps.mean(0), steps.std(0)
    changes = scale > np.maximum(1e-9 * np.abs(centre), 1e-300)
    return tuple(centre.tolist()), tuple(np.where(changes, scale, 1.0).tolist())


def hold_out(codes: NDArray[np.int64], classes: int, seed: int) -> NDArray[np.int64]:
    """Rows of each class in proportion, ascending; none where they would be too few to tell anything."""
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(codes == code)) for code in range(classes)]
    rows = np.sort(np.concatenate([own[: int(HELD_OUT * len(own))] for own in chosen]))
    return rows if len(rows) >= FEWEST else rows[:0]
