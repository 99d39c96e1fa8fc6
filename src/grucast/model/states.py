"""What a stream remembers: the last steps of many series, in ring buffers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.calendar import phases, phases_of_one
from grucast.data.encoding import Encoded, Schema
from grucast.data.frequency import Frequency, Times
from grucast.data.panel import show
from grucast.data.windows import Window
from grucast.errors import DataError

Array = NDArray[Any]
Integers = NDArray[np.int64]


@dataclass
class States:
    """The last T steps of S series; step p of a series lies in cell p modulo T of its row.

    The arrays have spare rows, so that a new series seldom copies them.
    """

    frequency: Frequency
    schema: Schema
    starts: Times  # (S,): time of step 0
    lengths: Integers  # (S,): steps so far, observed or not
    values: NDArray[np.float64]  # (S, T), NaN where not observed
    numbers: NDArray[np.float32]  # (S, T, P + F)
    codes: NDArray[np.int32]  # (S, T, K)
    static_numbers: NDArray[np.float32]  # (S, columns)
    static_codes: NDArray[np.int32]  # (S, columns)
    negative: NDArray[np.bool_]  # (S,): a value below 0 was ever seen
    row: dict[Any, int] = field(default_factory=dict)  # of each series

    @classmethod
    def empty(cls, size: int, frequency: Frequency, schema: Schema, capacity: int = 1) -> "States":
        """No series yet, windows of `size` steps."""
        steps = (capacity, size)
        return cls(
            frequency,
            schema,
            np.zeros(capacity, np.int64 if frequency.kind == "integer" else "datetime64[us]"),
            np.zeros(capacity, np.int64),
            np.zeros(steps),
            np.zeros((*steps, len(schema.numbers("past", "future"))), np.float32),
            np.zeros((*steps, len(schema.categorical("past", "future"))), np.int32),
            np.zeros((capacity, len(schema.numbers("static"))), np.float32),
            np.zeros((capacity, len(schema.categorical("static"))), np.int32),
            np.zeros(capacity, bool),
        )

    def __len__(self) -> int:
        return len(self.row)

    @property
    def size(self) -> int:
        """Steps T of a window."""
        return int(self.values.shape[1])

    @property
    def plain(self) -> bool:
        """There are no covariates, and all steps have one length."""
        return not self.schema.columns and self.frequency.stride is not None

    @property
    def names(self) -> list[str]:
        """Of the arrays, each with a row for each series."""
        return [f.name for f in fields(self) if isinstance(getattr(self, f.name), np.ndarray)]

    def rows(self, ids: Sequence[Any], times: Times) -> Integers:
        """The row of each series; one that is not known begins at its time here."""
        for name, time in zip(ids, times, strict=True):
            if name not in self.row:
                if len(self.row) == len(self.lengths):
                    self._grow()
                new = self.row[name] = len(self.row)
                self.starts[new], self.lengths[new], self.negative[new] = time, 0, False
                self.values[new], self.numbers[new], self.codes[new] = np.nan, np.nan, 0
        return np.array([self.row[name] for name in ids])

    def _grow(self) -> None:
        capacity = 2 * len(self.lengths)
        larger = States.empty(self.size, self.frequency, self.schema, capacity)
        for name in self.names:
            getattr(larger, name)[: len(self.row)] = getattr(self, name)
            setattr(self, name, getattr(larger, name))

    def record(self, series: Integers, times: Times, y: NDArray[np.float64], beside: Encoded | None) -> None:
        """Take in rows, in the order of series and time, each with its encoded covariates.

        A step that passed without a row is missing, a row that comes late fills its step, one that comes twice is
        ignored, and one older than the window says nothing that a forecast looks at.

        Raises:
            DataError: A row is off the grid of time, lies before its series, or contradicts one that was there.
        """
        positions = self._positions(series, times)
        if len(series) == 1 and positions[0] == self.lengths[series[0]]:
            self._fill_next(int(series[0]), y[0], beside)
            return
        cells = positions % self.size
        known = (positions < self.lengths[series]) & (positions >= self.lengths[series] - self.size)
        was = np.where(known, self.values[series, cells], np.nan)
        self._refuse_contradiction(series, positions, was, y)
        self._advance(series, positions + 1)
        self.negative[series[y < 0]] = True
        fresh = np.flatnonzero(np.isnan(was) & (positions >= self.lengths[series] - self.size))
        series, cells = series[fresh], cells[fresh]
        self.values[series, cells] = y[fresh]
        if beside:
            self.numbers[series, cells], self.codes[series, cells] = beside.numbers[fresh], beside.codes[fresh]
            self.static_numbers[series] = beside.static_numbers[fresh]
            self.static_codes[series] = beside.static_codes[fresh]

    def append(self, name: Any, time: Any, y: float) -> int | None:
        """Take in the next step of a known series and return its row; None if it is anything else, or not `plain`.

        This is `record` of the usual observation, in a tenth of the time.
        """
        row = self.row.get(name)
        if row is None or not self.plain:
            return None
        length = self.lengths[row]
        if y != y or time != self.starts[row] + length * self.frequency.stride:  # noqa: PLR0124 - NaN alone is not itself
            return None
        self._fill_next(row, y, None)
        return row

    def _fill_next(self, row: int, y: float, beside: Encoded | None) -> None:
        """Write the next step of one series."""
        cell = self.lengths[row] % self.size
        self.values[row, cell] = y
        if beside:
            self.numbers[row, cell], self.codes[row, cell] = beside.numbers[0], beside.codes[0]
            self.static_numbers[row], self.static_codes[row] = beside.static_numbers[0], beside.static_codes[0]
        self.lengths[row] += 1
        self.negative[row] |= y < 0

    def _positions(self, series: Integers, times: Times) -> Integers:
        starts = self.starts[series]
        positions = self.frequency.positions(times, starts)
        bad = (positions < 0) | (positions != np.floor(positions))
        if bad.any():
            off = np.flatnonzero(bad)
            time, start = show(times[off[0]]), show(starts[off[0]])
            early = positions[off[0]] < 0
            step = f"not a whole number of steps of {self.frequency.name} after the series' first, {start}"
            reason = f"before the series' first row, {start}: give the history in a new stream" if early else step
            raise DataError(f"ds = {time} is {reason}")
        return positions.astype(np.int64)

    def _advance(self, series: Integers, lengths: Integers) -> None:
        """Lengthen series, and forget what falls out of their windows."""
        if len(series) > 1:
            last = np.append(series[1:] != series[:-1], True)
            series, lengths = series[last], lengths[last]
        before = self.lengths[series]
        for step in range(min(int((lengths - before).max()), self.size)):
            new = lengths - step > before
            rows, cells = series[new], (lengths[new] - step - 1) % self.size
            self.values[rows, cells], self.numbers[rows, cells], self.codes[rows, cells] = np.nan, np.nan, 0
        self.lengths[series] = np.maximum(lengths, before)

    def _refuse_contradiction(self, series: Integers, positions: Integers, was: Array, y: Array) -> None:
        """Each step has one value."""
        if len(series) > 1:
            twice = np.flatnonzero((series[1:] == series[:-1]) & (positions[1:] == positions[:-1])) + 1
            was = was.copy()
            was[twice] = y[twice - 1]
        wrong = np.flatnonzero((was < y) | (was > y))
        if wrong.size:
            one = wrong[0]
            name = next(name for name, row in self.row.items() if row == series[one])
            time = show(self.frequency.times(self.starts[series[one]], positions[one]))
            raise DataError(f"series {name!r} has y = {was[one]:g} at {time} already, and now {y[one]:g} comes for it")

    def window(self, series: Integers, h: int, ahead: Encoded | None = None) -> Window:
        """The last window of some series, with what is known of the horizon: (B, h) rows of numbers and codes."""
        positions = self.lengths[series, None] + np.arange(-self.size, h)
        cells, rows = positions[:, : self.size] % self.size, series[:, None]
        numbers = np.full((*positions.shape, self.numbers.shape[2]), np.nan, np.float32)
        codes = np.zeros((*positions.shape, self.codes.shape[2]), np.int32)
        if self.schema.columns:
            numbers[:, : self.size], codes[:, : self.size] = self.numbers[rows, cells], self.codes[rows, cells]
        if ahead is not None:
            numbers[:, self.size :], codes[:, self.size :] = ahead.numbers, ahead.codes
        return Window(
            self.values[rows, cells],
            np.full((len(series), h), np.nan),
            numbers,
            codes,
            self.static_numbers[series],
            self.static_codes[series],
            phases(self.frequency, self.starts[series], self.schema.cycles, positions),
            ~self.negative[series],
        )

    def latest(self, row: int, h: int) -> Window:
        """The last window of one series without covariates, as `window` gives it."""
        length, ring = int(self.lengths[row]), self.values[row]
        oldest = length % self.size
        history = np.concatenate([ring[oldest:], ring[:oldest]])[None]
        cycles, steps = self.schema.cycles, self.size + h
        seen = phases_of_one(self.frequency, self.starts[row], cycles, length - self.size, steps)
        return Window(history, *nothing_beside(self.size, h), seen, ~self.negative[row : row + 1])

    @contextmanager
    def all_or_nothing(self, ids: Iterable[Any]) -> Iterator[None]:
        """Where an error ends the block, take back what it did to these series."""
        series = [self.row[name] for name in set(ids) if name in self.row]
        saved = {name: getattr(self, name)[series] for name in self.names} if series else {}
        count = len(self.row)
        try:
            yield
        except BaseException:
            for name, array in saved.items():
                getattr(self, name)[series] = array
            self.row = dict(list(self.row.items())[:count])
            raise


@lru_cache(maxsize=16)
def nothing_beside(size: int, h: int) -> tuple[Array, Array, Array, Array, Array]:
    """What a window of one series holds between history and phases where there are no covariates."""
    numbers, static = np.empty((1, size + h, 0), np.float32), np.empty((1, 0), np.float32)
    return np.full((1, h), np.nan), numbers, numbers.astype(np.int32), static, static.astype(np.int32)
