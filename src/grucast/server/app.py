"""The application: routes, what they share, and how errors are said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from grucast.server import fits, forecasts, inference, metrics, pages, results, streams
from grucast.server.guard import Guard
from grucast.server.jobs import Jobs
from grucast.server.live import LiveStreams
from grucast.server.models import Models
from grucast.server.problems import Problem
from grucast.server.settings import ServerSettings
from grucast.server.uploads import Uploads


def create_app(settings: ServerSettings) -> Any:
    """The server's application, for any server of ASGI.

    Raises:
        ModelFileError: A model's file is damaged or of another kind.
        StoreError: The store does not answer.

    >>> from grucast.server import ServerSettings, create_app
    >>> create_app(ServerSettings()).app.title
    'grucast'
    """
    about: dict[str, Any] = {"title": "grucast", "version": version("grucast"), "docs_url": None, "redoc_url": None}
    app = FastAPI(**about, lifespan=lifespan, redirect_slashes=False)
    app.state.settings, app.state.draining = settings, False
    app.state.models = Models(settings.models, settings.limits)
    app.state.streams = LiveStreams(settings)
    for part in (inference, forecasts, fits, results, streams, pages):
        app.include_router(part.router)
    app.add_api_route("/metrics", exposition, include_in_schema=False)
    app.add_exception_handler(Problem, say_problem)
    app.add_exception_handler(HTTPException, say_status)
    app.add_exception_handler(RequestValidationError, say_invalid)
    guard = Guard(app, settings)
    app.state.load = guard.load
    return guard


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow the models' files, drop idle streams; what clients bring is kept in a folder that goes with the server."""
    state = app.state
    tasks = [asyncio.create_task(work) for work in (state.models.follow(), state.streams.drop_idle())]
    with TemporaryDirectory(prefix="grucast-") as folder:
        state.uploads = Uploads(Path(folder, "files"), state.settings.limits.kept)
        state.jobs = Jobs(Path(folder, "trainings"), state.settings.limits, state.models)
        yield
        await state.jobs.close()
    for task in tasks:
        task.cancel()
    app.state.streams.close()


async def exposition(request: Request) -> Response:
    """What is counted, for Prometheus."""
    models: Models = request.app.state.models
    for name in models:
        metrics.WAITING.labels(name).set(models[name].waiting)
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")


async def say_problem(_request: Request, problem: Any) -> JSONResponse:
    """A request that gets no answer."""
    return JSONResponse({"error": str(problem)}, problem.status, problem.headers)


async def say_status(_request: Request, error: Any) -> JSONResponse:
    """What the framework refuses: no such route, no such method."""
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


async def say_invalid(_request: Request, error: Any) -> JSONResponse:
    """Parameters that are not as they must be."""
    first = error.errors()[0]
    return JSONResponse({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)
