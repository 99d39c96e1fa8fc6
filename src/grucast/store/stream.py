"""Forecasts that follow each observation, of series whose state is in a store."""

import json
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.observations import pick, read_id, read_time, read_y
from grucast.data.scalars import brief
from grucast.errors import ConfigError, DataError, SequenceError, StoreFullError
from grucast.forecasting.stream import Stream
from grucast.model.models import ForecastModel
from grucast.model.state_file import fingerprint, pack_states, unpack_states
from grucast.model.states import States, refuse_unwritable
from grucast.store.database import Store

LONGEST_NAME = 1000  # characters of a series' name as JSON; an index of PostgreSQL takes 2704 bytes
LARGEST_SEQUENCE = 2**63 - 1


class Alarm(NamedTuple):
    """An observation outside the interval that was forecast for it."""

    unique_id: str | int
    ds: Any
    y: float
    lo: float
    hi: float


class StreamAnswer(NamedTuple):
    """What follows an observation: the forecast as `Stream.update` gives it, and the alarm that it raised, or None."""

    forecast: dict[str, Any] | None
    alarm: Alarm | None


class Ahead(NamedTuple):
    """The interval that was last forecast: ds, lo, hi, (h,) each."""

    ds: NDArray[Any]
    lo: NDArray[np.float32]
    hi: NDArray[np.float32]


class Kept(NamedTuple):
    """A series as it lies in the store."""

    version: int  # drawn anew by each write
    states: States  # of this series alone
    ahead: Ahead | None


class StoredStream:
    """A stream whose state lies in a store, so that it survives its process and other processes can share it.

    Rows and forecasts are those of `grucast.forecasting.stream.Stream`, to the bits. An update of many rows is one
    transaction: all or nothing, committed before it returns. A series has one writer at a time.

    Args:
        model: The trained model; states belong to its fingerprint.
        store: From `open_store`.
        level: Coverage of the intervals in percent; those trained when None.
        alarm: Which of them an observation must leave to raise an alarm; the widest when None.
        most: Series that the store takes of this model.
        remembered: Series whose state is kept in memory as well, those used last.
    """

    def __init__(
        self,
        model: ForecastModel,
        store: Store,
        level: tuple[float, ...] | None = None,
        alarm: float | None = None,
        most: int = 100_000,
        remembered: int = 10_000,
    ) -> None:
        self.model, self.store = model, store
        self.level = model.level if level is None else level
        if alarm is not None and alarm not in self.level:
            raise ConfigError(f"alarm = {alarm} is none of the levels {list(self.level)}: choose one of them")
        self.alarm = f"{max(self.level) if alarm is None else alarm:g}" if self.level else None
        self.most, self.remembered = most, remembered
        self._key, self._kind = fingerprint(model), States.empty(1, model.frequency, model.schema).starts.dtype
        self._cache: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()

    def update(self, rows: Any, future: Any = None, sequence: int | None = None) -> Any:
        """Take in an observation, or several in turn, and forecast after each.

        Args:
            rows: A mapping {"unique_id": ..., "ds": ..., "y": ...} with the model's covariates, or a sequence of such.
            future: Coming values of the future covariates, as `Stream.update` takes them.
            sequence: A number of this update, larger than the last of each of its series, which then come once each.
                The same update with the last number again gives the same answer and changes nothing.

        Returns:
            An `StreamAnswer`, or a list of them.

        Raises:
            DataError: A row cannot be used.
            SequenceError: The number is older than the last, or is the last and came with another row.
            StoreFullError: There are `most` series already.
            StoreError: The store failed. In each case nothing was written.
        """
        if isinstance(rows, Mapping):
            return self.update([rows], future if future is None else [future], sequence)[0]
        rows = list(rows) if isinstance(rows, Iterable) else [rows]
        if not rows:
            return []
        names = [name_of(row) for row in rows]
        keys = {key_of(name): name for name in names}
        if sequence is not None:
            check_sequence(sequence, len(rows), len(keys))
        with self.store.transaction() as connection:
            heads = self.store.lock(connection, self._key, keys)
            before = self._recall(connection, heads)
            again = repeated(sequence, heads, keys)
            if not again and len(before) < len(keys):
                self._require_room(connection, len(heads), len(keys))
            stream = Stream(self.model, self.level)
            stream.states = States.joined([kept.states for kept in before.values()] or [stream.states])
            forecasts = stream.update(rows, future)
            if again:
                return self._repeat(connection, before, stream.states, names, forecasts)
            answers, ahead = self._judge(rows, names, forecasts, {key: kept.ahead for key, kept in before.items()})
            after = {
                key: Kept(secrets.randbits(62), stream.states.only(name), ahead[key]) for key, name in keys.items()
            }
            numbers = {key: head.sequence for key, head in heads.items()}
            self._write(connection, after, numbers if sequence is None else dict.fromkeys(keys, sequence), answers)
        self._remember(after)
        return answers

    def forecast(self, series: str | int, future: Any = None) -> dict[str, Any] | None:
        """Forecast a series from what is stored, as the last update did; None where it has no value in its window.

        Raises:
            DataError: The series is not there, or the future is not as `update` takes it.
        """
        stream, key = Stream(self.model, self.level), key_of(series)
        with self.store.transaction() as connection:
            kept = self._known(connection, series, key)
        stream.states = States.joined([kept.states])
        return stream.forecast(series, future)

    def latest(self, series: str | int) -> int | None:
        """The last sequence number of a series; None where it never had one, or is not there."""
        with self.store.transaction() as connection:
            row = self.store.read(connection, self._key, [key_of(series)]).get(key_of(series))
        return None if row is None else row.sequence

    def events(self, series: str | int, most: int = 1000) -> list[Alarm]:
        """The latest alarms of a series, oldest first."""
        with self.store.transaction() as connection:
            found = self.store.alarms(connection, self._key, key_of(series), most)
        return [self._alarm(row) for row in found]

    def delete(self, series: str | int) -> bool:
        """Forget a series and its alarms; whether it was there."""
        with self.store.transaction() as connection:
            return self.store.delete(connection, self._key, key_of(series))

    def _known(self, connection: Any, series: str | int, key: str) -> Kept:
        row = self.store.read(connection, self._key, [key]).get(key)
        if row is None:
            raise DataError(f"series {brief(series)} is not in the store: send an observation of it first")
        return self._unpack(row)

    def _recall(self, connection: Any, heads: Mapping[str, Any]) -> dict[str, Kept]:
        """The series that are there, from memory where no one has written them since."""
        with self._lock:
            cached = {key: self._cache[key] for key in heads if key in self._cache}
        fresh = {key: kept for key, kept in cached.items() if kept.version == heads[key].version}
        read = self.store.read(connection, self._key, [key for key in heads if key not in fresh])
        return fresh | {key: self._unpack(row) for key, row in read.items()}

    def _remember(self, kept: Mapping[str, Kept]) -> None:
        with self._lock:
            for key, own in kept.items():
                self._cache[key] = own
                self._cache.move_to_end(key)
            while len(self._cache) > self.remembered:
                self._cache.popitem(last=False)

    def _unpack(self, row: Any) -> Kept:
        states = unpack_states(self.model, row.state, self._key)
        return Kept(row.version, states, row.ahead and self._unpack_ahead(row.ahead))

    def _unpack_ahead(self, content: bytes) -> Ahead:
        h = self.model.h
        ds = np.frombuffer(content, np.int64, h).astype(self._kind)
        lo, hi = np.frombuffer(content, np.float32, 2 * h, 8 * h).reshape(2, h)
        return Ahead(ds, lo, hi)

    def _require_room(self, connection: Any, known: int, wanted: int) -> None:
        placeholders = wanted - known if connection.dialect.name == "postgresql" else 0
        count = self.store.count(connection, self._key) - placeholders
        if count + wanted - known > self.most:
            raise StoreFullError(
                f"the store holds {count:,} series of this model, and takes {self.most:,}: delete some, or raise `most`"
            )

    def _repeat(
        self, connection: Any, before: Mapping[str, Kept], after: States, names: Sequence[Any], forecasts: list[Any]
    ) -> list[StreamAnswer]:
        """The answer once more to an update that is in the store already."""
        answers = []
        for name, forecast in zip(names, forecasts, strict=True):
            kept = before[key_of(name)]
            if not kept.states.equals(after.only(name)):
                raise SequenceError(f"series {brief(name)}: this sequence number came before, with another row")
            alarms = self.store.alarms(connection, self._key, key_of(name), 1, kept.version)
            answers.append(StreamAnswer(forecast, self._alarm(alarms[0]) if alarms else None))
        return answers

    def _judge(
        self, rows: Sequence[Any], names: Sequence[Any], forecasts: Sequence[Any], ahead: dict[str, Ahead | None]
    ) -> tuple[list[StreamAnswer], dict[str, Ahead | None]]:
        """Which observations lie outside the interval that was forecast for them last; the intervals that now stand."""
        answers, stamps = [], [read_time(row["ds"], self.model.reading.time_format) for row in rows]
        for row, name, time, forecast in zip(rows, names, stamps, forecasts, strict=True):
            key = key_of(name)
            answers.append(StreamAnswer(forecast, outside(name, time, read_y(row["y"]), ahead.get(key))))
            ahead[key] = self._ahead(forecast)
        return answers, ahead

    def _ahead(self, forecast: Mapping[str, Any] | None) -> Ahead | None:
        if forecast is None or self.alarm is None:
            return None
        return Ahead(forecast["ds"], forecast[f"GRU-lo-{self.alarm}"], forecast[f"GRU-hi-{self.alarm}"])

    def _write(
        self,
        connection: Any,
        after: Mapping[str, Kept],
        numbers: Mapping[str, int | None],
        answers: Iterable[StreamAnswer],
    ) -> None:
        rows = [
            {
                "model": self._key,
                "series": key,
                "sequence": numbers.get(key),
                "version": kept.version,
                "state": pack_states(kept.states, self._key),
                "ahead": kept.ahead and packed(kept.ahead),
            }
            for key, kept in after.items()
        ]
        alarms = [answer.alarm for answer in answers if answer.alarm]
        events = [
            {"model": self._key, "series": key_of(alarm.unique_id), "version": after[key_of(alarm.unique_id)].version}
            | {"ds": int(alarm.ds.astype(np.int64)), "y": alarm.y, "lo": alarm.lo, "hi": alarm.hi}
            for alarm in alarms
        ]
        self.store.write(connection, rows, events)

    def _alarm(self, row: Any) -> Alarm:
        return Alarm(json.loads(row.series), np.array(row.ds).astype(self._kind)[()], row.y, row.lo, row.hi)


def name_of(row: Any) -> str | int:
    """The name of a row's series."""
    pick(row, "ds"), pick(row, "y")
    return read_id(row.get("unique_id", "series"))


def key_of(name: str | int) -> str:
    """The name of a series as the store writes it: JSON in ASCII, so 1 is not "1"."""
    refuse_unwritable(read_id(name))
    key = json.dumps(name)
    if len(key) > LONGEST_NAME:
        raise DataError(f"unique_id = {brief(name)} is longer than the {LONGEST_NAME} characters that a store takes")
    return key


def check_sequence(sequence: Any, rows: int, series: int) -> None:
    """A number of an update is a whole one, and counts one row of each series."""
    if type(sequence) is not int or not 0 <= sequence <= LARGEST_SEQUENCE:
        raise DataError(f"sequence = {brief(sequence)} is no number of an update: give an integer from 0 to 2**63 - 1")
    if rows > series:
        raise DataError(f"{rows} rows of {series} series came with one sequence number: give one row of each series")


def repeated(sequence: int | None, heads: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    """Whether an update with this number is in the store already.

    Raises:
        SequenceError: Its number is older than that of one of its series, or only some of them had it.
    """
    if sequence is None:
        return False
    numbers = {key: head.sequence for key, head in heads.items() if head.sequence is not None}
    for key, last in numbers.items():
        if sequence < last:
            raise SequenceError(f"series {brief(keys[key])}: sequence {sequence} came after {last}: count upwards")
    same = [key for key, last in numbers.items() if sequence == last]
    if same and len(same) < len(keys):
        raise SequenceError(
            f"sequence {sequence} came before for {len(same)} of these {len(keys)} series: send the same"
        )
    return bool(same)


def outside(name: str | int, time: Any, y: float, ahead: Ahead | None) -> Alarm | None:
    """The alarm of an observation that left the interval forecast for its time, if one was."""
    if ahead is None:
        return None
    place = np.flatnonzero(ahead.ds == time)
    if not place.size:
        return None
    lo, hi = float(ahead.lo[place[0]]), float(ahead.hi[place[0]])
    return Alarm(name, time, y, lo, hi) if y < lo or y > hi else None


def packed(ahead: Ahead) -> bytes:
    """An interval as the store writes it: int64, float32, float32."""
    return ahead.ds.astype(np.int64).tobytes() + np.stack([ahead.lo, ahead.hi]).astype(np.float32).tobytes()
