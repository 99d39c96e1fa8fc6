"""Load on `grucast serve`: one series a request, by 1, 8 and 64 clients at once on the same machine; prints a table.

Clients are connections of one process that send the next request when the last is answered, so figures are of server
and client together.

    python benchmarks/bench_serve.py
"""

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from grucast import GRUForecaster, TrainingConfig
from grucast.data import example
from machine import facts
from tasks import markdown

SECONDS = 5.0  # each
ROUNDS = 3
START = """
import sys
from pathlib import Path
from grucast.server.running import run
from grucast.server.settings import ServerSettings
if __name__ == "__main__":
    run(ServerSettings({"bikes": Path(sys.argv[1])}, port=0))
"""


def request_of(history: pl.DataFrame) -> bytes:
    """The bytes of a request for a forecast of one series."""
    data = history.with_columns(pl.col("ds").dt.to_string("iso")).to_dict(as_series=False)
    body = json.dumps({"data": data}).encode()
    head = f"POST /v1/forecast HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\n\r\n".encode() + body


@contextmanager
def running() -> Iterator[tuple[int, int]]:
    """A server with a small model: its port and the number of its process."""
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder, "bikes.safetensors"), Path(folder, "log")
        GRUForecaster(24, training=TrainingConfig(max_steps=20)).fit(example().tail(4000)).save(path)
        program = Path(folder, "start.py")
        program.write_text(START)
        with log.open("w") as told:
            server = subprocess.Popen([sys.executable, program, path], stderr=told)
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            time.sleep(0.1)
        try:
            yield int(found[1]), server.pid
        finally:
            server.terminate()
            server.wait()


async def client(port: int, request: bytes, end: float, times: list[float]) -> None:
    """Ask until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < end:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        times.append(time.perf_counter() - start)
    writer.close()


async def load(port: int, request: bytes, clients: int, seconds: float = SECONDS) -> list[float]:
    """Seconds of each request of so many clients."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    await asyncio.gather(*(client(port, request, end, times) for _ in range(clients)))
    return times


def main() -> None:
    """Start a server, load it in turns, print the medians of the turns."""
    request = request_of(example().tail(500))
    rows: dict[int, list[tuple[float, float, float]]] = {}
    with running() as (port, _):
        for _ in range(ROUNDS):
            for clients in (1, 8, 64):
                times = asyncio.run(load(port, request, clients))
                middle, late = statistics.median(times) * 1e3, statistics.quantiles(times, n=100)[98] * 1e3
                rows.setdefault(clients, []).append((len(times) / SECONDS, middle, late))
    print(", ".join(f"{name} {value}" for name, value in facts().items()))
    cells = [
        [str(c), *(f"{statistics.median(part):.3g}" for part in zip(*got, strict=True))] for c, got in rows.items()
    ]
    print(markdown(["clients", "forecasts/s", "p50, ms", "p99, ms"], cells))


if __name__ == "__main__":
    main()
