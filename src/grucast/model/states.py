"""What a stream remembers: the last steps of many series, in ring buffers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import lru_cache
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.calendar import phases, phases_of_one
from grucast.data.encoding import Encoded, Schema
from grucast.data.frequency import Frequency, Times
from grucast.data.refusals import too_far
from grucast.data.scalars import WIDEST, brief
from grucast.data.windows import Window
from grucast.data.wording import show
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
    nonnegative: NDArray[np.bool_]  # (S,): no value below 0 was ever seen
    ids: list[Any] = field(default_factory=list)  # of the series, by row
    row: dict[Any, int] = field(default_factory=dict)  # of each series, by id
    lock: Any = field(default_factory=RLock, repr=False, compare=False)  # of the thread that changes or writes them

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
            np.zeros((*steps, len(schema.given_numbers("past", "future"))), np.float32),
            np.zeros((*steps, len(schema.categorical("past", "future"))), np.int32),
            np.zeros((capacity, len(schema.numbers("static"))), np.float32),
            np.zeros((capacity, len(schema.categorical("static"))), np.int32),
            np.ones(capacity, bool),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, lock=RLock())

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def size(self) -> int:
        """Steps T of a window."""
        return int(self.values.shape[1])

    @property
    def plain(self) -> bool:
        """There are no covariates and holidays, and all steps have one length."""
        return not self.schema.columns and not self.schema.holidays and self.frequency.stride is not None

    def rows(self, ids: Sequence[Any], times: Times) -> Integers:
        """The row of each series; one that is not known begins at its time here.

        Raises:
            DataError: No file of states could hold the name of a new one.
        """
        for name, time in zip(ids, times, strict=True):
            if name not in self.row:
                refuse_unwritable(name)
                new = len(self.ids)
                if new == len(self.lengths):
                    self._grow()
                self.ids.append(name)
                self.row[name] = new
                self.starts[new], self.lengths[new], self.nonnegative[new] = time, 0, True
                self.values[new], self.numbers[new], self.codes[new] = np.nan, np.nan, 0
        return np.array([self.row[name] for name in ids])

    @classmethod
    def joined(cls, parts: Sequence["States"]) -> "States":
        """A copy of states of different series as one; of at least one part."""
        some = parts[0]
        whole = cls.empty(some.size, some.frequency, some.schema, max(sum(map(len, parts)), 1))
        for name in ARRAYS:
            rows = np.concatenate([getattr(part, name)[: len(part)] for part in parts])
            getattr(whole, name)[: len(rows)] = rows
        whole.ids = [name for part in parts for name in part.ids]
        whole.row = {name: row for row, name in enumerate(whole.ids)}
        return whole

    def only(self, name: Any) -> "States":
        """A copy of one series."""
        one, row = States.empty(self.size, self.frequency, self.schema), self.row[name]
        for array in ARRAYS:
            getattr(one, array)[0] = getattr(self, array)[row]
        one.ids, one.row = [name], {name: 0}
        return one

    def equals(self, other: "States") -> bool:
        """Whether the same series stand at the same, bit by bit."""
        size = len(self)
        same = (getattr(self, name)[:size].tobytes() == getattr(other, name)[:size].tobytes() for name in ARRAYS)
        return self.ids == other.ids and all(same)

    def _grow(self) -> None:
        count = len(self.ids)
        larger = States.empty(self.size, self.frequency, self.schema, 2 * len(self.lengths))
        for name in ARRAYS:
            getattr(larger, name)[:count] = getattr(self, name)[:count]
        vars(self).update({name: getattr(larger, name) for name in ARRAYS})  # all at once, whatever interrupts

    def record(self, series: Integers, times: Times, y: NDArray[np.float64], beside: Encoded | None) -> None:
        """Take in rows, in the order of series and time, each with its encoded covariates.

        Where an error ends it, what it did so far stays: `all_or_nothing` takes that back.

        A step that passed without a row is missing, a row that comes late fills its step, one that comes twice is
        ignored, and one older than the window says nothing that a forecast looks at.

        Raises:
            DataError: A row is off the grid of time, lies before its series, or contradicts one that was there.
        """
        positions = self._positions(series, times)
        if len(series) == 1 and positions[0] == self.lengths[series[0]]:
            self._fill_next(int(series[0]), y[0], beside)
            return
        self._refuse_far(series, times)
        cells = positions % self.size
        known = (positions < self.lengths[series]) & (positions >= self.lengths[series] - self.size)
        was = np.where(known, self.values[series, cells], np.nan)
        self._refuse_contradiction(series, positions, was, y)
        self._advance(series, positions + 1)
        self.nonnegative[series[y < 0]] = False
        fresh = np.flatnonzero(np.isnan(was) & (positions >= self.lengths[series] - self.size))
        series, cells = series[fresh], cells[fresh]
        self.values[series, cells] = y[fresh]
        if beside:
            self.numbers[series, cells], self.codes[series, cells] = beside.numbers[fresh], beside.codes[fresh]
            self.static_numbers[series] = beside.static_numbers[fresh]
            self.static_codes[series] = beside.static_codes[fresh]

    @contextmanager
    def appended(self, name: Any, time: Any, y: float) -> Iterator[int | None]:
        """Take in the next step of a known series and give its row; None if it is anything else, or not `plain`.

        This is `record` of the usual observation within `all_or_nothing`, in a tenth of the time.
        """
        with self.lock:
            row = self.row.get(name)
            if row is None or not self.plain or y != y:  # noqa: PLR0124 - NaN alone is not itself
                yield None
                return
            length, ring = int(self.lengths[row]), self.values[row]
            if time != self.starts[row] + length * self.frequency.stride:
                yield None
                return
            cell = length % len(ring)
            oldest, before = ring[cell], self.nonnegative[row]
            try:
                ring[cell], self.lengths[row] = y, length + 1
                if y < 0:
                    self.nonnegative[row] = False
                yield row
            except BaseException:
                ring[cell], self.lengths[row], self.nonnegative[row] = oldest, length, before
                raise

    def _fill_next(self, row: int, y: float, beside: Encoded | None) -> None:
        """Write the next step of one series."""
        cell = self.lengths[row] % self.size
        self.values[row, cell] = y
        if beside:
            self.numbers[row, cell], self.codes[row, cell] = beside.numbers[0], beside.codes[0]
            self.static_numbers[row], self.static_codes[row] = beside.static_numbers[0], beside.static_codes[0]
        self.lengths[row] += 1
        self.nonnegative[row] &= not y < 0

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

    def _refuse_far(self, series: Integers, times: Times) -> None:
        """No row lies farther after the one before it than `Frequency.longest_gap`."""
        stamps = times.astype(np.int64).astype(np.float64)
        before = self.starts[series].astype(np.int64) + (self.lengths[series] - 1) * self.frequency.length
        if len(series) > 1:
            before[1:] = np.where(series[1:] == series[:-1], np.maximum(before[1:], stamps[:-1]), before[1:])
        far = np.flatnonzero(stamps - before > self.frequency.longest_gap[0])
        if far.size:
            row = far[0]
            last = np.int64(before[row]).astype(times.dtype)
            raise DataError(too_far(self.ids[series[row]], times[row], last, self.frequency))

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
            name, time = self.ids[series[one]], show(self.frequency.times(self.starts[series[one]], positions[one]))
            found = f"series {brief(name)} has y = {was[one]:g} at {time} already"
            raise DataError(f"{found}, and now {y[one]:g} comes for it")

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
        if self.schema.holidays:
            flags = self.schema.holidays.encode(self.frequency.times(self.starts[rows], positions))
            flags[positions < 0] = np.nan
            numbers = np.concatenate([numbers, flags], axis=2)
        return Window(
            self.values[rows, cells],
            np.full((len(series), h), np.nan),
            numbers,
            codes,
            self.static_numbers[series],
            self.static_codes[series],
            phases(self.frequency, self.starts[series], self.schema.cycles, positions),
            self.nonnegative[series],
        )

    def latest(self, row: int, h: int) -> Window:
        """The last window of one series without covariates, as `window` gives it."""
        length, ring = int(self.lengths[row]), self.values[row]
        oldest = length % self.size
        history = np.concatenate([ring[oldest:], ring[:oldest]])[None]
        cycles, steps = self.schema.cycles, self.size + h
        seen = phases_of_one(self.frequency, self.starts[row], cycles, length - self.size, steps)
        return Window(history, *nothing_beside(self.size, h), seen, self.nonnegative[row : row + 1])

    def recent(self, name: Any) -> tuple[Times, NDArray[np.float64]]:
        """Time stamps and values of the steps of a series in its window; NaN where not observed."""
        row = self.row[name]
        length = int(self.lengths[row])
        steps = np.arange(max(length - self.size, 0), length)
        return self.frequency.times(self.starts[row], steps), self.values[row, steps % self.size]

    @contextmanager
    def all_or_nothing(self, ids: Iterable[Any]) -> Iterator[None]:
        """Let no other thread in; where an error or Ctrl-C ends the block, take back what it did to these series."""
        with self.lock:
            series = np.array([self.row[name] for name in set(ids) if name in self.row], np.int64)
            saved = [getattr(self, name)[series] for name in ARRAYS]
            count = len(self.ids)
            try:
                yield
            except BaseException:
                for name, array in zip(ARRAYS, saved, strict=True):
                    getattr(self, name)[series] = array
                for name in self.ids[count:]:
                    self.row.pop(name, None)
                del self.ids[count:]
                raise


ARRAYS = tuple(
    field.name for field in fields(States) if field.name not in ("frequency", "schema", "ids", "row", "lock")
)


def refuse_unwritable(name: Any) -> None:
    """Names of text without its Unicode, and integers of thousands of digits, have no place in a file."""
    if isinstance(name, str) and not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
        raise DataError(f"unique_id = {brief(name)} is no text in Unicode: half a character is in it")
    if isinstance(name, int) and name.bit_length() > WIDEST:
        raise DataError(f"unique_id = {brief(name)} is too long to name a series")


@lru_cache(maxsize=16)
def nothing_beside(size: int, h: int) -> tuple[Array, Array, Array, Array, Array]:
    """What a window of one series holds between history and phases where there are no covariates."""
    numbers, static = np.empty((1, size + h, 0), np.float32), np.empty((1, 0), np.float32)
    return np.full((1, h), np.nan), numbers, numbers.astype(np.int32), static, static.astype(np.int32)
