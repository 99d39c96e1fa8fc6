"""Load on the streams of `grucast serve --store`: one observation a request, a series for each client; prints a table.

Clients are connections of one process that send the next observation when the last is answered, which is when it is
committed.

    python benchmarks/bench_streams.py [postgresql://...]
"""

import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

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
    run(ServerSettings({"bikes": Path(sys.argv[1])}, port=0, store=sys.argv[2]))
"""


def request_of(series: str, number: int) -> bytes:
    """The bytes of a request that brings one observation."""
    ds = datetime(2013, 1, 1) + timedelta(hours=number)
    body = json.dumps({"ds": ds.isoformat(sep=" "), "y": number % 24})
    head = f"POST /v1/streams/{series}/observations?sequence={number} HTTP/1.1\r\nHost: localhost\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def client(port: int, series: str, end: float, times: list[float]) -> None:
    """Send until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while (start := time.perf_counter()) < end:
        writer.write(request_of(series, number))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        times.append(time.perf_counter() - start)
        number += 1
    writer.close()


async def load(port: int, clients: int) -> list[float]:
    """Seconds of each request of so many clients."""
    times: list[float] = []
    end, tag = time.perf_counter() + SECONDS, time.time_ns()
    await asyncio.gather(*(client(port, f"s{tag}-{k}", end, times) for k in range(clients)))
    return times


def memory_of(process: "subprocess.Popen[bytes]") -> float:
    """Its resident memory, MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def main(url: str | None) -> None:
    """Start a server, load it in turns, print the medians of the turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bikes.safetensors")
        GRUForecaster(24, training=TrainingConfig(max_steps=20)).fit(example().tail(4000)).save(path)
        program, log = Path(folder, "start.py"), Path(folder, "log")
        program.write_text(START)
        with log.open("w") as told:
            words = [sys.executable, program, path, url or f"sqlite:///{folder}/streams.db"]
            server = subprocess.Popen(words, stderr=told)
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            time.sleep(0.1)
        rows: dict[int, list[tuple[float, ...]]] = {}
        for _ in range(ROUNDS):
            for clients in (1, 8, 64):
                times = asyncio.run(load(int(found[1]), clients))
                middle, late = statistics.median(times) * 1e3, statistics.quantiles(times, n=100)[98] * 1e3
                rows.setdefault(clients, []).append((len(times) / SECONDS, middle, late, memory_of(server)))
        server.terminate()
        server.wait()
    print(", ".join(f"{name} {value}" for name, value in facts().items()))
    cells = [
        [str(c), *(f"{statistics.median(part):.3g}" for part in zip(*got, strict=True))] for c, got in rows.items()
    ]
    print(markdown(["clients", "observations/s", "p50, ms", "p99, ms", "memory, MiB"], cells))


if __name__ == "__main__":
    main(*sys.argv[1:] or [None])
