"""What estimators of sequences share, in the manner of scikit-learn."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from grucast.errors import ConfigError, ModelFileError, NotFittedError, ShapeError, TrainingInterrupted
from grucast.forecasting.loading import LOADERS
from grucast.forecasting.parameters import DEFAULTS, change_settings, list_settings, to_config
from grucast.forecasting.sequences import to_sequences
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.file import KINDS, load_model, save_model
from grucast.model.models import ClassificationModel, RegressionModel
from grucast.model.network import Sequences

if TYPE_CHECKING:
    from grucast.training.sequences import Examples, Rows

M = TypeVar("M", RegressionModel, ClassificationModel)


class SequenceEstimator(Generic[M]):
    """An estimator around a model of sequences."""

    model_class: ClassVar[type[Any]]
    defaults: ClassVar[dict[str, Any]] = DEFAULTS
    arguments: ClassVar[tuple[str, ...]] = tuple(DEFAULTS)

    def __init__(self, network: NetworkConfig | None = None, training: TrainingConfig | None = None) -> None:
        self.network = network
        self.training = training

    def _settings(self) -> tuple[NetworkConfig, TrainingConfig]:
        """Those of network and training."""
        network, training = (to_config(name, getattr(self, name), default) for name, default in self.defaults.items())
        if training.ensemble > 1:
            raise ConfigError(f"{type(self).__name__} trains one network, not an ensemble of {training.ensemble}")
        if network.patch_size is not None:
            name, found = type(self).__name__, network.patch_size
            raise ConfigError(f"{name} reads step by step: leave patch_size out, not {found}")
        return network, training

    def _train(
        self, model: M, examples: "Examples", training: TrainingConfig, held_out: "Rows | None", *rest: Any
    ) -> Self:
        from grucast.training.sequences import train_sequences

        self._model: M
        try:
            self._model, self.history_ = train_sequences(model, examples, training, held_out, *rest)
        except TrainingInterrupted as interrupt:
            self._model, self.history_ = interrupt.model, interrupt.history
            raise
        return self

    def _sequences(self, X: Any) -> Sequences:
        """Sequences of as many features as in fit."""
        wanted, sequences = self.model_.features, to_sequences(X)
        if (found := sequences.x.shape[2]) != wanted:
            name = type(self).__name__
            raise ShapeError(f"X has {found} features, but {name} is expecting {wanted} features as input")
        return sequences

    def save(self, path: str | Path) -> None:
        """Write the trained model to one safetensors file; it holds no data.

        Raises:
            NotFittedError: Call fit first.
        """
        save_model(self.model_, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load an estimator from a model file; this executes nothing.

        Raises:
            ModelFileError: The file holds no model of this kind, is damaged, or needs a newer grucast.
        """
        model = load_model(path)
        if not isinstance(model, cls.model_class):
            found, wanted = KINDS[type(model)], KINDS[cls.model_class]
            raise ModelFileError(f"{path} holds a {found}, not a {wanted}: load it with {LOADERS[found]}")
        estimator = cls(model.network, model.training)
        estimator._model = model
        return estimator

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments and, when deep, each setting in them under names such as network__hidden_size."""
        params = {name: getattr(self, name) for name in self.arguments}
        settings = (
            [list_settings(name, params[name], default) for name, default in self.defaults.items()] if deep else []
        )
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
                raise ConfigError(f"{type(self).__name__} has no parameter {name!r}; it has: {', '.join(known)}")
        values = {name: params.get(name, getattr(self, name)) for name in self.arguments}
        changed = {name: change_settings(name, values[name], own, params) for name, own in self.defaults.items()}
        vars(self).update(values | changed)
        return self

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_params(deep=False).items())
        return f"{type(self).__name__}({arguments})"

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
    def model_(self) -> M:
        """The trained model.

        Raises:
            NotFittedError: Call fit first.
        """
        try:
            return self._model
        except AttributeError as error:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit(X, y) first") from error
