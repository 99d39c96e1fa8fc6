"""The sequence extension of /v2: windows with a sequence_id go on from those before, in the stream of that name.

Source: Triton's extension_sequence.md.
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from grucast.forecasting.frames import column_places
from grucast.server.live import LiveStreams
from grucast.server.models import Served
from grucast.server.problems import Problem, TooLarge, Unusable
from grucast.server.stream_bodies import MOST
from grucast.store import StoredStream


class InSequence(NamedTuple):
    """Where a request stands in its sequence, whose id is the name of a series; 7 and "7" are one."""

    series: str
    start: bool
    end: bool


def place_of(parameters: dict[str, Any]) -> InSequence | None:
    """That of a request with these parameters; None of one by itself, as ids 0 and "" say, too.

    Raises:
        Problem: The id is neither text nor an integer, or start and end are not true or false.
    """
    name = parameters.get("sequence_id", 0)
    start, end = parameters.get("sequence_start", False), parameters.get("sequence_end", False)
    if type(name) not in (int, str) or type(start) is not bool or type(end) is not bool:
        raise Problem("sequence_id is text or an integer, sequence_start and sequence_end are true or false")
    return InSequence(str(name), start, end) if name else None


async def follow(live: LiveStreams, served: Served, place: InSequence, history: pl.DataFrame) -> dict[str, Any]:
    """Take in the steps of one window and forecast after the last: arrays (1, h), NaN where nothing is known.

    Raises:
        Problem: The sequence has not begun, there is more than one window, or the store is in the way.
    """
    model, rows = served.forecaster.model_, history.select("ds", "y")
    if history["unique_id"].n_unique() > 1:
        raise Unusable("a request of a sequence has one window: y (1, T), and ds (1,)")
    if len(rows) > MOST:
        raise TooLarge(f"a request of a sequence may have {MOST:,} steps")
    if model.frequency.zone:
        rows = rows.with_columns(pl.col("ds").dt.replace_time_zone("UTC"))
    forecast = await live.call(served, lambda stream: take_in(stream, place, rows.to_dicts()))
    if forecast is None:
        last = history["ds"].to_numpy()[-1:]
        unknown = dict.fromkeys(column_places(model.level), np.full((1, model.h), np.nan))
        return {"ds": as_integers(model.frequency.times(last, np.arange(1, model.h + 1)))[None], **unknown}
    _, ds, *quantiles = forecast
    return {"ds": as_integers(forecast[ds])[None], **{column: forecast[column][None] for column in quantiles}}


def take_in(stream: StoredStream, place: InSequence, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The forecast after the last row; a start forgets what came before it, an end all of it."""
    if place.start:
        stream.delete(place.series)
    elif place.series not in stream:
        raise Problem(f"sequence {place.series:.100} has not begun: send its first request with sequence_start")
    answers = stream.update([row | {"unique_id": place.series} for row in rows])
    if place.end:
        stream.delete(place.series)
    found: dict[str, Any] | None = answers[-1].forecast
    return found


def as_integers(times: Any) -> Any:
    """Time stamps as microseconds since 1970, or the integers that they are."""
    return times.astype("datetime64[us]").astype(np.int64) if times.dtype.kind == "M" else times
