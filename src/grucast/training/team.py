"""Learning from parts of series by workers: the same batches, sampler and loss as from one panel, to the same bits."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from grucast.data.outline import Outline
from grucast.errors import WorkerLostError
from grucast.model.models import ForecastModel
from grucast.training.crew import Crew
from grucast.training.gradients import SLICE
from grucast.training.members import Batch, Members, Network, slices_of
from grucast.training.rows import Totals, numbers_of, to_batch, unpack
from grucast.training.task import Choice
from grucast.training.worker import SETS, Counts, Piece, SliceGradients

Integers = NDArray[np.int64]
Draws = list[tuple[Integers, *tuple[Integers, ...]]]
P = ParamSpec("P")
T = TypeVar("T")
RETRIES = 3  # of what was being done when a worker was lost
ROUND = 600  # steps whose windows are gathered at once
PIECE = 2048  # windows that are gathered at once from one part
CALL = 2**22  # numbers of the windows that a worker is asked for at once, or those of a piece


class Team:
    """Workers, what they prepared, and the windows of the steps to come.

    Where one is lost, all begin anew, wherever there is room for them, and do again what was being done, to the same
    bits.

    Args:
        hire: Makes workers for the parts: worker w of n has each part p with p modulo n = w.
    """

    def __init__(self, hire: Callable[[], Crew]) -> None:
        self._hire, self._crew = hire, hire()
        self._lost = False
        self._learned: tuple[ForecastModel, int] | None = None
        self._size = 0
        self._round: tuple[str, Draws] | None = None

    def close(self) -> None:
        """Send the workers home."""
        self._crew.close()

    def outline(self) -> Outline:
        """All series, on the frequency of the first part.

        Raises:
            DataError: They do not fit it.
        """
        first = self._again(Team._outlines, None)
        found = self._in_order([first, self._again(Team._outlines, first[0].frequency)])
        self.alone = sum(map(len, found)) == 1
        return Outline.joined(found)

    def prepare(self, model: ForecastModel, held_out: int, size: int) -> None:
        """Tell the workers what is learned, and in batches of what size."""
        self._learned, self._size = (model, held_out), size
        self.counts: list[Counts] = self._again(Team._prepare)

    def batch(self, which: str, index: Integers) -> Batch:
        """A batch of windows of a set, their numbers ascending."""
        return self._again(Team._batch, which, index)

    def load(self, which: str, draws: Draws) -> None:
        """Gather the windows of steps to come."""
        self._round = which, draws
        self._again(Team._load)

    def answers(self, step: int, weights: Any, states: Sequence[Any]) -> list[SliceGradients]:
        """What the workers' shares of a step's batch give, in the order of its rows."""
        return self._again(lambda team: team._crew.answers(step, weights, states))

    def _again(self, work: "Callable[Concatenate[Team, P], T]", *given: P.args, **named: P.kwargs) -> T:
        """What the work gives, with other workers where some are lost."""
        left = RETRIES
        while True:
            try:
                if self._lost:
                    self._renew()
                return work(self, *given, **named)
            except WorkerLostError:
                self._lost, left = True, left - 1
                if left < 0:
                    raise

    def _renew(self) -> None:
        """Begin anew with other workers."""
        self._crew.close()
        self._crew, self._lost = self._hire(), False
        if self._learned:
            self._prepare()
        if self._round:
            self._load()

    def _outlines(self, frequency: Any) -> dict[int, Outline]:
        return joined(self._crew.each("outlines", [(frequency,)] * len(self._crew)))

    def _prepare(self) -> list[Counts]:
        counts = self._in_order(self._crew.each("prepare", [self._learned or ()] * len(self._crew)))
        self._crew.each("begin", [(self._size, share) for share in self._shares(self._size)])
        return counts

    def _batch(self, which: str, index: Integers) -> Batch:
        pieces = list(self._pieces(which, index, (), np.arange(len(index))))
        number = len(self._crew)
        own = [[piece for piece in pieces if piece.part % number == worker] for worker in range(number)]
        found = [iter(rows) for rows in self._crew.each("rows", [(asked,) for asked in own])]
        return to_batch(unpack(np.concatenate([next(found[piece.part % number]) for piece in pieces])))

    def _load(self) -> None:
        (which, draws), size, number = self._round or ("", []), self._size, len(self._crew)
        index, *first = (np.concatenate(arrays) for arrays in zip(*draws, strict=True))
        shares = self._shares(size)
        own: list[list[Piece]] = [[] for _ in range(number)]
        for piece in self._pieces(which, index, tuple(first), np.arange(len(index))):
            own[piece.part % number].append(piece)
        told = self._crew.shuffle([[(some, size, shares) for some in self._calls(pieces)] for pieces in own])
        slots, *columns = (np.concatenate(arrays) for arrays in zip(*told, strict=True))
        order = np.argsort(slots)
        each = zip(*(column[order].reshape(-1, size) for column in columns), strict=True)
        totals = [Totals.of(*step) for step in each]
        self._crew.each("weigh", [(totals,)] * number)

    def _calls(self, pieces: Sequence[Piece]) -> list[Sequence[Piece]]:
        """Pieces that are gathered in one call, which takes its time: more of short windows."""
        numbers = numbers_of(self._learned[0]) if self._learned else CALL
        count = max(CALL // (numbers * PIECE), 1)
        return [pieces[start : start + count] for start in range(0, len(pieces), count)]

    def _pieces(self, which: str, index: Integers, first: tuple[Integers, ...], slots: Integers) -> Iterator[Piece]:
        """The windows of each part, in its own numbers, some at a time."""
        ends = np.cumsum([getattr(own, which) for own in self.counts])
        part = np.searchsorted(ends, index, side="right")
        order = np.argsort(part, kind="stable")
        for number, rows in zip(*group(part[order], order), strict=True):
            start = ends[number] - getattr(self.counts[number], which)
            for some in np.split(rows, range(PIECE, len(rows), PIECE)):
                yield Piece(int(number), which, index[some] - start, tuple(own[some] for own in first), slots[some])

    def _shares(self, size: int) -> list[tuple[int, int]]:
        """The rows of a batch that each worker computes: whole slices, as many as the others have or one more."""
        number, workers = slices_of(size), len(self._crew)
        edges = [-(-worker * number // workers) for worker in range(workers + 1)]
        rows = [size if edge == number else SLICE * edge for edge in edges]
        return list(pairwise(rows))

    def _in_order(self, found: Sequence[dict[int, T]]) -> list[T]:
        """What workers say of their parts, by the parts' numbers."""
        return [own for _, own in sorted(joined(found).items())]


def joined(found: Sequence[dict[int, T]]) -> dict[int, T]:
    """What workers say of their parts, all of it."""
    return {number: own for each in found for number, own in each.items()}


def group(sorted_keys: Integers, values: Integers) -> tuple[Integers, list[Integers]]:
    """The distinct keys, and the values of each."""
    keys, starts = np.unique(sorted_keys, return_index=True)
    return keys, np.split(values, starts[1:])


@dataclass(frozen=True)
class TeamWindows:
    """A set of the windows that a team has."""

    team: Team
    which: str = "every"

    def __len__(self) -> int:
        return sum(getattr(own, self.which) for own in self.team.counts)

    @property
    def series(self) -> int:
        """Series with a window."""
        return sum(own.series for own in self.team.counts)

    @property
    def alone(self) -> bool:
        """Whether there is one series only."""
        return self.team.alone

    def split(self, held_out: int) -> "tuple[TeamWindows, TeamWindows]":  # noqa: ARG002 - the team was told
        """Those before the steps held out, and those whose future lies in them."""
        _, early, held = (TeamWindows(self.team, which) for which in SETS)
        return early, held

    def batch(self, index: Integers) -> Batch:
        """The chosen ones."""
        return self.team.batch(self.which, index)

    def drawn(self, choice: Choice, steps: int) -> "Rounds":
        """What draws the batch of each step."""
        return Rounds(self, choice, steps)


class Rounds:
    """Draws batches, whose windows are gathered for many steps at once, and says which of these is next."""

    def __init__(self, windows: TeamWindows, choice: Choice, steps: int) -> None:
        self._windows, self._choice = windows, choice
        self._steps, self._place, self._loaded = steps, 0, 0

    def __call__(self, rng: np.random.Generator) -> int:
        """The number of the next batch among those that the workers have."""
        if self._place == self._loaded:
            ahead = deepcopy(rng)
            self._loaded, self._place = min(ROUND, max(self._steps, 1)), 0
            self._steps -= self._loaded
            draws = [self._choice(ahead) for _ in range(self._loaded)]
            self._windows.team.load(self._windows.which, draws)
        self._choice(rng)
        self._place += 1
        return self._place - 1


class TeamMembers(Members):
    """Networks whose gradients the workers of a team compute."""

    def __init__(self, team: Team, network: Network, seed: int, count: int) -> None:
        super().__init__(network, seed, count)
        self._team = team

    def step(self, batch: Any, count: int, rate: float, decay: float, clip: float | None) -> float:
        """As in Members, of the batch with that number."""
        answers = self._team.answers(batch, self.weights, [rng.bit_generator.state for rng in self.rngs])
        for rng, state in zip(self.rngs, answers[0].states, strict=True):
            rng.bit_generator.state = state
        total = 0.0
        for member in range(len(self)):
            losses = [loss for answer in answers for loss in answer.losses[member]]
            gradients = [gradient for answer in answers for gradient in answer.gradients[member]]
            total += self.join(member, losses, gradients)
            self.update(member, count, rate, decay, clip)
        return total / len(self)
