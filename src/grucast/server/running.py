"""The server's process: how it listens, how slow clients are dropped, how it ends."""

import asyncio
import contextlib
import json
import logging
import re
import signal
import socket
import sys
import time
import warnings
import webbrowser
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from grucast.errors import DataWarning
from grucast.server import metrics
from grucast.server.app import create_app
from grucast.server.problems import Overloaded
from grucast.server.settings import ServerSettings

HEADER_SECONDS = 10.0  # from a connection, or an answer, to the whole head of the next request
IDLE_SECONDS = 5  # from an answer to the next request
SWITCH = 1e-4  # seconds: the thread that forecasts would wait 5 ms for each turn while the loop refuses requests
AT_ONCE = 64 * 2**10  # bytes that are read before others have their turn: as chunks of one byte they take 0.2 s
LARGEST_HEADER = 32 * 2**10  # bytes


SAID = json.dumps({"error": str(Overloaded())}).encode()
FULL = (
    b"HTTP/1.1 503 \r\nretry-after: 1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(SAID)
    + SAID
)
REFUSED = metrics.REQUESTS.labels("none", 503)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,9})\r\n", re.IGNORECASE)


class Protocol(H11Protocol):
    """HTTP/1.1 that drops silent connections, and refuses at once what is too much."""

    def data_received(self, data: bytes) -> None:
        """Take in what came, unless it is one whole request more than the server may have at work.

        To refuse so takes 0.02 ms, where reading its head takes ten times as long and would leave none for the others.
        """
        idle = self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE and not self.conn.trailing_data[0]
        if not (data.startswith(b"POST ") and idle and self.app.load.is_full() and is_whole(data)):
            super().data_received(data)
            return
        self.transport.write(FULL)
        REFUSED.inc()
        self.on_response_complete()

    def handle_events(self) -> None:
        """Read what came; a request that begins is counted, since its task starts later."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self.app.load.coming += 1
            self._patience.cancel()

    def connection_made(self, transport: Any) -> None:
        """Give it some time."""
        super().connection_made(transport)
        transport.max_size = AT_ONCE
        self.wait()

    def on_response_complete(self) -> None:
        """Give it some time to take in the answer, and for the next request."""
        self._patience.cancel()
        self.wait()
        super().on_response_complete()

    def wait(self) -> None:
        """Look again later, unless a request comes."""
        self._patience = self.loop.call_later(HEADER_SECONDS, self.drop, self.transport.get_write_buffer_size())

    def drop(self, before: int) -> None:
        """End a connection that says nothing, or has taken in nothing of an answer of which so many bytes were left."""
        left = self.transport.get_write_buffer_size()
        if 0 < left < before:
            self.wait()
        elif left:
            self.transport.abort()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._patience.cancel()
        super().connection_lost(exc)


def is_whole(data: bytes) -> bool:
    """Whether these are the bytes of one request, with a body of the length that it announces."""
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = LENGTH.findall(head + b"\r\n")
    return len(lengths) == 1 and int(lengths[0]) == len(body) and b"transfer-encoding" not in head.lower()


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
    sys.setswitchinterval(SWITCH)
    warnings.simplefilter("ignore", DataWarning)  # clients see what has no forecast
    set_up_logs(log_json)
    config = uvicorn.Config(
        app,
        settings.host,
        settings.port,
        http=Protocol,
        loop="asyncio",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=int(settings.limits.seconds) + 1,
        h11_max_incomplete_event_size=LARGEST_HEADER,
    )
    Server(config, app, settings.limits.grace, browse).run()
