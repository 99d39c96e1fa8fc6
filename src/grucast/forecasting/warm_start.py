"""Going on with the training of a model, on other data of the same kind."""

from dataclasses import replace

from grucast.data.fingerprint import trained_on
from grucast.data.panel import Panel
from grucast.errors import ConfigError
from grucast.model.config import TrainingConfig
from grucast.model.models import ForecastModel


def continued(model: ForecastModel, panel: Panel, training: TrainingConfig) -> ForecastModel:
    """The model to train on from its weights: its shape, seasons, scales and categories stay what they are.

    Raises:
        ConfigError: The ensemble has another number of networks.
    """
    if training.ensemble != model.members:
        raise ConfigError(
            f"ensemble={training.ensemble}, but the model to go on from has {model.members} networks: leave ensemble "
            "at that, or train anew without warm_start (--warm-start)"
        )
    positive = model.nonnegative and panel.nonnegative
    return replace(model, nonnegative=positive, training=training, trained_on=trained_on(panel))
