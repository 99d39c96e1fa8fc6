"""Sequence regression with a GRU, in the manner of scikit-learn."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError, ModelFileError, NotFittedError, ShapeError, TrainingInterrupted
from grucast.forecasting.metrics import r2
from grucast.forecasting.parameters import CONFIGS, change_settings, list_settings, to_config
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

        x = to_sequences(X)
        targets = to_targets(y, x)
        network, training = (to_config(name, getattr(self, name)) for name in CONFIGS)
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
            name, wanted = type(self).__name__, model.features
            raise ShapeError(f"X has {x.shape[2]} features, but {name} is expecting {wanted} features as input")
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments and, when deep, each setting in them under names such as network__hidden_size."""
        params = {name: getattr(self, name) for name in CONFIGS}
        settings = [list_settings(name, value) for name, value in params.items()] if deep else []
        return params | {name: value for each in settings for name, value in each.items()}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments, or settings in them under names such as network__hidden_size.

        Raises:
            ConfigError: There is no such argument or setting, or its value has no meaning. Then nothing has changed.

        >>> from grucast import GRURegressor
        >>> GRURegressor().set_params(network__hidden_size=8).network.hidden_size
        8
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                raise ConfigError(f"GRURegressor has no parameter {name!r}; it has: {', '.join(known)}")
        values = {name: params.get(name, getattr(self, name)) for name in CONFIGS}
        vars(self).update({name: change_settings(name, value, params) for name, value in values.items()})
        return self

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_params(deep=False).items())
        return f"{type(self).__name__}({arguments})"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags  # type: ignore[import-untyped]

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    @property
    def n_features_in_(self) -> int:
        """Features F of the sequences in fit.

        Raises:
            NotFittedError: Call fit first.
        """
        return self.model_.features

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
    """An array of finite real numbers."""
    if hasattr(array, "toarray"):
        raise DataError(f"{name} is a sparse {type(array).__name__}: give a dense array, as toarray() makes")
    try:
        values = np.asarray(array)
        values = values if np.iscomplexobj(values) else values.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{name} holds something that is not a number: {error!s:.200}") from error
    if np.iscomplexobj(values):
        raise DataError(f"{name} holds complex numbers. Complex data not supported: give real ones")
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        place = f"{name}{list(where)} is {values[where]} ({len(bad)} such values)"
        raise DataError(f"{place}: give finite numbers, not NaN or inf")
    return values


def to_sequences(array: Any) -> Array:
    """Finite sequences (N, T, F), none of the three zero."""
    x = to_finite(array, "X")
    if x.ndim != 3 or not x.size:
        raise ShapeError(
            f"X has shape {x.shape}: give sequences (N, T, F). Reshape your data, for example (N, T) with X[..., None]"
        )
    return x


def to_targets(array: Any, x: Array) -> Array:
    """Finite targets (N, O) or (N,) of sequences x."""
    if array is None:
        raise DataError("GRURegressor requires y to be passed, but the target y is None")
    y = to_finite(array, "y")
    if y.ndim not in (1, 2) or len(y) != len(x) or not y.size:
        raise ShapeError(f"y has shape {y.shape}: give (N, O) or (N,) with N = {len(x)} as in X {x.shape}")
    return y
