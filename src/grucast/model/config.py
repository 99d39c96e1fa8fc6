"""The settings of a network and of its training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from grucast.errors import ConfigError

Schedule = Literal["one_cycle", "constant"]


def require(holds: bool, message: str) -> None:
    """Raise ConfigError unless a setting makes sense."""
    if not holds:
        raise ConfigError(message)


def is_number(value: object, kind: Any = int | float) -> bool:
    """Whether it is a number; True and False are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def require_count(name: str, value: Any, highest: int) -> None:
    """Refuse what is not a whole number from 1 to `highest`."""
    whole = is_number(value, int) and 1 <= value <= highest
    require(whole, f"{name} must be a whole number from 1 to {highest}, not {value!r}")


def require_fraction(name: str, value: Any) -> None:
    """Refuse what is not a number from 0 up to, but not, 1."""
    fraction = is_number(value) and 0 <= value < 1
    require(fraction, f"{name} must be a number from 0 up to, but not, 1, not {value!r}")


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Shape of the network.

    Attributes:
        hidden_size: Width H of the GRU's state.
        num_layers: GRU layers, one upon the other.
        dropout: Probability of dropping an output between layers.
        bidirectional: Read each window in both directions; the two final states are joined.
        reset_after: Reset gate after the recurrent product, as torch and cuDNN; False is the published GRU.
        head_size: Width of the forecaster's hidden layer between state and forecast.
        head_dropout: Probability of dropping a unit of that layer.
        patch_size: Steps of a window that the forecaster's GRU reads at once, side by side; chosen from the season when
            None. Source: Nie et al. 2023, arXiv:2211.14730.

    Raises:
        ConfigError: A value is out of range.

    >>> from grucast import NetworkConfig
    >>> NetworkConfig(hidden_size=32).num_layers
    1
    """

    hidden_size: int = 64
    num_layers: int = 1
    dropout: float = 0.0
    bidirectional: bool = False
    reset_after: bool = True
    head_size: int = 128
    head_dropout: float = 0.2
    patch_size: int | None = None

    def __post_init__(self) -> None:
        require_count("hidden_size", self.hidden_size, 4096)
        require_count("num_layers", self.num_layers, 16)
        require_count("head_size", self.head_size, 65536)
        if self.patch_size is not None:
            require_count("patch_size", self.patch_size, 10**6)
        require_fraction("dropout", self.dropout)
        require_fraction("head_dropout", self.head_dropout)
        for name in ("bidirectional", "reset_after"):
            require(isinstance(getattr(self, name), bool), f"{name} must be True or False")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a network is trained, with AdamW; only the forecaster uses weight decay.

    Attributes:
        max_steps: Gradient steps; None lets the estimator choose.
        max_time: Seconds after which `fit` ends, reading the data included; None for no limit.
        batch_size: Windows or sequences a step; all of them, in their order, when there are no more. None lets the
            estimator choose.
        learning_rate: Adam's step size, the highest one of the schedule.
        schedule: `one_cycle` warms up and anneals to zero; `constant` stays.
        gradient_clip: Largest norm of the gradient; None for no clipping.
        patience: Evaluations without improvement before a forecaster stops; there are 20 in `max_steps`.
        ensemble: Networks of a forecaster, trained side by side; their forecasts are averaged.
        seed: Seed of weights, batches and dropout.

    Raises:
        ConfigError: A value is out of range.

    >>> from grucast import TrainingConfig
    >>> TrainingConfig(max_steps=100).seed
    1
    """

    max_steps: int | None = None
    max_time: float | None = None
    batch_size: int | None = None
    learning_rate: float = 4e-3
    schedule: Schedule = "one_cycle"
    gradient_clip: float | None = 1.0
    patience: int = 8
    ensemble: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        if self.max_steps is not None:
            require_count("max_steps", self.max_steps, 10**9)
        if self.batch_size is not None:
            require_count("batch_size", self.batch_size, 10**9)
        require_count("patience", self.patience, 10**9)
        require_count("ensemble", self.ensemble, 64)
        for name in ("max_time", "gradient_clip", "learning_rate"):
            value = getattr(self, name)
            none_allowed = name != "learning_rate" and value is None
            positive = is_number(value) and 0 < value < float("inf")
            require(none_allowed or positive, f"{name} must be a positive number, not {value!r}")
        schedules = get_args(Schedule)
        require(self.schedule in schedules, f"schedule must be one of {schedules}, not {self.schedule!r}")
        seed_is_whole = is_number(self.seed, int) and 0 <= self.seed < 2**63
        require(seed_is_whole, f"seed must be a whole number from 0 to 2**63 - 1, not {self.seed!r}")


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """Where and how often training saves its state.

    Attributes:
        folder: Folder of the checkpoints of this run.
        every: Steps from one to the next.
        resume: Go on from the newest one, if there is any.

    Raises:
        ConfigError: A value is out of range.
    """

    folder: Path
    every: int = 50
    resume: bool = False

    def __post_init__(self) -> None:
        require_count("checkpoint_every", self.every, 10**9)
