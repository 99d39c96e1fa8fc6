"""Forecasts over HTTP: `grucast serve`; needs the extra serve."""

from grucast.errors import MissingExtraError

try:
    import fastapi as _fastapi  # noqa: F401
    import prometheus_client as _prometheus  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ImportError as error:
    raise MissingExtraError("FastAPI (for the server)", "serve") from error

from grucast.server.app import create_app as create_app
from grucast.server.settings import ServerSettings as ServerSettings

__all__ = ["ServerSettings", "create_app"]
