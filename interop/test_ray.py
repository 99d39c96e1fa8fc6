"""Work on a real cluster of Ray: several nodes on this machine, one of them killed."""

import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import ray
from ray.cluster_utils import Cluster
from tests.conftest import TINY

import grucast
from grucast import GRUForecaster
from grucast.distributed import RayEngine
from grucast.errors import ConfigError, DataError
from grucast.forecasting.parts import predict_parts


@pytest.fixture(scope="module")
def cluster():
    """A head and a node that works; workers find this file's functions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        yield from start()


def start():
    """The cluster, until it is not needed any more."""
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    found.add_node(num_cpus=1)
    found.connect()
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a model and files of daily series."""
    monkeypatch.chdir(tmp_path)
    rng, series, steps = np.random.default_rng(0), 300, 30
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, "D")
    names = np.repeat([f"s{i}" for i in range(series)], steps)
    days = pl.DataFrame({"unique_id": names, "ds": np.tile(ds, series), "y": rng.gamma(2, 5, series * steps)})
    GRUForecaster(3, 14, 7, **TINY).fit(days.head(1000)).save("m.safetensors")
    (tmp_path / "in").mkdir()
    days.write_parquet(tmp_path / "in" / "days.parquet")
    monkeypatch.setattr("grucast.data.parts.GROWTH", 3000)  # a dozen parts
    return tmp_path


def slow(folder: Path, item: int) -> int:
    """Work that leaves a sign of each time it is begun."""
    (folder / f"{item}-{os.getpid()}").touch()
    time.sleep(0.3)
    return item * item


def refuse(_: int) -> int:
    """Work that cannot be done."""
    raise DataError("no")


@pytest.mark.usefixtures("cluster")
def test_forecasts_are_those_of_one_process(place):
    forecaster, engine = grucast.load("m.safetensors"), RayEngine()
    count = predict_parts(forecaster, place / "in", place / "out", memory=2**26, engine=engine)
    assert len(list((place / "out").iterdir())) > 5
    found = pl.read_parquet(place / "out" / "*.parquet").sort("unique_id", "ds")
    wanted = forecaster.predict(pl.read_parquet(place / "in" / "days.parquet")).sort("unique_id", "ds")
    assert (count, len(found)) == (900, 900)
    assert found["GRU"].cast(pl.Float32).equals(wanted["GRU"].cast(pl.Float32))


def test_work_of_a_node_that_is_killed_is_done_once_elsewhere(cluster, tmp_path):
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    found, killed = [], False
    for result in RayEngine().map(partial(slow, tmp_path), range(40)):
        found.append(result)
        processes = {path.name.partition("-")[2] for path in tmp_path.iterdir()}
        if len(processes) == 3 and not killed:  # all three cores are at work
            killed = True
            cluster.remove_node(node, allow_graceful=False)
    assert killed
    assert sorted(found) == [item * item for item in range(40)]
    begun = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
    assert len(begun) > len(set(begun)) == 40  # what was lost was begun again


@pytest.mark.usefixtures("cluster")
def test_forecasts_are_whole_after_a_node_is_killed(cluster, place):
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    killed = []

    def told(done, parts):
        if done == 2 and not killed:
            killed.append(cluster.remove_node(node, allow_graceful=False))

    forecaster = grucast.load("m.safetensors")
    predict_parts(forecaster, place / "in", place / "out", memory=2**26, engine=RayEngine(), told=told)
    assert killed
    found = pl.read_parquet([path for path in (place / "out").iterdir() if path.suffix == ".parquet"])
    assert found.select("unique_id", "ds").n_unique() == len(found) == 900


@pytest.mark.usefixtures("cluster")
def test_errors_of_work_come_as_they_are():
    with pytest.raises(DataError, match="no"):
        list(RayEngine().map(refuse, [1, 2]))


@pytest.mark.usefixtures("cluster")
def test_only_so_much_is_handed_out_at_once(tmp_path):
    results = RayEngine(workers=1).map(partial(slow, tmp_path), range(50))
    assert next(results) == 0
    assert len(list(tmp_path.iterdir())) <= 4
    results.close()


def test_engines_without_workers_are_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        RayEngine(workers=0)
