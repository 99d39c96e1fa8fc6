"""Search for better settings with Optuna, and say honestly whether they are better: `tune`; needs the extra tune."""

from grucast.errors import MissingExtraError

try:
    import optuna as _optuna  # noqa: F401
except ImportError as error:
    raise MissingExtraError("Optuna", "tune") from error

from grucast.tuning.result import Tuning as Tuning
from grucast.tuning.run import tune as tune

__all__ = ["Tuning", "tune"]
