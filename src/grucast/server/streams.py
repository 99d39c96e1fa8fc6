"""/v1/streams: observations as they come, the forecast after each, and alarms; kept in the store."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from grucast.server import metrics, tables
from grucast.server import stream_bodies as bodies
from grucast.server.forecasts import choose
from grucast.server.live import LiveStreams, as_problems
from grucast.server.models import Served
from grucast.server.problems import Overloaded, Problem, Unusable
from grucast.store import Alarm, StoredStream, StreamAnswer, Update
from grucast.store.keys import LARGEST_SEQUENCE

router = APIRouter(prefix="/v1/streams", tags=["streams"])
T = TypeVar("T")
FOLLOWERS = 64  # clients that wait for alarms
LOOK = 1.0  # seconds from one look for alarms to the next
QUIET = 15.0  # seconds until a line without meaning shows that the connection is there


class Asked:
    """A model of a request, and its streams."""

    def __init__(self, name: str, served: Served, live: LiveStreams) -> None:
        self.name, self._served, self.live = name, served, live

    async def call(self, work: Callable[[StoredStream], T]) -> T:
        """What `work` gives of the model's stream."""
        return await self.live.call(self._served, work)

    async def update(self, update: Update) -> list[StreamAnswer]:
        """The answers of the model's stream."""
        return await self.live.update(self._served, update)


async def asked_for(
    request: Request,
    model: Annotated[str | None, Query(description="The model's name; may be omitted where there is only one")] = None,
) -> Asked:
    """The model that a request names."""
    state = request.app.state
    return Asked(*choose(state.models, model), state.streams)


async def named(
    series: Annotated[str, Path(description="The series' name, as text; encode it: %2F is a slash", examples=["a"])],
) -> str:
    """The series that an address names.

    Raises:
        Unusable: It is not UTF-8: several such names would be one.
    """
    if "\ufffd" in series:
        raise Unusable("the series' name in the address is not UTF-8: encode it so, then by percent signs")
    return series


Model = Annotated[Asked, Depends(asked_for)]
Series = Annotated[str, Depends(named)]


def said(**fields: Any) -> Response:
    """An answer of JSON."""
    return Response(tables.dumps(fields), media_type="application/json")


@router.get("", response_model=bodies.ToldStreams)
async def list_streams(
    model: Model,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str | None, Query(max_length=1000, description="`next` of the answer before")] = None,
) -> Response:
    """The series of a model, with their last steps and alarms, so many at once."""
    last = None if after is None else bodies.read_cursor(after)
    held = await model.call(lambda live: live.held(limit, last))
    streams = [bodies.told_series(own) for own in held]
    return said(model=model.name, streams=streams, next=bodies.cursor_of(held, limit))


@router.post(
    "/{series:path}/observations",
    response_model=bodies.ToldUpdate,
    openapi_extra=tables.documented(bodies.ManyOrOne),
)
async def observe(
    request: Request,
    series: Series,
    model: Model,
    sequence: Annotated[
        int | None,
        Query(ge=0, le=LARGEST_SEQUENCE, description="A number that rises from request to request of a series"),
    ] = None,
) -> Response:
    """Take in an observation, or several, all or none, and forecast after the last; it is stored before the answer.

    With the last `sequence` again the same request changes nothing and has the same answer; an older one is a conflict.
    """
    rows, future = bodies.to_rows(series, tables.parse_json(await request.body(), bodies.ManyOrOne))
    with as_problems():
        update = Update.of(rows, future, sequence)
    answers = await model.update(update)
    alarms = [bodies.told_alarm(answer.alarm) for answer in answers if answer.alarm]
    metrics.OBSERVATIONS.labels(model.name).inc(len(rows))
    metrics.ALARMS.labels(model.name).inc(len(alarms))
    return said(
        model=model.name,
        series=series,
        sequence=sequence,
        observations=len(rows),
        alarm=bool(alarms),
        alarms=alarms,
        forecast=bodies.told(answers[-1].forecast if answers else None),
    )


@router.get("/{series:path}/forecast", response_model=bodies.ToldStanding)
async def forecast(series: Series, model: Model) -> Response:
    """The forecast from what is stored, as after the last observation; for models that need no coming values."""
    standing = await model.call(lambda live: live.standing(series))
    return said(
        model=model.name,
        series=series,
        sequence=standing.sequence,
        observed=bodies.told_observed(standing),
        forecast=bodies.told(standing.forecast),
    )


@router.get(
    "/{series:path}/events",
    response_model=bodies.ToldAlarms,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    request: Request,
    series: Series,
    model: Model,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """The latest alarms; as Server-Sent Events, where Accept says text/event-stream, those that come as well."""
    if "text/event-stream" not in accept:
        found = await model.call(lambda live: live.events(series, limit))
        return said(model=model.name, series=series, alarms=[bodies.told_alarm(alarm) for alarm in found])
    if model.live.followers >= FOLLOWERS:
        raise Overloaded
    number = int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 19 else 0
    numbered = await model.call(lambda live: live.events_after(series, number, limit))
    parts = follow(request.app.state, model, series, numbered, number)
    return StreamingResponse(parts, media_type="text/event-stream")


async def follow(
    state: Any, model: Asked, series: str, found: list[tuple[int, Alarm]], last: int
) -> AsyncIterator[str]:
    """Alarms as Server-Sent Events until the client goes or the server ends; where the store is down it waits."""
    model.live.followers += 1
    said = time.monotonic()
    try:
        while not state.draining:
            for number, alarm in found:
                last = number
                yield f"id: {number}\nevent: alarm\ndata: {tables.dumps(bodies.told_alarm(alarm)).decode()}\n\n"
            if found or time.monotonic() - said > QUIET:
                said = time.monotonic()
                yield ": \n\n"
            await asyncio.sleep(LOOK)
            found = []
            with suppress(Problem):
                found = await model.call(partial(StoredStream.events_after, series=series, number=last))
    finally:
        model.live.followers -= 1


@router.delete("/{series:path}", response_model=bodies.ToldDeletion)
async def delete(series: Series, model: Model) -> Response:
    """Forget a series and its alarms."""
    deleted = await model.call(lambda live: live.delete(series))
    return said(model=model.name, series=series, deleted=deleted)
