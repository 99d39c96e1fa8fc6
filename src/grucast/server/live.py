"""The streams of the models that are served: their store, called in a few threads; its errors as clients get them."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from grucast.errors import (
    GrucastError,
    InputError,
    ModelFileError,
    SequenceError,
    StoreError,
    StoreFullError,
    UnknownSeriesError,
)
from grucast.server.batching import Batcher
from grucast.server.models import Served
from grucast.server.problems import (
    Conflict,
    Damaged,
    NotThere,
    Overloaded,
    Problem,
    StoreDown,
    TooMany,
    TooSlow,
    Unusable,
)
from grucast.server.settings import ServerSettings
from grucast.store import Store, StoredStream, StreamAnswer, Update, open_store

log = logging.getLogger("grucast.server")
THREADS = 8  # that call the store; SQLite has one writer at a time anyway
FEW = 100  # rows of an update that is written together with others
SLOW = "the store took too long, and may have written or not: send it again with the same sequence number"
HOUR = 3600.0
ADVICE = "start the server with --store sqlite:///streams.db, or postgresql://user:password@host/database"
T = TypeVar("T")


class LiveStreams:
    """A stored stream for each model, all in one store.

    Args:
        settings: The store's URL, or None: then there are no streams; how many may wait, for how long.

    Raises:
        ConfigError: The URL names no store.
        StoreError: The store does not answer.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._limits, self._idle = settings.limits, settings.idle
        self._store: Store | None = None if settings.store is None else open_store(settings.store)
        self.followers = 0  # clients that wait for alarms
        self._streams: WeakKeyDictionary[Served, StoredStream] = WeakKeyDictionary()  # models may be dropped
        self._updates: WeakKeyDictionary[Served, Batcher] = WeakKeyDictionary()
        self._threads = ThreadPoolExecutor(THREADS, "store")
        self._room = threading.BoundedSemaphore(settings.limits.queue)

    @property
    def kept(self) -> bool:
        """Whether there is a store."""
        return self._store is not None

    async def call(self, served: Served, work: Callable[[StoredStream], T]) -> T:
        """What `work` gives of a model's stream. What it writes it writes whole or not at all, even if no one waits.

        Raises:
            Conflict: There is no store, or a sequence number is older than the last.
            Overloaded: Too many wait.
            TooSlow: The time is over; what has begun goes on.
            Problem: Others that an error of the store becomes, see `problem_of`.
        """
        store = self._required()
        if not self._room.acquire(blocking=False):
            raise Overloaded
        calling = self._threads.submit(self._work, store, served, work)
        calling.add_done_callback(lambda _: self._room.release())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(calling), self._limits.seconds)
        except TimeoutError:
            raise TooSlow(SLOW) from None

    async def update(self, served: Served, update: Update) -> list[StreamAnswer]:
        """The answers of a model's stream to an update; those that wait are written together, by one commit.

        Raises:
            Problem: As `call` does.
        """
        store = self._required()
        if len(update.rows) > FEW:  # others need not wait for them
            answers: list[StreamAnswer] = await self.call(served, lambda live: live.update(*update[:3]))
            return answers
        if served not in self._updates:
            self._updates[served] = Batcher(partial(self._update_each, store), self._limits)
        try:
            answers = await self._updates[served].submit((served, update))
        except TooSlow:
            raise TooSlow(SLOW) from None
        return answers

    def _required(self) -> Store:
        if self._store is None:
            raise Conflict(f"this server keeps no streams: {ADVICE}")
        return self._store

    def _update_each(self, store: Store, asked: Sequence[tuple[Served, Update]]) -> list[Any]:
        """Answers or problems to updates of one model; one problem of all where the store fails."""
        with as_problems():
            found = self._stream(store, asked[0][0]).update_each([update for _, update in asked])
        return [problem_of(own) if isinstance(own, GrucastError) else own for own in found]

    def _work(self, store: Store, served: Served, work: Callable[[StoredStream], T]) -> T:
        with as_problems():
            return work(self._stream(store, served))

    def _stream(self, store: Store, served: Served) -> StoredStream:
        """That of a model as it is now: one that was loaded again has its own series."""
        model, stream = served.forecaster.model_, self._streams.get(served)
        if stream is None or stream.model is not model:
            stream = self._streams[served] = StoredStream(model, store, most=self._limits.series)
        return stream

    async def drop_idle(self) -> None:
        """Drop series that are idle for too long, now and again, until cancelled; where none is to be, do nothing."""
        while self._store is not None and self._idle is not None:
            try:
                if count := await asyncio.wrap_future(self._threads.submit(self._store.drop_idle, self._idle)):
                    log.info("%d idle series were dropped", count)
            except StoreError as error:
                log.warning("%s", error)
            await asyncio.sleep(min(self._idle / 2, HOUR))

    def close(self) -> None:
        """Let what has begun end, and give back the connections."""
        self._threads.shutdown(cancel_futures=True)
        if self._store is not None:
            self._store.close()


@contextmanager
def as_problems() -> Iterator[None]:
    """Errors of a stored stream as clients get them.

    Raises:
        Problem: One of `problem_of`.
    """
    try:
        yield
    except GrucastError as error:
        raise problem_of(error) from error


def problem_of(error: GrucastError) -> Problem:
    """What clients are told of an error of a stored stream; what the store's driver says is in the log alone."""
    told = str(error)
    match error:
        case UnknownSeriesError():
            return NotThere(told)
        case SequenceError():
            return Conflict(told)
        case ModelFileError():
            log.error("a stored series is damaged: %s", told)
            return Damaged("what is stored of this series is damaged: DELETE it and begin again")
        case InputError():
            return Unusable(told)
        case StoreFullError():
            return TooMany(told)
    log.warning("%s", told)
    return StoreDown()
