"""More requests than `grucast serve` can answer: what is still answered, how soon the rest is refused, the memory.

First its capacity, by 64 clients who wait for their answers; then requests at 10 times that rate, whether answered or
not; then --minutes of 64 clients, while the memory is looked at. Server and clients are on one machine.

    python benchmarks/bench_overload.py --minutes 10
"""

import argparse
import asyncio
import re
import time
from collections import Counter, deque
from pathlib import Path

import numpy as np

from bench_serve import load, request_of, running
from grucast.data import example
from machine import facts
from tasks import markdown

SECONDS = 10.0
TIMES = 10
TICK = 0.005
CONNECTIONS = 1000
HEALTH = b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
LENGTH = re.compile(rb"content-length: (\d+)")
Told = list[tuple[bytes, float]]  # status and seconds of each request


class Line(asyncio.Protocol):
    """A connection on which one request is under way at a time."""

    def __init__(self, idle: deque["Line"], told: Told) -> None:
        self.idle, self.told, self.start, self.seen = idle, told, 0.0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for work."""
        self.transport = transport
        self.idle.append(self)

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self.start, self.seen = time.perf_counter(), b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note the answer once it is whole."""
        self.seen += data
        head, _, body = self.seen.partition(b"\r\n\r\n")
        if (length := LENGTH.search(head)) and len(body) >= int(length[1]):
            again = b" with retry-after" if b"retry-after" in head.lower() else b""
            self.told.append((head[9:12] + again, time.perf_counter() - self.start))
            self.start = 0.0
            self.idle.append(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Note what had no answer."""
        if self.start:
            self.told.append((b"none", time.perf_counter() - self.start))
        elif self in self.idle:
            self.idle.remove(self)


async def flood(port: int, request: bytes, rate: float) -> tuple[Told, Told, int]:
    """Ask at a rate: what was told, also whether the server lives, and how many requests found no connection idle."""
    loop, idle, health = asyncio.get_running_loop(), deque(), deque()
    told, lives, sent, missed = [], [], 0, 0
    await loop.create_connection(lambda: Line(health, lives), "127.0.0.1", port)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Line(idle, told), "127.0.0.1", port)
    begin = time.perf_counter()
    while (now := time.perf_counter() - begin) < SECONDS:
        due = int(rate * now) - sent
        ready = min(due, len(idle))
        for line in [idle.popleft() for _ in range(ready)]:
            line.ask(request)
        sent, missed = sent + due, missed + due - ready
        if health:
            health.popleft().ask(HEALTH)
        await asyncio.sleep(TICK)
    await asyncio.sleep(1)
    return told, lives, missed


def memory(process: int) -> float:
    """MiB that a process holds."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) / 1024


async def soak(port: int, request: bytes, process: int, minutes: float) -> np.ndarray:
    """Minutes, and MiB at each, (2, N), while 64 clients ask."""
    begin, seen = time.perf_counter(), []

    async def look() -> None:
        while (now := time.perf_counter() - begin) < 60 * minutes:
            seen.append((now / 60, memory(process)))
            await asyncio.sleep(1)

    await asyncio.gather(load(port, request, 64, 60 * minutes), look())
    return np.array(seen).T


def rows_of(told: Told) -> list[list[str]]:
    """A row for each kind of answer: how many a second, the time until half and nearly all came."""
    rows = []
    for status, number in sorted(Counter(status for status, _ in told).items()):
        own = sorted(seconds for what, seconds in told if what == status)
        middle, late = (f"{own[int(len(own) * share)] * 1e3:.3g}" for share in (0.5, 0.99))
        rows.append([status.decode(), f"{number / SECONDS:.0f}", middle, late])
    return rows


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=0)
    minutes, request = parser.parse_args().minutes, request_of(example().tail(500))
    print(", ".join(f"{name} {value}" for name, value in facts().items()))
    with running() as (port, process):
        asyncio.run(load(port, request, 64, 2))
        before = memory(process)
        capacity = len(asyncio.run(load(port, request, 64, SECONDS))) / SECONDS
        told, lives, missed = asyncio.run(flood(port, request, TIMES * capacity))
        print(
            f"capacity {capacity:.0f}/s; {missed / SECONDS:.0f}/s of {TIMES * capacity:.0f}/s found no connection idle"
        )
        for name, answers in (("forecast", told), ("live", lives)):
            print(markdown([name, "per second", "p50, ms", "p99, ms"], rows_of(answers)))
        print(f"memory {before:.0f} MiB before, {memory(process):.0f} after")
        if minutes:
            times, held = asyncio.run(soak(port, request, process, minutes))
            slope = np.polyfit(times[times > minutes / 5], held[times > minutes / 5], 1)[0]
            print(f"{minutes:g} minutes: {held.min():.0f} to {held.max():.0f} MiB, {slope:+.2f} MiB a minute")


if __name__ == "__main__":
    main()
