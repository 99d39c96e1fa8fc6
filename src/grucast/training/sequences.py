"""Training a network on sequences, each with a target."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from grucast.model.config import TrainingConfig
from grucast.model.file import describe
from grucast.model.models import ClassificationModel, RegressionModel
from grucast.model.network import Sequences
from grucast.model.outputs import Array
from grucast.training.loop import Phase, keeping, train
from grucast.training.members import Batch, Members
from grucast.training.progress import Callback
from grucast.training.state import State

STEPS = 500
BATCH_SIZE = 64
HELD_OUT_SHARE, LAST_RATE = 0.6, 0.5  # of the steps without the rows held out, and of the rate after them

Rows = NDArray[np.int64]
Trained = TypeVar("Trained", RegressionModel, ClassificationModel)


@dataclass(frozen=True)
class Examples:
    """N sequences and what they are to give.

    Attributes:
        sequences: x (N, T, F) in single precision, and the lengths where they differ.
        target: The truth, with N rows.
        weight: What each target counts.
    """

    sequences: Sequences
    target: Array
    weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.target)

    def take(self, rows: Rows | slice) -> Batch:
        """The chosen rows as a batch, as long as its longest sequence."""
        x, lengths = self.sequences
        weight = self.weight[rows]
        if lengths is not None:
            lengths = lengths[rows]
            x = x[:, : lengths.max()]
        target, weight = (each[:, : x.shape[1]] if each.ndim == 3 else each for each in (self.target[rows], weight))
        return Batch(Sequences(np.ascontiguousarray(x[rows]), lengths), target, weight / weight.sum())

    def draw(self, rows: Rows, size: int) -> Callable[[np.random.Generator], Batch]:
        """What draws batches of those rows; all of them, in their order, where there are no more than `size`."""
        if len(rows) <= size:
            whole = self.take(rows)
            return lambda _: whole
        return lambda rng: self.take(rows[rng.integers(len(rows), size=size)])


def train_sequences(
    model: Trained,
    examples: Examples,
    training: TrainingConfig,
    held_out: Rows | None = None,
    callback: Callback | None = None,
    start: float | None = None,
) -> tuple[Trained, list[float]]:
    """Train the network that an untrained model describes; returns it with weights, and each step's loss.

    Where rows are held out, it is first trained without them, which choose the best weights, and then on all.
    """
    describe(replace(model, training=training))  # refuses before the work what could not be saved after it
    members, state = Members(model.definition, training.seed), State.of(training.seed)
    phases = make_phases(examples, training, held_out)

    def trained() -> Trained:
        return replace(model, weights=members.tensors(), training=training)

    with keeping(trained):
        history = train(members, training, phases, state, callback, start)
    return trained(), history


def make_phases(examples: Examples, training: TrainingConfig, held_out: Rows | None) -> list[Phase]:
    """What is done in turn."""
    every, steps, size = np.arange(len(examples)), training.max_steps or STEPS, training.batch_size or BATCH_SIZE
    everything = examples.draw(every, size)
    if held_out is None or not len(held_out):
        return [Phase(steps, everything)]
    first = int(np.ceil(HELD_OUT_SHARE * steps))
    shown = examples.draw(np.delete(every, held_out), size)
    return [Phase(first, shown, held=examples.take(held_out)), Phase(steps - first, everything, LAST_RATE)]
