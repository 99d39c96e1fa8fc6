"""Sequence regression with a GRU, in the manner of scikit-learn."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError, ModelFileError, NotFittedError, ShapeError, TrainingInterrupted
from grucast.forecasting.metrics import r2
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.file import load_model, save_model
from grucast.model.models import RegressionModel

Array = NDArray[Any]


class GRURegressor:
    """Maps sequences to vectors with a GRU and a linear layer upon its final state.

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

    def __init__(self, network: NetworkConfig | None = None, training: TrainingConfig | None = None) -> None:
        self.network = network
        self.training = training

    def fit(self, X: Any, y: Any, callback: Any = None) -> Self:
        """Train on sequences X (N, T, F) and their targets y (N, O) or (N,).

        Args:
            X: Sequences of equal length.
            y: Targets.
            callback: Called with a Progress after each step.

        Raises:
            ShapeError: An array has the wrong rank, or X and y differ in N.
            DataError: A value is NaN or infinite.
            TrainingInterrupted: Ctrl-C; the best weights so far are there, so `predict` works.
        """
        start = time.perf_counter()
        from grucast.training.regression import train_regressor

        x, targets = to_sequences(X), to_finite(y, "y")
        if targets.ndim not in (1, 2) or len(targets) != len(x) or not targets.size:
            raise ShapeError(f"y has shape {targets.shape}: give (N, O) or (N,) with N = {len(x)} as in X {x.shape}")
        network, training = self.network or NetworkConfig(), self.training or TrainingConfig()
        if training.ensemble > 1:
            raise ConfigError(f"GRURegressor trains one network, not an ensemble of {training.ensemble}")
        flat = targets.ndim == 1
        self._model: RegressionModel
        try:
            model, history = train_regressor(x, targets.reshape(len(x), -1), network, training, callback, start)
        except TrainingInterrupted as interrupt:
            self._model, self.history_ = replace(interrupt.model, flat=flat, training=training), interrupt.history
            raise
        self._model, self.history_ = replace(model, flat=flat, training=training), history
        return self

    def predict(self, X: Any) -> NDArray[np.float32]:
        """Predict targets (N, O), or (N,) when y was, for sequences X (N, T, F).

        Raises:
            NotFittedError: Call fit first.
            ShapeError: X has another rank or number of features than in fit.
            DataError: A value is NaN or infinite.
        """
        model = self.model_
        x = to_sequences(X)
        if x.shape[2] != model.features:
            raise ShapeError(f"X has {x.shape[2]} features, the model was trained on {model.features}")
        result = model.predict(x)
        return result[:, 0] if model.flat else result

    def score(self, X: Any, y: Any) -> float:
        """Coefficient of determination R2 = 1 - SSE / SST, the mean over outputs; 1 is perfect."""
        predicted = self.predict(X)
        actual = to_finite(y, "y")
        if actual.shape != predicted.shape:
            raise ShapeError(f"y has shape {actual.shape}, the prediction {predicted.shape}")
        return r2(actual, predicted)

    def save(self, path: str | Path) -> None:
        """Write the trained model to one safetensors file; it holds no data.

        Raises:
            NotFittedError: Call fit first.
        """
        save_model(self.model_, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a regressor from a model file; this executes nothing and needs no torch.

        Raises:
            ModelFileError: The file is no grucast regressor, is damaged, or needs a newer grucast.
        """
        model = load_model(path)
        if not isinstance(model, RegressionModel):
            raise ModelFileError(f"{path} holds a forecaster, not a regressor: load it with grucast.load")
        regressor = cls(model.network, model.training)
        regressor._model = model
        return regressor

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """The constructor's arguments, as scikit-learn's clone wants them."""
        return {"network": self.network, "training": self.training}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments.

        Raises:
            ConfigError: There is no such argument.
        """
        for name, value in params.items():
            if name not in self.get_params():
                raise ConfigError(f"GRURegressor has no parameter {name!r}; it has: {', '.join(self.get_params())}")
            setattr(self, name, value)
        return self

    @property
    def model_(self) -> RegressionModel:
        """The trained model.

        Raises:
            NotFittedError: Call fit first.
        """
        try:
            return self._model
        except AttributeError as error:
            raise NotFittedError("this GRURegressor is not fitted yet: call fit(X, y) first") from error


def to_finite(array: Any, name: str) -> Array:
    """An array of finite numbers."""
    try:
        values = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} holds something that is not a number: {error}") from error
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        raise DataError(f"{name}{list(where)} is {values[where]} ({len(bad)} such values): give finite numbers")
    return values


def to_sequences(array: Any) -> Array:
    """Finite sequences (N, T, F), none of the three zero."""
    x = to_finite(array, "X")
    if x.ndim != 3 or not x.size:
        raise ShapeError(f"X has shape {x.shape}: give sequences (N, T, F), as X[..., None] makes of (N, T)")
    return x
