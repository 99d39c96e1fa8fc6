"""One of those who learn from series together: it has some parts of them, and computes a share of each batch."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import encode
from grucast.data.frequency import Frequency
from grucast.data.outline import Outline
from grucast.data.panel import Panel
from grucast.data.windows import Windows, make_windows
from grucast.model.models import ForecastModel
from grucast.training.members import Batch, Members, add_up
from grucast.training.rows import Totals, make_rows, pack, to_batch, unpack
from grucast.training.spool import Spool

Array = NDArray[Any]
Integers = NDArray[np.int64]
Read = Callable[[Any, Frequency | None], Panel]
SETS = ("every", "early", "held")  # all windows, those before the steps held out, those whose future lies in them


class Counts(NamedTuple):
    """What a part has: windows of each set, and series with one."""

    every: int
    early: int
    held: int
    series: int


class Piece(NamedTuple):
    """Windows of one part.

    Attributes:
        part: Its number.
        which: The set that they are of.
        numbers: Their numbers in it.
        first: The first steps that are shown of them, if not all are shown whole.
        slots: Where each is needed: step times size of a batch, plus its row there.
    """

    part: int
    which: str
    numbers: Integers
    first: tuple[Integers, ...]
    slots: Integers


class SliceGradients(NamedTuple):
    """What a share of a batch gives: for each network its slices' losses and gradients, and its generator after it.

    The gradients of the first slices of a batch may be summed already, in their order.
    """

    losses: list[list[float]]
    gradients: list[list[Array]]
    states: list[Any]

    def split(self) -> tuple[Any, list[Array]]:
        """The arrays apart from the rest."""
        counts = [len(own) for own in self.gradients]
        return (self.losses, counts, self.states), [array for own in self.gradients for array in own]

    @classmethod
    def joined(cls, rest: Any, arrays: Sequence[Array]) -> "SliceGradients":
        """What was split."""
        losses, counts, states = rest
        left = iter(arrays)
        return cls(losses, [list(islice(left, count)) for count in counts], states)


class Worker:
    """Parts of the series, and a network that learns.

    Args:
        parts: Where they are, by their numbers.
        read: What reads one, given the frequency if that is known.
        folder: Where to put what steps to come will read.
    """

    def __init__(self, parts: Mapping[int, Any], read: Read, folder: Path | None = None) -> None:
        self._parts, self._read, self._spool = parts, read, Spool(folder)
        self._kept: tuple[int, Any] | None = None
        self._ready: tuple[int, Batch] | None = None

    def close(self) -> None:
        """Give back what is held."""
        self._spool.close()

    def outlines(self, frequency: Frequency | None) -> dict[int, Outline]:
        """The outline of the first part, on the frequency that its series show, or of all others on that given."""
        wanted = {number: part for number, part in self._parts.items() if (number == 0) == (frequency is None)}
        return {number: Outline.of(self._read(part, frequency)) for number, part in wanted.items()}

    def prepare(self, model: ForecastModel, held_out: int) -> dict[int, Counts]:
        """Take the model that is to be trained; how many windows each part has for it."""
        self._model, self._held_out, self._kept = model, held_out, None
        self._members = Members(model.definition, 0, model.members)
        return {number: self._count(number) for number in self._parts}

    def _count(self, number: int) -> Counts:
        sets = self._windows(number)
        every, early, held = (len(sets[name]) for name in SETS)
        return Counts(every, early, held, len(np.unique(sets["every"].series)))

    def _windows(self, number: int) -> dict[str, Windows]:
        """The windows of a part; those of the last one are kept."""
        if self._kept is None or self._kept[0] != number:
            self._kept, model = None, self._model  # two at once would take twice the memory
            panel = self._read(self._parts[number], model.frequency)
            windows = make_windows(panel, encode(panel, model.schema), model.input_size, model.h)
            self._kept = number, dict(zip(SETS, (windows, *windows.split(self._held_out)), strict=True))
        found: dict[str, Windows] = self._kept[1]
        return found

    def rows(self, pieces: Sequence[Piece]) -> list[Array]:
        """Windows as packed rows."""
        return [
            pack(make_rows(self._windows(part)[which], numbers, self._model, *first))
            for part, which, numbers, first, _ in pieces
        ]

    def gather(self, pieces: Sequence[Piece], size: int, shares: Sequence[tuple[int, int]]) -> list[Any]:
        """Windows as packed rows for those who compute them: slots and rows for each, and what their weights need."""
        found = zip(*(self._gather(piece, size, shares) for piece in pieces), strict=True)
        return [tuple(map(np.concatenate, zip(*each, strict=True))) for each in found]

    def _gather(self, piece: Piece, size: int, shares: Sequence[tuple[int, int]]) -> list[tuple[Array, ...]]:
        (packed,), row = self.rows([piece]), piece.slots % size
        own = [(first <= row) & (row < last) for first, last in shares]
        told = piece.slots, packed["mase"][:, 0], packed["percentage"][:, 0], packed["observed"].sum(1)
        return [*((piece.slots[which], packed[which]) for which in own), told]

    def begin(self, size: int, share: tuple[int, int]) -> None:
        """Hear which rows of each batch of what size to compute."""
        self._size, self._share = size, share

    def weigh(self, totals: Sequence[Totals]) -> None:
        """Hear what the weights of each batch to come have in common."""
        self._totals, self._ready = totals, None

    def store(self, slots: Integers, packed: Array) -> None:
        """Keep rows until their step comes."""
        if len(slots):
            first, last = self._share
            self._spool.write(slots // self._size * (last - first) + slots % self._size - first, packed)

    def batch(self, step: int) -> Batch:
        """The own share of a step's batch; it is kept, so that it may be made before it is asked for."""
        if self._ready is None or self._ready[0] != step:
            first, last = self._share
            packed = self._spool.read(step * (last - first), last - first)
            self._ready = step, to_batch(unpack(packed), self._totals[step])
        return self._ready[1]

    def look_ahead(self, step: int) -> None:
        """Make the own share of a batch, if there is such a step and share."""
        if step < len(self._totals) and self._share[0] < self._share[1]:
            self.batch(step)

    def answer(self, step: int, weights: Array, states: Sequence[Any]) -> SliceGradients:
        """The gradients of the own share of a batch, at weights (M, P) and states of the networks' generators."""
        (first, last), members = self._share, self._members
        if first == last:
            return SliceGradients([[] for _ in weights], [[] for _ in weights], [])
        batch = self.batch(step)
        members.weights[:] = weights
        for rng, state in zip(members.rngs, states, strict=True):
            rng.bit_generator.state = state
        found = [members.compute_slices(member, batch, (first, self._size)) for member in range(len(members))]
        return SliceGradients(
            [losses for losses, _ in found],
            [gradients if first else [add_up(gradients)] for _, gradients in found],
            [rng.bit_generator.state for rng in members.rngs],
        )
