"""What stands before every request: who may come, from where, how much they send and how slowly; below all routes."""

import asyncio
import hmac
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from grucast.server import metrics
from grucast.server.problems import Problem
from grucast.server.settings import ServerSettings, is_loopback

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
log = logging.getLogger("grucast.server")
# Without a token: health, and the page, which asks for one.
OPEN = ("/v2/health/live", "/v2/health/ready", "/")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class Refused(Problem):
    """A request that goes no further; its status and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, {"connection": "close"})
        self.status = status


class Guard:
    """An application of ASGI around another one."""

    def __init__(self, app: Any, settings: ServerSettings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request through, counted, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, answer = time.perf_counter(), Answer(send)
        try:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            self.admit(scope["path"], headers)
            body = Body(receive, self.settings.limits.body, self.settings.limits.seconds)
            body.announce(headers.get("content-length"))
            await self.app(scope, body.receive, answer.send)
        except Refused as refused:
            await answer.refuse(refused)
        except Exception:
            log.exception("a request failed: %s", answer.id)
            await answer.refuse(Refused(500, "something went wrong here, and is in the server's log"))
        finally:
            route = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - started
            metrics.REQUESTS.labels(route, answer.status).inc()
            metrics.LATENCY.labels(route).observe(seconds)
            about = {"id": answer.id, "method": scope["method"], "route": route, "status": answer.status}
            log.info("request", extra={"fields": about | {"milliseconds": round(seconds * 1e3, 3)}})

    def admit(self, path: str, headers: dict[str, str]) -> None:
        """Refuse who may not come.

        A page of another site could reach this server through its visitor's browser: by a name that it lets lead here
        (the host then is not ours), or by its scripts (the origin is not).

        Raises:
            Refused: The host, the origin or the token is none that may.
        """
        host = headers.get("host", "")
        if not self.is_ours(host):
            raise Refused(421, "this server is not known by that host name")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise Refused(403, "pages of other sites may not call this server")
        if self.settings.token and path not in OPEN and not path.startswith("/page/"):
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self.settings.token.encode()):
                raise Refused(401, "send the token: Authorization: Bearer ...")

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this server; with a token any name may lead to it."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        return bool(self.settings.token) or is_loopback(name.strip("[]"))


class Body:
    """A request's body as it comes in, counted and timed."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self._receive, self._left = receive, most
        self._most, self._end = most, asyncio.get_running_loop().time() + seconds
        self._over = False

    def announce(self, length: str | None) -> None:
        """Refuse what says that it is too large."""
        if length is not None and (not length.isdecimal() or int(length) > self._most):
            raise Refused(413, f"a body may have {self._most:,} bytes")

    async def receive(self) -> Message:
        """The next part.

        Raises:
            Refused: It is too much, or takes too long.
        """
        if self._over:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "the request came too slowly") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise Refused(413, f"a body may have {self._most:,} bytes")
        self._over = not message.get("more_body", False)
        return message


class Answer:
    """What is sent back, with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send, self.status, self.id = send, 0, uuid.uuid4().hex

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name for name, _ in message["headers"]}
            more = [(b"x-request-id", self.id.encode()), *(pair for pair in HEADERS if pair[0] not in own)]
            message["headers"] = [*message["headers"], *more]
        await self._send(message)

    async def refuse(self, refused: Refused) -> None:
        """Say why not, if nothing was said yet."""
        if self.status:
            return
        body = json.dumps({"error": str(refused)}).encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
