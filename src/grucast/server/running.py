"""The server's process: how it listens, how slow clients are dropped, how it ends."""

import asyncio
import contextlib
import json
import logging
import signal
import socket
import time
import warnings
import webbrowser
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from grucast.errors import DataWarning
from grucast.server.app import create_app
from grucast.server.settings import ServerSettings

HEADER_SECONDS = 10.0  # from a connection to its first whole request
IDLE_SECONDS = 5  # from an answer to the next request
LARGEST_HEADER = 32 * 2**10  # bytes


class Protocol(H11Protocol):
    """HTTP/1.1 that drops a connection whose first request does not come."""

    def connection_made(self, transport: Any) -> None:
        """Give it some time."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(HEADER_SECONDS, self.drop_if_silent)

    def drop_if_silent(self) -> None:
        """Close what has sent no whole header yet."""
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._patience.cancel()
        super().connection_lost(exc)


class Server(uvicorn.Server):
    """A server that says where its page is, and answers what it has taken before it ends, with exit code 0."""

    def __init__(self, config: uvicorn.Config, app: Any, grace: float, browse: bool) -> None:
        super().__init__(config)
        self._app, self._grace, self._browse = app, grace, browse

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and open the page if that is wanted."""
        await super().startup(sockets)
        if not self.servers:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        logging.getLogger("grucast.server").info("the page is at %s", address)
        if self._browse:
            await asyncio.to_thread(webbrowser.open, address)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain at SIGTERM and SIGINT; a second one ends at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain)
        yield

    def drain(self) -> None:
        """Say that the server is not ready any more; after the grace no connection is taken."""
        if self._app.app.state.draining:
            self.should_exit = True
            return
        self._app.app.state.draining = True
        asyncio.get_running_loop().call_later(self._grace, setattr, self, "should_exit", True)


class Lines(logging.Formatter):
    """A line for people, or an object of JSON for programs."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line; an exception follows its message within it."""
        fields = {"time": round(time.time(), 3), "level": record.levelname.lower(), "message": record.getMessage()}
        fields |= getattr(record, "fields", {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(fields, ensure_ascii=True)
        return " ".join(str(value) for value in fields.values())


def set_up_logs(as_json: bool) -> None:
    """Write what the server says to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(as_json))
    for name in ("grucast.server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)


def run(settings: ServerSettings, log_json: bool = False, browse: bool = False) -> None:
    """Serve until a signal ends it.

    Args:
        settings: What is served, to whom.
        log_json: Write the log as JSON.
        browse: Open the page in the browser of this machine.

    Raises:
        ModelFileError: A model's file is damaged or of another kind.
    """
    app = create_app(settings)
    warnings.simplefilter("ignore", DataWarning)  # clients see what has no forecast
    set_up_logs(log_json)
    config = uvicorn.Config(
        app,
        settings.host,
        settings.port,
        http=Protocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=int(settings.limits.seconds) + 1,
        h11_max_incomplete_event_size=LARGEST_HEADER,
    )
    Server(config, app, settings.limits.grace, browse).run()
