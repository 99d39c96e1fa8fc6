import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import polars as pl

from tests.server.conftest import Running, make_series
from tests.server.test_forecasts import as_json


def test_sigterm_drains_answers_what_was_taken_and_exits_with_0(folder):
    running = Running(folder, "grace=1.0")
    found = []

    def ask():
        while True:
            try:
                found.append(running.client.post("/v1/forecast", json={"data": as_json(make_series(5))}).status_code)
            except httpx.TransportError:
                return

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert httpx.get(f"http://127.0.0.1:{running.port}/v2/health/ready").status_code == 503
    assert httpx.get(f"http://127.0.0.1:{running.port}/v2/health/live").status_code == 200
    assert running.process.wait(20) == 0
    asking.join(20)
    assert set(found) == {200}
    running.end()


def test_log_has_a_line_for_each_request(server):
    number = server.client.get("/v2").headers["x-request-id"]
    while number not in (line := server.read_line()):
        pass
    assert " GET /v2 200 " in line


def workers_of(process):
    """The processes that train for a server."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            training = b"grucast.server.worker" in (path / "cmdline").read_bytes()
            found += [path] if training and f"PPid:\t{process.pid}\n" in (path / "status").read_text() else []
    return found


def test_sigterm_ends_a_training_and_those_who_follow_it(folder):
    running = Running(folder, "grace=0.2")
    job = running.client.post("/v1/fit", content=pl.concat(make_series(seed, 2000) for seed in range(9)).write_csv())
    with running.client.stream("GET", f"/v1/fit/{job.json()['id']}/events") as stream:
        lines = stream.iter_lines()
        while "progress" not in next(lines):
            pass
        (worker,) = workers_of(running.process)
        start = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        list(lines)
    assert running.process.wait(20) == 0
    assert time.monotonic() - start < 10
    assert not worker.exists()
    running.end()
