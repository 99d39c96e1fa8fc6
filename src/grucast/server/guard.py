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
from grucast.server.load import Load
from grucast.server.problems import Overloaded, Problem
from grucast.server.settings import Limits, ServerSettings, is_loopback

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


SKIPPED = 64 * 2**10  # bytes of a body that are read though the answer is given; beyond, the connection ends


class Refused(Problem):
    """A request that goes no further; its status and why."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message, headers or {"connection": "close"})
        self.status = status


class Guard:
    """An application of ASGI around another one."""

    def __init__(self, app: Any, settings: ServerSettings) -> None:
        self.app, self.settings = app, settings
        self.load = Load(settings.limits)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a request through, counted, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.load.coming = max(self.load.coming - 1, 0)  # other servers of ASGI count none
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = Body(receive, self.settings.limits, headers, self.load)
        started, answer = time.perf_counter(), Answer(send, body, self.load)
        try:
            self.admit(scope["path"], headers)
            body.announce()
            if scope["method"] == "POST" and self.load.is_full(body.length):
                raise Refused(503, str(Overloaded()), Overloaded().headers)
            with self.load.working():
                await self.app(scope, body.receive, answer.send)
        except Refused as refused:
            await answer.refuse(refused)
        except Exception:
            log.exception("a request failed: %s", answer.id)
            await answer.refuse(Refused(500, "something went wrong here, and is in the server's log"))
        finally:
            body.release()
            answer.release()
            self.note(scope, answer, time.perf_counter() - started)

    def note(self, scope: Message, answer: "Answer", seconds: float) -> None:
        """Count a request, and write it to the log."""
        route = getattr(scope.get("route"), "path", "none")
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

    def __init__(self, receive: Receive, limits: Limits, headers: dict[str, str], load: Load) -> None:
        self._receive, self._most, self._load = receive, limits.body, load
        self._headers, self._said = headers, headers.get("content-length", "0")
        self._endless = "transfer-encoding" in headers
        self._end = asyncio.get_running_loop().time() + limits.seconds
        self._taken, self._over = 0, False

    @property
    def length(self) -> int:
        """Bytes that it announces; 0 where it has none or does not say."""
        return int(self._said) if self._said.isdecimal() else 0

    @property
    def is_left(self) -> bool:
        """Whether more is to come than is worth waiting for, once it is of no use."""
        return not self._over and (self._endless or self.length > SKIPPED)

    def announce(self) -> None:
        """Refuse what says that it is too large; or two things of its end, since a proxy may believe the other."""
        if self._endless and "content-length" in self._headers:
            raise Refused(400, "send Content-Length or Transfer-Encoding, not both")
        if not self._said.isdecimal() or int(self._said) > self._most:
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
        size = len(message.get("body", b""))
        self._taken, self._load.held = self._taken + size, self._load.held + size
        if self._taken > self._most:
            raise Refused(413, f"a body may have {self._most:,} bytes")
        self._over = not message.get("more_body", False)
        return message

    def release(self) -> None:
        """Hold it no more."""
        self._load.held -= self._taken


class Answer:
    """What is sent back, with the headers that every answer has."""

    def __init__(self, send: Send, body: Body, load: Load) -> None:
        self._send, self._body, self._load = send, body, load
        self.status, self.id, self._listens = 0, uuid.uuid4().hex, False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = dict(message["headers"])
            more = [(b"x-request-id", self.id.encode()), *(pair for pair in HEADERS if pair[0] not in own)]
            if self._body.is_left and b"connection" not in own:
                more.append((b"connection", b"close"))
            message["headers"] = [*message["headers"], *more]
            self._listens = own.get(b"content-type", b"").startswith(b"text/event-stream")
            self._load.listening += self._listens
        await self._send(message)

    def release(self) -> None:
        """It has ended."""
        self._load.listening -= self._listens

    async def refuse(self, refused: Refused) -> None:
        """Say why not, if nothing was said yet."""
        if self.status:
            return
        body = json.dumps({"error": str(refused)}).encode()
        more = [(name.lower().encode(), value.encode()) for name, value in refused.headers.items()]
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *more]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
