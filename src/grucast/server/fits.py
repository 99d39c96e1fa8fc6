"""/v1/data and /v1/fit: files that are looked at and forecast, by a training in a process of its own."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from grucast.data.reading.options import Options
from grucast.errors import GrucastError
from grucast.forecasting.arguments import valid_level
from grucast.server import tables
from grucast.server.child import in_child
from grucast.server.forecasts import to_levels
from grucast.server.jobs import Job, Jobs
from grucast.server.look import look
from grucast.server.problems import Problem, Unusable
from grucast.server.uploads import Upload, Uploads

router = APIRouter(prefix="/v1", tags=["training"])
READING = set(Options.__annotations__) - {"query"}  # a query could ask a database for files of this machine
READ_SECONDS = 30.0
LARGEST = 10_000  # steps of a horizon or a season
Steps = Annotated[int | None, Query(ge=1, le=LARGEST)]


class EventStream(StreamingResponse):
    """Server-Sent Events."""

    media_type = "text/event-stream"


class ReadRequest(BaseModel):
    """How a file is to be read, as `grucast.read` takes it, and which series to show."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"options": {"decimal": ","}}})
    options: dict[str, str | float | int | bool | list[str] | None] = Field({}, max_length=len(READING))
    series: str | None = None


@router.post("/data", status_code=201)
async def bring(request: Request, name: Annotated[str, Query(max_length=300)] = "data") -> dict[str, Any]:
    """Bring a file of any kind that `grucast.read` takes; what is in it, and what is wrong."""
    uploads: Uploads = request.app.state.uploads
    content = await request.body()
    if not content:
        raise Problem("the body is empty: send the content of a file")
    return await described(uploads.add(name, content), None)


@router.post("/data/{key}", openapi_extra=tables.documented(ReadRequest))
async def read_again(key: str, request: Request) -> dict[str, Any]:
    """Look at the file with these options, which trainings on it have then, too."""
    upload = request.app.state.uploads[key]
    asked = tables.parse_json(await request.body(), ReadRequest)
    upload.options = allowed(asked.options)
    return await described(upload, asked.series)


@router.post("/fit", status_code=202)
async def fit(
    request: Request,
    data: Annotated[str | None, Query(description="The file's id; the body is the file if there is none")] = None,
    name: Annotated[str, Query(max_length=300)] = "data",
    h: Steps = None,
    season_length: Steps = None,
    level: Annotated[str, Query(max_length=100)] = "80,95",
    max_time: Annotated[float | None, Query(gt=0, le=86_400, description="Seconds, for each of two trainings")] = None,
    seed: Annotated[int, Query(ge=0, le=2**31)] = 1,
) -> dict[str, Any]:
    """Train on a file as `grucast.forecast` does: test on the last windows, train on all, forecast."""
    uploads: Uploads = request.app.state.uploads
    if data is None:
        upload = uploads.add(name, await request.body())
        given = {name: value for name, value in request.query_params.items() if name in READING}
        upload.options = allowed({name: json_or_text(value) for name, value in given.items()})
    else:
        upload = uploads[data]
    jobs: Jobs = request.app.state.jobs
    settings = {"h": h, "season_length": season_length, "max_time": max_time, "seed": seed, "level": levels(level)}
    return about(jobs.submit(upload.folder / upload.name, settings | {"options": upload.options}))


@router.get("/fit/{key}")
async def state(key: str, request: Request) -> dict[str, Any]:
    """Where a training stands, and what was found when it is done."""
    job: Job = request.app.state.jobs[key]
    return about(job) | (job.result() if job.state == "done" else {})


@router.delete("/fit/{key}")
async def stop(key: str, request: Request) -> dict[str, Any]:
    """Stop a training."""
    jobs: Jobs = request.app.state.jobs
    await jobs.stop(jobs[key])
    return about(jobs[key])


@router.get(
    "/fit/{key}/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def events(
    key: str, request: Request, last_event_id: Annotated[str | None, Header(max_length=20)] = None
) -> EventStream:
    """The progress of a training as Server-Sent Events: step, steps, loss, validation, seconds, remaining."""
    job: Job = request.app.state.jobs[key]
    start = int(last_event_id) + 1 if last_event_id and last_event_id.isdecimal() else 0

    async def frames() -> AsyncIterator[str]:
        async for number, event in job.follow(start):
            if request.app.state.draining:
                return
            yield f"id: {number}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n" if event else ": \n\n"

    return EventStream(frames())


async def described(upload: Upload, series: str | None) -> dict[str, Any]:
    """What is in a file."""
    given = str(upload.folder), upload.name, upload.options, series
    found: dict[str, Any] = await in_child(look, *given, seconds=READ_SECONDS)
    return {"id": upload.id, "name": upload.name} | found


def allowed(options: dict[str, Any]) -> dict[str, Any]:
    """The options of reading that clients may give.

    Raises:
        Unusable: One is none of them.
    """
    given = {name: value for name, value in options.items() if value not in (None, [])}
    if unknown := given.keys() - READING:
        raise Unusable(f"there is no option {min(unknown)}: give some of {', '.join(sorted(READING))}")
    return given


def json_or_text(value: str) -> Any:
    """A number, true or false as JSON has it; else the text itself."""
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, bool | int | float) else value


def levels(text: str) -> list[float]:
    """The percentages of a text.

    Raises:
        Unusable: They are none.
    """
    try:
        return list(valid_level(to_levels(text)))
    except GrucastError as error:
        raise Unusable.of(error) from error


def about(job: Job) -> dict[str, Any]:
    """A training as clients know it."""
    return {"id": job.id, "state": job.state, "file": job.settings["file"], "model": job.model, **job.events[-1]}
