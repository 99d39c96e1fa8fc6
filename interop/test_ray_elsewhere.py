"""A cluster of Ray that was started elsewhere, by its own command."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager

import numpy as np
import polars as pl
import pytest

from grucast.distributed import RayEngine
from grucast.errors import ConfigError

COMMAND = [sys.executable, "-c", "from grucast.cli import main; main()"]
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "8" * 32}
BARE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "grucast":
            raise ModuleNotFoundError("No module named 'grucast'")
sys.meta_path.insert(0, Absent())
"""


def free_port():
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def head(**environment):
    """The address of a cluster of two cores, until it is not needed any more."""
    folder, port = tempfile.mkdtemp(prefix="ray"), free_port()  # pytest's names are too long for sockets
    words = f"start --head --block --port {port} --num-cpus 2 --include-dashboard false --disable-usage-stats"
    words += f" --temp-dir {folder} --dashboard-agent-listen-port {free_port()}"
    started = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", *words.split()],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        text=True,
    )
    try:
        for line in started.stdout:
            if "Ray runtime started" in line:
                break
        yield f"127.0.0.1:{port}"
    finally:
        started.terminate()
        started.communicate(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def address():
    with head(**TOKEN) as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with daily series in files, and a file of some of them."""
    rng, series, steps = np.random.default_rng(0), 100, 60
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, "D")
    names = np.repeat([f"s{i}" for i in range(series)], steps)
    days = pl.DataFrame({"unique_id": names, "ds": np.tile(ds, series), "y": rng.gamma(2, 5, series * steps)})
    found = tmp_path_factory.mktemp("elsewhere")
    (found / "in").mkdir()
    for number in range(3):
        days.filter(pl.int_range(pl.len()) % 3 == number).write_parquet(found / "in" / f"{number}.parquet")
    days.head(300).write_csv(found / "some.csv")
    return found


def run(place, words, environment=TOKEN, code=0):
    """What a command says, which ends with a code."""
    done = subprocess.run(
        [*COMMAND, *words.split()],
        cwd=place,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_every_command_gives_what_it_gives_in_memory(address, place):
    engine = f"--engine ray --address {address}"
    for name, more in [("here", ""), ("there", engine)]:
        run(place, f"fit in -h 3 --max-steps 20 --out {name}.safetensors {more}")
        run(place, f"predict {name}.safetensors in --out {name} {more}")
        run(place, f"backtest in -h 3 --max-steps 5 --out {name}-past {more}")
    assert (place / "here.safetensors").read_bytes() == (place / "there.safetensors").read_bytes()
    for kind, keys in [("", ["unique_id", "ds"]), ("-past", ["unique_id", "cutoff", "ds"])]:
        here, there = (pl.read_parquet(place / f"{name}{kind}" / "*.parquet") for name in ("here", "there"))
        assert here.sort(keys).equals(there.sort(keys))
    assert "2 trials" in run(place, f"tune some.csv -h 3 --trials 2 --study tuned.db {engine}")


@contextmanager
def training(address, place, name):
    """A command that trains on all cores of the cluster, and is past its first steps."""
    words = f"fit in -h 3 --max-steps 1000000 --save-on-interrupt --out {name}.safetensors --checkpoint-dir {name}"
    command = [*COMMAND, *words.split(), "--checkpoint-every", "1", "--engine", "ray", "--address", address]
    with subprocess.Popen(
        command, cwd=place, env=os.environ | TOKEN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        end = time.monotonic() + 60
        while not list(place.glob(f"{name}/*/*")) and time.monotonic() < end:
            time.sleep(0.1)
        yield started
        started.terminate()
        started.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_training_that_is_interrupted_saves_its_model_and_leaves_nothing(address, place, number):
    name = number.name
    with training(address, place, name) as started:
        started.send_signal(number)
        said = started.communicate(timeout=60)[0]
        assert "interrupted after step" in said
    assert (place / f"{name}.safetensors").exists()
    assert not list(place.glob(".grucast-*"))
    said = run(place, f"predict {name}.safetensors in --out {name}-out --engine ray --address {address}")
    assert "no core" not in said


def test_cluster_without_a_free_core_is_said(address, place):
    run(place, "fit in -h 3 --max-steps 5 --out waiting.safetensors")
    words = f"predict waiting.safetensors in --out waiting --engine ray --address {address}"
    with training(address, place, "never"):
        command = [*COMMAND, *words.split()]
        with subprocess.Popen(command, cwd=place, env=os.environ | TOKEN, stderr=subprocess.PIPE, text=True) as waiting:
            assert "no core of the cluster is free" in waiting.stderr.readline()
            waiting.send_signal(signal.SIGINT)
            assert waiting.wait(timeout=30) == 130


def test_cluster_that_asks_for_a_token_is_not_said_to_be_absent(address, place):
    said = run(
        place, f"fit in -h 3 --out no.safetensors --engine ray --address {address}", {"RAY_AUTH_MODE": "disabled"}, 2
    )
    assert "set RAY_AUTH_MODE=token if it asks for a token" in said


def test_machines_without_grucast_are_told_what_to_install(place, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(BARE)
    with head(**TOKEN, PYTHONPATH=str(tmp_path)) as bare:
        said = run(place, f"fit in -h 3 --out no.safetensors --engine ray --address {bare}", code=1)
    assert (
        "error: a machine of the cluster says No module named 'grucast': install there what is installed here" in said
    )


@pytest.mark.parametrize("given", ["foo", "127.0.0.1", ":6379", "ray://127.0.0.1:10001", "http://127.0.0.1:8265"])
def test_what_is_no_address_of_a_head_is_refused(given, monkeypatch):
    with pytest.raises(ConfigError, match=f"HOST:PORT of the head, not {given}: run this on a machine of the cluster"):
        RayEngine(given).connect()
    monkeypatch.setenv("RAY_ADDRESS", given)
    with pytest.raises(ConfigError, match=f"not {given}"):
        RayEngine("auto").connect()


@pytest.mark.parametrize("given", ["127.0.0.1:99999", "nobody.invalid:6379", f"127.0.0.1:{free_port()}"])
def test_address_where_nobody_listens_is_refused_in_a_moment(given):
    start = time.monotonic()
    with pytest.raises(ConfigError, match=f"no cluster of Ray answers at {given}"):
        RayEngine(given).connect()
    assert time.monotonic() - start < 10
