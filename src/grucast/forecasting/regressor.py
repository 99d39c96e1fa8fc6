"""Sequence regression with a GRU, in the manner of scikit-learn."""

import time
from reprlib import repr as brief
from typing import Any, Self

import numpy as np

from grucast.errors import ShapeError
from grucast.forecasting.estimator import SequenceEstimator
from grucast.forecasting.metrics import r2
from grucast.forecasting.sequences import to_finite, to_sequences, to_targets, valid_steps
from grucast.model.models import RegressionModel


class GRURegressor(SequenceEstimator[RegressionModel]):
    """Maps sequences to vectors with a GRU and a linear layer on its final state, or on its state at each step.

    Args:
        network: Shape of the network; `head_size` and `head_dropout` have no part in it.
        training: How it is trained; 500 steps when `max_steps` is None.

    Attributes:
        history_: Mean squared error of each training step, once fitted.

    Source: Cho et al. 2014, arXiv:1406.1078.

    >>> import numpy as np
    >>> from grucast import GRURegressor, NetworkConfig, TrainingConfig
    >>> X = np.random.default_rng(0).normal(size=(64, 10, 1))
    >>> regressor = GRURegressor(NetworkConfig(hidden_size=8), TrainingConfig(max_steps=5)).fit(X, X[:, -1])
    >>> regressor.predict(X).shape
    (64, 1)
    """

    model_class = RegressionModel

    def fit(self, X: Any, y: Any, callback: Any = None) -> Self:
        """Train on sequences and their targets.

        Args:
            X: Sequences (N, T, F), or a list of arrays (T, F) of unequal lengths.
            y: Targets (N, O) or (N,); or those of each step, (N, T, O) or a list of arrays (T, O).
            callback: Called with a Progress after each step.

        Raises:
            ShapeError: An array has the wrong rank, or X and y differ in N or their steps.
            DataError: A value is NaN or infinite.
            TrainingInterrupted: Ctrl-C; the best weights so far are there, so `predict` works.
        """
        start = time.perf_counter()
        from grucast.training.sequences import Examples

        sequences = to_sequences(X)
        targets = to_targets(y, sequences, type(self).__name__)
        network, training = self._settings()
        flat, per_step = targets.ndim == 1, targets.ndim == 3
        targets = (targets[:, None] if flat else targets).astype(np.float32)
        weight = np.ones_like(targets)
        if per_step:
            weight *= valid_steps(sequences)[..., None]
        x = sequences._replace(x=sequences.x.astype(np.float32))
        model = RegressionModel(x.x.shape[2], targets.shape[-1], network, {}, flat, per_step)
        return self._train(model, Examples(x, targets, weight), training, None, callback, start)

    def predict(self, X: Any) -> Any:
        """Predict targets for sequences X.

        Returns:
            (N, O), or (N,) when y was; (N, T, O) of a target at each step, or a list of (T, O) for unequal lengths.

        Raises:
            NotFittedError: Call fit first.
            ShapeError: X has another rank or number of features than in fit.
            DataError: A value is NaN or infinite.
        """
        model, sequences = self.model_, self._sequences(X)
        result = model.predict(sequences)
        if model.per_step and sequences.lengths is not None:
            return [own[:length] for own, length in zip(result, sequences.lengths, strict=True)]
        return result[:, 0] if model.flat else result

    def score(self, X: Any, y: Any) -> float:
        """Coefficient of determination R2 = 1 - SSE / SST, the mean over outputs; 1 is perfect."""
        predicted = self.predict(X)
        pieces = list(predicted) if self.model_.per_step else [predicted]
        actual = [to_finite(one, "y") for one in (y if self.model_.per_step and np.iterable(y) else [y])]
        found, wanted = ([one.shape for one in each] for each in (actual, pieces))
        if found != wanted:
            raise ShapeError(f"y has shapes {brief(found)}, the prediction {brief(wanted)}")
        return r2(np.concatenate(actual), np.concatenate(pieces))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags  # type: ignore[import-untyped]

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )
