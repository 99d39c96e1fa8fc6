"""The models that are served: by name, each with its queue, and loaded again when their files change."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from grucast.errors import GrucastError, ModelFileError
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.loading import load
from grucast.server import metrics
from grucast.server.asking import Ask, Outlook, forecast_all, is_short, read_all, read_plain
from grucast.server.batching import Batcher
from grucast.server.problems import NotThere, Overloaded, Unusable
from grucast.server.settings import Limits

log = logging.getLogger("grucast.server")
QUICK = 0.005  # seconds that others on the loop may wait for forecasts
LOOK = 2.0  # seconds from one look at the files to the next


class Stamp(NamedTuple):
    """What tells that a file has changed."""

    written: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """That of a file."""
        about = path.stat()
        return cls(about.st_mtime_ns, about.st_size, about.st_ino)


class Served:
    """A model and who waits for it.

    Args:
        path: Its file.
        limits: Of its queue.

    Raises:
        ModelFileError: The file is no model of a forecaster, or damaged.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.stamp = path, Stamp.of(path)
        self.forecaster = open_model(path)
        self.waiting = 0
        self._limits = limits
        self._each = 1.0  # seconds of the processor that a series took; not known before the first
        self._reader = Batcher(read_all, limits)
        self._forecaster = Batcher(self.forecast, limits, self.read_short, self.is_quick)

    async def answer(self, ask: Ask) -> Any:
        """The answer to a client.

        Raises:
            Problem: The data cannot be used, or the server has too much to do.
        """
        if self.waiting >= self._limits.queue:
            raise Overloaded
        self.waiting += 1
        try:
            found = await self._forecaster.submit(ask if is_short(ask) else await self._read(ask))
            if found is None:
                found = await self._forecaster.submit(await self._read(ask))
            return ask.write(found) if found.is_short else await asyncio.to_thread(ask.write, found)
        except GrucastError as error:
            raise Unusable.of(error) from error
        finally:
            self.waiting -= 1

    async def _read(self, ask: Ask) -> Any:
        return await self._reader.submit((self.forecaster.model_, ask))

    def forecast(self, ends: Sequence[Outlook | None]) -> list[Outlook | None]:
        """The forecast of each that there is."""
        start = time.thread_time()
        done = forecast_all(ends)
        self._each = (time.thread_time() - start) / max(series_of(ends), 1)
        return done

    def is_quick(self, ends: Sequence[Outlook | None]) -> bool:
        """Whether forecasts take less time than to wait for a thread's turns."""
        return series_of(ends) * self._each < QUICK

    def read_short(self, ask: Ask | Outlook) -> Outlook | None:
        """The ends of a short history, if it is plain."""
        return ask if isinstance(ask, Outlook) else read_plain(self.forecaster.model_, ask)


def series_of(ends: Sequence[Outlook | None]) -> int:
    """How many series there are."""
    return sum(len(found.end.ids) for found in ends if found)


class Models:
    """Models by name.

    Args:
        paths: Their files.
        limits: Of their queues.

    Raises:
        ModelFileError: A file is no model of a forecaster, or damaged.
    """

    def __init__(self, paths: dict[str, Path], limits: Limits) -> None:
        self._limits = limits
        self._served: dict[str, Served] = {}
        for name, path in paths.items():
            self.add(name, path)

    def __getitem__(self, name: str) -> Served:
        if name not in self._served:
            raise NotThere("there is no model of that name: GET /v1/models lists them")
        return self._served[name]

    def __iter__(self) -> Any:
        return iter(list(self._served))

    def add(self, name: str, path: Path) -> None:
        """Serve another model."""
        self._served[name] = Served(path, self._limits)

    def drop(self, name: str) -> None:
        """Serve a model no more."""
        self._served.pop(name, None)

    async def follow(self) -> None:
        """Load again what changes, until cancelled; what cannot be loaded leaves the old model at work."""
        while True:
            await asyncio.sleep(LOOK)
            for name, served in list(self._served.items()):
                await asyncio.to_thread(self.refresh, name, served)

    def refresh(self, name: str, served: Served) -> None:
        """Load a model again if its file has changed."""
        try:
            stamp = Stamp.of(served.path)
            if stamp == served.stamp:
                return
            served.stamp = stamp
            served.forecaster = open_model(served.path)
        except (GrucastError, OSError) as error:
            metrics.RELOADS.labels(name, "refused").inc()
            log.warning("the new file of model %s is refused, the old model goes on: %s", name, error)
        else:
            metrics.RELOADS.labels(name, "loaded").inc()
            log.info("model %s was loaded again", name)


def open_model(path: Path) -> GRUForecaster:
    """The forecaster of a file; what loads it refuses weights that are no numbers.

    Raises:
        ModelFileError: It is damaged, or of another kind.
    """
    forecaster = load(path)
    if not isinstance(forecaster, GRUForecaster):
        raise ModelFileError("the file holds no forecaster, and only these are served")
    return forecaster
