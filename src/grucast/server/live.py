"""The streams of the models that are served: their store, called in a few threads; its errors as clients get them."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from grucast.errors import (
    InputError,
    ModelFileError,
    SequenceError,
    StoreError,
    StoreFullError,
    UnknownSeriesError,
)
from grucast.server.models import Served
from grucast.server.problems import Conflict, Damaged, NotThere, Overloaded, StoreDown, TooMany, TooSlow, Unusable
from grucast.server.settings import ServerSettings
from grucast.store import Store, StoredStream, open_store

log = logging.getLogger("grucast.server")
THREADS = 8  # that call the store; SQLite has one writer at a time anyway
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
        self._streams: dict[str, StoredStream] = {}
        self._threads = ThreadPoolExecutor(THREADS, "store")
        self._room = threading.BoundedSemaphore(settings.limits.queue)

    @property
    def kept(self) -> bool:
        """Whether there is a store."""
        return self._store is not None

    async def call(self, name: str, served: Served, work: Callable[[StoredStream], T]) -> T:
        """What `work` gives of a model's stream. What it writes it writes whole or not at all, even if no one waits.

        Raises:
            Conflict: There is no store, or a sequence number is older than the last.
            Overloaded: Too many wait.
            TooSlow: The time is over; what has begun goes on.
            Problem: Others that an error of the store becomes, see `as_problems`.
        """
        if self._store is None:
            raise Conflict(f"this server keeps no streams: {ADVICE}")
        if not self._room.acquire(blocking=False):
            raise Overloaded
        calling = self._threads.submit(self._work, self._store, name, served, work)
        calling.add_done_callback(lambda _: self._room.release())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(calling), self._limits.seconds)
        except TimeoutError:
            raise TooSlow(
                "the store took too long, and may have written or not: send it again with the same sequence number"
            ) from None

    def _work(self, store: Store, name: str, served: Served, work: Callable[[StoredStream], T]) -> T:
        """Call with the stream of the model as it is now: one that was loaded again has its own series."""
        model, stream = served.forecaster.model_, self._streams.get(name)
        with as_problems():
            if stream is None or stream.model is not model:
                stream = self._streams[name] = StoredStream(model, store, most=self._limits.series)
            return work(stream)

    async def drop_idle(self) -> None:
        """Drop series that are idle for too long, now and again, until cancelled; where none is to be, do nothing."""
        while self._store is not None and self._idle is not None:
            try:
                count = await asyncio.wrap_future(self._threads.submit(self._store.drop_idle, self._idle))
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
    """Errors of a stored stream as clients get them; what the store's driver says is in the log alone.

    Raises:
        NotThere: No observation of the series came yet.
        Conflict: The sequence number is older than the last, or came with another row.
        Unusable: A row cannot be used.
        TooMany: The store holds as many series as it takes.
        StoreDown: The store does not answer.
        Damaged: What is stored cannot be read.
    """
    try:
        yield
    except UnknownSeriesError as error:
        raise NotThere(str(error)) from error
    except SequenceError as error:
        raise Conflict(str(error)) from error
    except ModelFileError as error:
        log.exception("a stored series is damaged")
        raise Damaged("what is stored of this series is damaged: DELETE it and begin again") from error
    except InputError as error:
        raise Unusable.of(error) from error
    except StoreFullError as error:
        raise TooMany(str(error)) from error
    except StoreError as error:
        log.warning("%s", error)
        raise StoreDown from error
