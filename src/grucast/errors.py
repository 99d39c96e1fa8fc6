"""Every exception that grucast raises, and the six warnings.

GrucastError                exit code 1: it failed while running
├── InputError              exit code 2: bad usage or bad data (also ValueError)
│   ├── ConfigError         an argument or a setting has no meaning
│   ├── DataError           a file, column, series or row is not as it must be
│   │   ├── TimeStampError  a series has a time stamp twice, or one on a day that its step does not have
│   │   ├── SequenceError   the number of an update is not larger than the last
│   │   └── UnknownSeriesError  no observation of a series came yet
│   ├── ShapeError          an array has the wrong rank or size
│   ├── ModelFileError      a model file is damaged, foreign or from another version
│   └── CheckpointError     a checkpoint is damaged, or belongs to another run
├── MismatchError           another program computes something else with the same weights
├── MissingExtraError       an optional dependency is not installed (also ImportError)
├── NotFittedError          predict before fit (also AttributeError: hasattr says no)
├── StoreError              the database of a stream does not answer, or refuses
│   └── StoreFullError      it holds as many series as it takes
├── TrainingError           training ended without a usable model
└── ExportError             an exported model forecasts something else than the one it comes from

TrainingInterrupted         exit code 130: Ctrl-C while training (a KeyboardInterrupt, not a GrucastError)

NoNativeWarning             the native kernels are not there; results are the same, only slower
HorizonWarning              a forecast goes on beyond the horizon that the model was trained for
DataWarning                 data can be used, and something about them may be wrong
ClusterWarning              a cluster has no room for work now, which waits
CheckpointWarning           something in the folder of checkpoints is in the way; training goes on
UnknownCategoryWarning      a covariate holds a category that training did not see
"""

import re
from typing import Any

# Control characters, marks without width (but the joiners of scripts), marks of direction, halves of pairs, tags.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
LONGEST_MESSAGE = 2000  # characters of a message


def plain(text: object) -> str:
    r"""Text from outside in one line: what steers a terminal, hides or turns letters around, as Python escapes it.

    >>> plain("a\x1b[31m\nb\u202ec")
    'a\\x1b[31m\\nb\\u202ec'
    """
    return UNSEEN.sub(lambda found: ascii(found[0])[1:-1], str(text))


def shortened(text: str) -> str:
    """Text of at most LONGEST_MESSAGE characters, without its middle where there are more: advice stands at the end."""
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 500]} ... {text[5 - 500 :]}"


class OneLine(Exception):
    """A message in one line of a bounded length, whatever names and values it holds."""

    def __str__(self) -> str:
        return plain(shortened(super().__str__()))


class GrucastError(OneLine):
    """Base of all errors; `exit_code` is what the command line answers."""

    exit_code = 1


class MismatchError(GrucastError):
    """Another program computes something else with the same weights."""


class MissingExtraError(GrucastError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs {package}, which is not installed: pip install 'grucast[{extra}]'")


class NotFittedError(GrucastError, AttributeError):
    """The estimator has not been fitted yet."""


class StoreError(GrucastError):
    """The database of a stream does not answer, or refuses; nothing was written."""


class StoreFullError(StoreError):
    """A store holds as many series as it takes."""


class WorkerLostError(GrucastError):
    """A process or machine that did a part of the work is gone."""


class TrainingError(GrucastError):
    """Training ended without a usable model."""


class ExportError(GrucastError):
    """An exported model forecasts something else than the one it comes from, or cannot be written."""


class InputError(GrucastError, ValueError):
    """What came in cannot be used."""

    exit_code = 2


class ConfigError(InputError):
    """An argument or a setting has no meaning."""


class DataError(InputError):
    """A file, column, series or row is not as it must be."""


class TimeStampError(DataError):
    """A series has a time stamp twice, or one on a day that its step does not have."""


class SequenceError(DataError):
    """The number of an update is older than the last of its series, or came before with another row."""


class UnknownSeriesError(DataError):
    """A series of which no observation came yet."""


class ShapeError(InputError):
    """An array has the wrong rank or size."""


class ModelFileError(InputError):
    """A model file is damaged, foreign or from another version."""


class CheckpointError(InputError):
    """A checkpoint is damaged, or belongs to another run."""


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C while training, once the estimator holds the best model so far.

    Attributes:
        history: Training loss of each step until then.
        model: The best model so far.
    """

    def __init__(self, history: list[float]) -> None:
        super().__init__(f"interrupted after step {len(history)}")
        self.history = history
        self.model: Any = None


class NoNativeWarning(UserWarning):
    """The native kernels are not there; results are the same, only slower."""


class HorizonWarning(OneLine, UserWarning):
    """A forecast goes on beyond the horizon that the model was trained for, from its own medians."""


class DataWarning(OneLine, UserWarning):
    """Data can be used, and something about them may be wrong."""


class ClusterWarning(OneLine, UserWarning):
    """A cluster has no room for work now, which waits."""


class CheckpointWarning(OneLine, UserWarning):
    """Something in the folder of checkpoints is in the way; training goes on."""


class UnknownCategoryWarning(OneLine, UserWarning):
    """A covariate holds a category that training did not see."""
