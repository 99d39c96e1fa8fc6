"""A server of its own process, with a small model."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import httpx
import numpy as np
import polars as pl
import pytest

import grucast
from grucast import GRUForecaster
from tests.conftest import TINY

START = """
import sys
from pathlib import Path
from grucast.server.running import run
from grucast.server.settings import Limits, ServerSettings
if __name__ == "__main__":
    models = {{"small": Path(sys.argv[1])}}
    run(ServerSettings(models, port=0, token={token!r}, limits=Limits({limits}), store={store!r}))
"""


class Running:
    """A server's process, and a client of it."""

    def __init__(
        self, folder: Path, limits: str = "", token: str | None = None, store: str | None = None, before: str = ""
    ) -> None:
        program = folder / "start.py"
        program.write_text(before + START.format(limits=limits, token=token, store=store))
        words = [sys.executable, str(program), str(folder / "small.safetensors")]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        self.log: list[str] = []
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reading = Thread(target=self._read)
        self._reading.start()
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", self.read_line())):
            pass
        self.port = int(found[1])
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def _read(self) -> None:
        """Take its log, so that it never waits for us to."""
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put("")

    def read_line(self) -> str:
        """The next line of its log."""
        line = self._lines.get()
        if not line:
            raise RuntimeError("\n".join(self.log))
        self.log.append(line)
        return line

    def end(self) -> int:
        """Its exit code after SIGTERM."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._reading.join()
        self.process.stderr.close()
        return code


def make_series(seed: int, steps: int = 300) -> pl.DataFrame:
    """An hourly series with a daily season and a gap."""
    rng, hours = np.random.default_rng(seed), np.arange(steps)
    y = 10 + seed + np.sin(hours * np.pi / 12) + rng.normal(0, 0.1, steps)
    ds = np.datetime64("2024-02-20", "us") + hours * np.timedelta64(1, "h")
    return pl.DataFrame({"unique_id": f"s{seed}", "ds": ds, "y": y}).filter(pl.col("ds") != ds[-9])


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with a model, which a process of the tests shares."""
    path = tmp_path_factory.mktemp("served")
    forecaster = GRUForecaster(6, 48, 24, **TINY).fit(pl.concat([make_series(1), make_series(2)]))
    forecaster.save(path / "small.safetensors")
    return path


@pytest.fixture(scope="session")
def model(folder):
    """What the server serves."""
    return grucast.load(folder / "small.safetensors")


@pytest.fixture(scope="session")
def server(folder):
    """A server with the usual limits but a small body."""
    running = Running(folder, "body=200_000, seconds=3.0, grace=0.2")
    yield running
    assert running.end() == 0


@pytest.fixture
def client(server):
    """A client of it."""
    return server.client


def as_csv(*seeds: int) -> bytes:
    """A file of those series."""
    return pl.concat([make_series(seed) for seed in seeds]).write_csv().encode()


def events_of(client: httpx.Client, key: str, after: int | None = None) -> list[dict]:
    """What a training tells until its end."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    found = []
    with client.stream("GET", f"/v1/fit/{key}/events", headers=headers) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


@pytest.fixture(scope="session")
def trainer(folder):
    """A server that trains: it serves more and more models, so a forecast must name one."""
    running = Running(folder, "body=200_000, seconds=3.0, grace=0.2")
    yield running
    assert running.end() == 0


@pytest.fixture(scope="session")
def trained(trainer):
    """A training that has ended, and what it told."""
    words = {"h": 6, "season_length": 24, "max_time": 0.5, "name": "two series.csv"}
    job = trainer.client.post("/v1/fit", params=words, content=as_csv(1, 2)).json()
    told = events_of(trainer.client, job["id"])
    return trainer.client.get(f"/v1/fit/{job['id']}").json() | {"told": told}
