"""The models that are served: by name, each with its queue, and loaded again when their files change."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from grucast.errors import ConfigError, GrucastError, ModelFileError
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.loading import load
from grucast.server import metrics
from grucast.server.batching import Batcher
from grucast.server.problems import NotThere, Unusable
from grucast.server.settings import Limits

log = logging.getLogger("grucast.server")
LOOK = 2.0  # seconds from one look at the files to the next


class Ask(NamedTuple):
    """A forecast that a client wants."""

    history: pl.DataFrame
    future: pl.DataFrame | None
    level: tuple[float, ...] | None


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
        self.batcher = Batcher(self.forecast, limits)

    def forecast(self, asked: Sequence[Ask]) -> list[Any]:
        """A forecast for each, or why there is none. Those that ask for the same are computed at once."""
        metrics.BATCH.observe(len(asked))
        groups: dict[Any, list[int]] = {}
        for place, ask in enumerate(asked):
            groups.setdefault(kind_of(ask), []).append(place)
        answers: list[Any] = [None] * len(asked)
        for places in groups.values():
            for place, answer in zip(places, together(self.forecaster, [asked[p] for p in places]), strict=True):
                answers[place] = answer
        return answers


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
    """A forecaster of a file, which has shown that it forecasts numbers.

    Raises:
        ModelFileError: It is damaged, of another kind, or forecasts something else.
    """
    forecaster = load(path)
    if not isinstance(forecaster, GRUForecaster):
        raise ModelFileError("the file holds no forecaster, and only these are served")
    return forecaster


def kind_of(ask: Ask) -> Any:
    """What requests must share to be forecast at once."""
    return tuple(ask.history.schema.items()), ask.future is None or tuple(ask.future.schema.items()), ask.level


def together(forecaster: GRUForecaster, asked: Sequence[Ask]) -> list[Any]:
    """Forecasts of several at once; where that fails, each by itself, so that one's error is only its own."""
    if len(asked) == 1:
        return [alone(forecaster, asked[0])]
    try:
        joined = Ask(
            pl.concat(marked(ask.history, place) for place, ask in enumerate(asked)),
            None if asked[0].future is None else pl.concat(marked(a.future, i) for i, a in enumerate(asked)),
            asked[0].level,
        )
        found = predict(forecaster, joined)
    except (GrucastError, pl.exceptions.PolarsError):
        return [alone(forecaster, ask) for ask in asked]
    places = found["unique_id"].str.extract(r"^(\d+) ", 1).cast(pl.Int64)
    plain = found.with_columns(pl.col("unique_id").str.replace(r"^\d+ ", ""))
    answers = [plain.filter(places == place) for place in range(len(asked))]
    return [alone(forecaster, asked[i]) if own["GRU"].is_nan().all() else own for i, own in enumerate(answers)]


def marked(frame: Any, place: int) -> pl.DataFrame:
    """A frame whose series no other request has."""
    own: pl.DataFrame = frame.with_columns(pl.format("{} {}", pl.lit(place), pl.col("unique_id")).alias("unique_id"))
    return own


def alone(forecaster: GRUForecaster, ask: Ask) -> Any:
    """The forecast of one, or why there is none."""
    try:
        return predict(forecaster, ask)
    except GrucastError as error:
        return Unusable.of(error)


def predict(forecaster: GRUForecaster, ask: Ask) -> pl.DataFrame:
    """What `GRUForecaster.predict` gives."""
    try:
        frame = forecaster.predict(ask.history, future=ask.future, level=ask.level)
    except ConfigError as error:
        raise Unusable.of(error) from error
    return pl.DataFrame(frame)
