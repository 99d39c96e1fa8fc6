"""Sequence classification with a GRU, in the manner of scikit-learn."""

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError, ShapeError
from grucast.forecasting.estimator import SequenceEstimator
from grucast.forecasting.regressor import valid_steps
from grucast.forecasting.sequences import Array, to_sequences
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.models import ClassificationModel
from grucast.model.network import Sequences

HELD_OUT = 0.2  # of the sequences of each class, to stop early
FEWEST = 10  # sequences worth holding out


class GRUClassifier(SequenceEstimator[ClassificationModel]):
    """Tells the class of sequences with a GRU and a linear layer on its final state.

    Each feature is brought to mean 0 and deviation 1. A fifth of each class is held out first, to find the weights
    that generalise best; from these it goes on with all sequences.

    Args:
        network: Shape of the network; `head_size` and `head_dropout` have no part in it.
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
    arguments: ClassVar[tuple[str, ...]] = ("network", "training", "class_weight")

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
        centre, scale = feature_scale(sequences)
        x = sequences._replace(x=((sequences.x - centre) / scale).astype(np.float32))
        model = ClassificationModel(x.x.shape[2], tuple(classes.tolist()), network, {})
        held_out = hold_out(codes, len(classes), training.seed)
        return self._train(model, Examples(x, codes, weight, centre, scale), training, held_out, callback, start)

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
        predicted, actual = self.predict(X), np.asarray(y)
        if actual.shape != predicted.shape:
            raise ShapeError(f"y has shape {actual.shape}, the prediction {predicted.shape}")
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


def to_classes(y: Any, rows: int) -> tuple[Array, NDArray[np.int64]]:
    """The labels in ascending order, and each row's place among them."""
    if y is None:
        raise DataError("GRUClassifier requires y to be passed, but the target y is None")
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise ShapeError(f"y has shape {labels.shape}: give one label for each of the {rows} sequences, ({rows},)")
    if labels.dtype == object:
        kinds = {type(label) for label in labels.tolist()}
        if not kinds <= {str, np.str_}:
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise DataError(f"y holds labels of the types {names}: give text alone, or numbers alone")
        labels = labels.astype(str)
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.round(labels)).all()):
        raise DataError(
            "y holds numbers that are not whole. Unknown label type: continuous; for these use GRURegressor"
        )
    if labels.dtype.kind not in "biufU":
        raise DataError(f"y holds {labels.dtype}. Unknown label type: give text, whole numbers or truth values")
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"y holds one class alone, {classes[0]!r}: a classifier needs two at least")
    return classes, codes


def class_weights(given: Any, classes: Array, codes: NDArray[np.int64]) -> NDArray[np.float32]:
    """What an error counts in each class, (C,)."""
    if given is None:
        return np.ones(len(classes), np.float32)
    if isinstance(given, str) and given == "balanced":
        return (len(codes) / (len(classes) * np.bincount(codes))).astype(np.float32)
    labels = classes.tolist()
    if not isinstance(given, Mapping) or set(given) - set(labels):
        raise ConfigError(f'class_weight must be None, "balanced" or weights by label, of {labels}, not {given!r}')
    weights = np.array([given.get(label, 1.0) for label in labels], np.float64)
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise ConfigError(f"class_weight must be positive numbers, not {given!r}")
    return weights.astype(np.float32)


def feature_scale(sequences: Sequences) -> tuple[Array, Array]:
    """Mean and deviation of each feature, (F,); 1 where it never changes."""
    steps = sequences.x[valid_steps(sequences)]
    centre, scale = steps.mean(0), steps.std(0)
    return centre, np.where(scale > 1e-9 * np.abs(centre), scale, 1.0)


def hold_out(codes: NDArray[np.int64], classes: int, seed: int) -> NDArray[np.int64]:
    """Rows of each class in proportion, ascending; none where they would be too few to tell anything."""
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(codes == code)) for code in range(classes)]
    rows = np.sort(np.concatenate([own[: int(HELD_OUT * len(own))] for own in chosen]))
    return rows if len(rows) >= FEWEST else rows[:0]
