"""Training on a real cluster of Ray: several nodes on this machine, one of them killed."""

import numpy as np
import polars as pl
import pytest
import ray
from ray.cluster_utils import Cluster

from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.distributed import RayEngine
from grucast.errors import DataError, TrainingError

SMALL = {"network": NetworkConfig(hidden_size=8, head_size=8), "training": TrainingConfig(max_steps=40, batch_size=256)}


@pytest.fixture(scope="module")
def cluster():
    """A head and two nodes with a core each."""
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        found.add_node(num_cpus=1)
    found.connect()
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def folder(tmp_path):
    """Daily series in files, in no order."""
    rng, series, steps = np.random.default_rng(0), 100, 60
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, "D")
    names = np.repeat([f"s{i}" for i in range(series)], steps)
    days = pl.DataFrame({"unique_id": names, "ds": np.tile(ds, series), "y": rng.gamma(2, 5, series * steps)})
    days = days.sample(fraction=1, shuffle=True, seed=0)
    (tmp_path / "in").mkdir()
    for number in range(3):
        days.filter(pl.int_range(pl.len()) % 3 == number).write_parquet(tmp_path / "in" / f"{number}.parquet")
    return tmp_path / "in"


def same(found, wanted):
    for name, array in wanted.model_.weights.items():
        np.testing.assert_array_equal(found.model_.weights[name], array, err_msg=name)
    assert found.history_ == wanted.history_
    assert found.model_.factors == wanted.model_.factors
    assert found.model_.trained_on == wanted.model_.trained_on


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("workers", [1, 2])
def test_training_gives_the_bits_of_one_process(folder, workers):
    wanted = GRUForecaster(3, 14, **SMALL).fit(folder)
    same(GRUForecaster(3, 14, **SMALL).fit(folder, engine=RayEngine(workers=workers)), wanted)


@pytest.mark.usefixtures("cluster")
def test_phase_that_ends_early_leaves_nothing_of_its_batches(folder):
    hasty = {"network": SMALL["network"], "training": TrainingConfig(max_steps=200, batch_size=256, patience=1)}
    wanted = GRUForecaster(3, 14, **hasty).fit(folder)
    assert len(wanted.history_) < 200
    same(GRUForecaster(3, 14, **hasty).fit(folder, engine=RayEngine(workers=2)), wanted)


def test_training_ends_with_the_same_bits_after_a_node_is_killed(cluster, folder):
    wanted = GRUForecaster(3, 14, **SMALL).fit(folder)
    nodes = [cluster.add_node(num_cpus=1)]
    cluster.wait_for_nodes()

    def kill(progress):
        if progress.step == 17 and nodes:
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    found = GRUForecaster(3, 14, **SMALL).fit(folder, engine=RayEngine(), progress=kill)
    assert not nodes
    same(found, wanted)


@pytest.mark.usefixtures("cluster")
def test_errors_of_workers_come_as_they_are(folder):
    first = pl.read_parquet(folder / "0.parquet")
    first.head(1).write_parquet(folder / "9.parquet")
    with pytest.raises(DataError, match="more than once"):
        GRUForecaster(3, 14, **SMALL).fit(folder, engine=RayEngine())
    (folder / "9.parquet").unlink()
    wild = TrainingConfig(max_steps=40, learning_rate=1e30, batch_size=256)
    with pytest.raises(TrainingError, match="loss became"):
        GRUForecaster(3, 14, network=SMALL["network"], training=wild).fit(folder, engine=RayEngine())
