"""Forecasts that follow each observation, of series whose state is in a store."""

import json
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from grucast.data.observations import read_time, read_y
from grucast.data.scalars import brief
from grucast.errors import (
    ConfigError,
    DataError,
    GrucastError,
    InputError,
    SequenceError,
    StoreFullError,
    UnknownSeriesError,
)
from grucast.forecasting.stream import Stream
from grucast.model.models import ForecastModel
from grucast.model.state_file import fingerprint, pack_states, unpack_states
from grucast.model.states import States
from grucast.store.alarms import Alarm, Interval, outside
from grucast.store.database import Store
from grucast.store.keys import check_sequence, key_of, name_of, repeated


class StreamAnswer(NamedTuple):
    """What follows an observation: the forecast as `Stream.update` gives it, and the alarm that it raised, or None."""

    forecast: dict[str, Any] | None
    alarm: Alarm | None


class Standing(NamedTuple):
    """Where a series stands: its last sequence number, what is remembered of it, and the forecast that follows.

    Attributes:
        sequence: None where it never had one.
        times: Time stamps of the steps that are remembered.
        values: What was observed there; NaN where nothing was.
        forecast: None where the window holds no value.
    """

    sequence: int | None
    times: Any
    values: Any
    forecast: dict[str, Any] | None


class Held(NamedTuple):
    """A series in the store: its last sequence number, last step and last alarm; None where it has none."""

    unique_id: str | int
    sequence: int | None
    ds: Any
    alarm: Alarm | None


class Kept(NamedTuple):
    """A series as it lies in the store."""

    version: int  # drawn anew by each write
    states: States  # of this series alone
    ahead: Interval | None


class Update(NamedTuple):
    """Observations that are taken in together; `keys` names their series as the store does."""

    rows: Sequence[Any]
    future: Any
    sequence: int | None
    keys: Mapping[str, str | int]

    @classmethod
    def of(cls, rows: Sequence[Any], future: Any = None, sequence: int | None = None) -> "Update":
        """An update of at least one row, as `StoredStream.update` has them.

        Raises:
            DataError: A row names no series, or the sequence is no number.
        """
        if sequence is not None:
            check_sequence(sequence)
        return cls(rows, future, sequence, {key_of(name): name for name in map(name_of, rows)})


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
            sequence: A number of this update, larger than the last of each of its series. The same update with the last
                number again changes nothing, with the same alarms and the same forecast after the last row of each.

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
        (found,) = self.update_each([Update.of(rows, future, sequence)])
        if isinstance(found, GrucastError):
            raise found
        return found

    def update_each(self, updates: Sequence[Update]) -> list[list[StreamAnswer] | GrucastError]:
        """Take in updates by one transaction, so by one commit, each whole or not at all.

        Returns:
            For each its answers as `update` gives them, or the error for which nothing of it was written.

        Raises:
            StoreError: The store failed, and nothing of any was written.
        """
        order = sorted(range(len(updates)), key=lambda place: min(updates[place].keys))  # so that no two wait

        def work(connection: Any) -> tuple[dict[int, Any], dict[str, Kept]]:
            found: dict[int, Any] = {}
            kept: dict[str, Kept] = {}
            for place in order:
                try:
                    found[place], after = self._take(connection, updates[place])
                    kept |= after
                except (InputError, StoreFullError) as error:  # of this one alone
                    found[place] = error
                    self.store.release(connection, self._key, updates[place].keys)
            return found, kept

        found, kept = self.store.run(work)
        self._remember(kept)
        return [found[place] for place in range(len(updates))]

    def _take(self, connection: Any, update: Update) -> tuple[list[StreamAnswer], dict[str, Kept]]:
        """Answers to an update, and what is now kept of its series, by key."""
        rows, future, sequence, keys = update
        heads = self.store.lock(connection, self._key, keys)
        before = self._recall(connection, heads)
        if repeated(sequence, heads, keys):
            return self._repeat(connection, before, rows, future), {}
        if len(before) < len(keys):
            self._require_room(connection, len(keys) - len(heads))
        stream = self._stream(before)
        answers, ahead = self._judge(rows, stream.update(rows, future), {k: kept.ahead for k, kept in before.items()})
        after = {key: Kept(secrets.randbits(62), stream.states.only(name), ahead[key]) for key, name in keys.items()}
        numbers = {key: head.sequence for key, head in heads.items()}
        self._write(connection, after, numbers if sequence is None else dict.fromkeys(keys, sequence), answers)
        return answers, after

    def _stream(self, kept: Mapping[str, Kept]) -> Stream:
        """A stream that goes on from what is kept."""
        stream = Stream(self.model, self.level)
        stream.states = States.joined([own.states for own in kept.values()] or [stream.states])
        return stream

    def __contains__(self, series: str | int) -> bool:
        key = key_of(series)
        return key in self.store.run(lambda connection: self.store.heads(connection, self._key, [key]), reading=True)

    def forecast(self, series: str | int, future: Any = None) -> dict[str, Any] | None:
        """Forecast a series from what is stored, as the last update did; None where it has no value in its window.

        Raises:
            UnknownSeriesError: The series is not there.
            DataError: The future is not as `update` takes it.
        """
        return self.standing(series, future).forecast

    def standing(self, series: str | int, future: Any = None) -> Standing:
        """The last sequence number of a series, what is remembered of it, and the forecast, as `forecast` has it."""
        row = self._read(key_of(series))
        if row is None:
            raise UnknownSeriesError(f"series {brief(series)} is not in the store: send an observation of it first")
        stream = self._stream({row.series: self._unpack(row)})
        return Standing(row.sequence, *stream.states.recent(json.loads(row.series)), stream.forecast(series, future))

    def latest(self, series: str | int) -> int | None:
        """The last sequence number of a series; None where it never had one, or is not there."""
        row = self._read(key_of(series))
        return None if row is None else row.sequence

    def held(self, most: int = 100, after: str | int | None = None) -> list[Held]:
        """Series that are there, in the database's order.

        Args:
            most: How many.
            after: The last one of those before.
        """

        def work(connection: Any) -> tuple[list[Any], dict[str, Any]]:
            rows = self.store.page(connection, self._key, None if after is None else key_of(after), most)
            return rows, self.store.last_alarms(connection, self._key, [row.series for row in rows])

        rows, alarms = self.store.run(work, reading=True)
        return [self._held(row, alarms.get(row.series)) for row in rows]

    def events(self, series: str | int, most: int = 1000) -> list[Alarm]:
        """The latest alarms of a series, oldest first."""
        return [alarm for _, alarm in self.events_after(series, 0, most)]

    def events_after(self, series: str | int, number: int, most: int = 1000) -> list[tuple[int, Alarm]]:
        """The latest alarms of a series with their numbers, which rise, of those after a number; oldest first."""
        key = key_of(series)
        found = self.store.run(
            lambda connection: self.store.alarms(connection, self._key, key, most, after=number), reading=True
        )
        return [(row.id, self._alarm(row)) for row in found]

    def delete(self, series: str | int) -> bool:
        """Forget a series and its alarms; whether it was there."""
        key = key_of(series)
        return self.store.run(lambda connection: self.store.delete(connection, self._key, key))

    def _read(self, key: str) -> Any:
        found = self.store.run(lambda connection: self.store.read(connection, self._key, [key]), reading=True)
        return found.get(key)

    def _held(self, row: Any, alarm: Any) -> Held:
        states = self._unpack(row).states
        ds = states.frequency.times(states.starts[:1], states.lengths[:1] - 1)[0]
        return Held(states.ids[0], row.sequence, ds, alarm and self._alarm(alarm))

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
        ahead = None if row.ahead is None else Interval.unpack(row.ahead, self.model.h, self._kind)
        return Kept(row.version, states, ahead)

    def _require_room(self, connection: Any, wanted: int) -> None:
        count = self.store.count(connection, self._key)
        if count + wanted > self.most:
            raise StoreFullError(
                f"the store holds {count:,} series of this model, and takes {self.most:,}: delete some, or raise `most`"
            )

    def _repeat(
        self, connection: Any, before: Mapping[str, Kept], rows: Sequence[Any], future: Any
    ) -> list[StreamAnswer]:
        """The answer once more to an update that is in the store already."""
        stream, names = self._stream(before), {key_of(name): name for name in map(name_of, rows)}
        try:
            forecasts = stream.update(rows, future)
        except DataError as error:
            raise SequenceError(f"this sequence number came before, with another row: {error}") from error
        alarms: dict[Any, Alarm] = {}
        for key, name in names.items():
            if not before[key].states.equals(stream.states.only(name)):
                raise SequenceError(f"series {brief(name)}: this sequence number came before, with another row")
            for row in self.store.alarms(connection, self._key, key, len(rows), before[key].version):
                alarms[key, row.ds] = self._alarm(row)
        places = [(key_of(name_of(row)), int(self._time(row).astype(np.int64))) for row in rows]
        return [StreamAnswer(own, alarms.get(place)) for own, place in zip(forecasts, places, strict=True)]

    def _judge(
        self, rows: Sequence[Any], forecasts: Sequence[Any], ahead: dict[str, Interval | None]
    ) -> tuple[list[StreamAnswer], dict[str, Interval | None]]:
        """Which observations lie outside the interval that was forecast for them last; the intervals that now stand."""
        answers = []
        for row, forecast in zip(rows, forecasts, strict=True):
            name, key = name_of(row), key_of(name_of(row))
            answers.append(StreamAnswer(forecast, outside(name, self._time(row), read_y(row["y"]), ahead.get(key))))
            ahead[key] = Interval.of(forecast, self.alarm)
        return answers, ahead

    def _time(self, row: Any) -> Any:
        return read_time(row["ds"], self.model.reading.time_format)

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
                "ahead": kept.ahead and kept.ahead.pack(),
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
