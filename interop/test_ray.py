"""Work on a real cluster of Ray: several nodes on this machine, one of them killed."""

import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
import pytest
import ray
from ray.cluster_utils import Cluster
from tests.conftest import TINY
from tests.tuning.conftest import _small, make_days  # noqa: F401 - a fixture

import grucast
from grucast import Covariates, GRUForecaster
from grucast.distributed import RayEngine
from grucast.errors import ConfigError, DataError, DataWarning
from grucast.forecasting.backtest import backtest
from grucast.forecasting.backtest_parts import backtest_parts
from grucast.forecasting.parts import predict_parts
from grucast.tuning import tune
from grucast.tuning.referee import Referee


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


def threads(_: int) -> int:
    """Those that reading files takes."""
    return pl.thread_pool_size()


def wait(folder: Path, item: int) -> int:
    """Work that goes on when there is a sign."""
    (folder / f"{item}-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    return item * item


def scribble(folder: Path, item: int) -> int:
    """Work that leaves signs until it is ended, but for the first item."""
    for number in count() if item else ():
        (folder / f"{item}-{number}").touch()
        time.sleep(0.001)
    return item


def refuse(_: int) -> int:
    """Work that cannot be done."""
    raise DataError("no")


@pytest.mark.usefixtures("cluster")
def test_work_takes_one_core_alone():
    assert list(RayEngine().map(threads, [1])) == [1]


@pytest.mark.usefixtures("cluster")
def test_forecasts_are_those_of_one_process(place):
    forecaster, engine = grucast.load("m.safetensors"), RayEngine()
    count = predict_parts(forecaster, place / "in", place / "out", memory=2**26, engine=engine)
    assert len(list((place / "out").iterdir())) > 5
    found = pl.read_parquet(place / "out" / "*.parquet").sort("unique_id", "ds")
    wanted = forecaster.predict(pl.read_parquet(place / "in" / "days.parquet")).sort("unique_id", "ds")
    assert (count, len(found)) == (900, 900)
    assert found["GRU"].cast(pl.Float32).equals(wanted["GRU"].cast(pl.Float32))


@pytest.mark.usefixtures("cluster", "place")
def test_parts_know_their_coming_values_elsewhere():
    days = pl.read_parquet("in/days.parquet").with_columns(price=pl.col("ds").dt.weekday() + pl.col("y").sqrt())
    late = pl.col("ds") > pl.col("ds").max() - pl.duration(days=3)
    history, future = days.filter(~late), days.filter(late).drop("y")
    history.write_parquet("in/days.parquet")
    future.write_parquet("future.parquet")
    forecaster = GRUForecaster(3, 14, 7, covariates=Covariates(future=("price",)), **TINY).fit(history.head(1000))
    predict_parts(forecaster, "in", "out", future="future.parquet", memory=2**26, engine=RayEngine())
    found = pl.read_parquet("out/*.parquet").sort("unique_id", "ds")
    wanted = forecaster.predict(history, future).sort("unique_id", "ds")
    assert found["GRU"].cast(pl.Float32).equals(wanted["GRU"].cast(pl.Float32))


def test_work_of_a_node_that_is_killed_is_done_once_elsewhere(cluster, tmp_path):
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()

    def kill():
        while len(list(tmp_path.iterdir())) < 3:  # all three cores are at work
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)
        time.sleep(3)  # until its workers are gone, too
        (tmp_path / "go").touch()

    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill)
        found = list(RayEngine().map(partial(wait, tmp_path), range(20)))
        killed.result()
    assert sorted(found) == [item * item for item in range(20)]
    begun = [path.name.partition("-")[0] for path in tmp_path.glob("*-*")]
    assert len(begun) > len(set(begun)) == 20  # what was lost was begun again


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


class Counter:
    """A home that counts."""

    def __init__(self):
        self.total = 0

    def add(self, number):
        self.total += number
        return self.total


def count_up(item: int, home: Any) -> int:
    """Work that asks twice."""
    home.add(item)
    return home.add(item)


@pytest.mark.usefixtures("cluster")
def test_work_calls_what_stays_here():
    home = Counter()
    totals = list(RayEngine().consult(count_up, iter(range(1, 6)), home))
    assert (len(totals), home.total) == (5, 30)


@pytest.mark.usefixtures("cluster")
def test_errors_of_the_host_end_the_work():
    with pytest.raises(AttributeError, match="add"):
        list(RayEngine().consult(count_up, [1, 2], object()))
    assert list(RayEngine().map(abs, [-1])) == [1]


def tuned(**options):
    """A search of four trials on the cluster."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return tune(make_days(), 5, engine=RayEngine(), **options).study.trials


@pytest.mark.usefixtures("cluster", "_small")
def test_trials_have_the_errors_of_one_process_and_one_is_cut_short(monkeypatch):
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    found = tuned(trials=3)
    assert [trial.state.name for trial in found] == ["COMPLETE", "PRUNED", "COMPLETE"]
    with pytest.warns(DataWarning):
        here = tune(make_days(), 5, trials=1).study.trials
    assert found[0].value == here[0].value


@pytest.mark.usefixtures("_small")
def test_trials_of_a_node_that_is_killed_are_done_again(cluster, monkeypatch, tmp_path):
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    begun, real = [], Referee.begin

    def begin(referee, place):
        begun.append(place)
        if len(begun) == 3:  # all three cores are at work
            cluster.remove_node(node, allow_graceful=False)
            time.sleep(3)  # until its workers are gone, too
        return real(referee, place)

    monkeypatch.setattr(Referee, "begin", begin)
    found = tuned(trials=5, study=tmp_path / "study.db")
    assert {trial.state.name for trial in found} <= {"COMPLETE", "PRUNED"}
    assert len(found) == 5
    assert sorted(set(begun)) == [0, 1, 2, 3, 4]
    assert len(begun) > 5


def test_past_forecasts_are_whole_and_their_scores_those_of_memory_after_a_node_is_killed(cluster, place):
    node = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    killed = []

    def told(done, parts):
        if done == 2 and not killed:
            killed.append(cluster.remove_node(node, allow_graceful=False))

    forecaster = GRUForecaster(3, 7, 7, **TINY)
    found = backtest_parts(forecaster, "in", "past", 2, memory=2**26, engine=RayEngine(), told=told)
    assert killed
    wanted = backtest(forecaster, pl.read_parquet("in/days.parquet"), 2)
    for ours, theirs in zip(found.scores, wanted.scores, strict=True):
        assert (ours.model, ours.steps) == (theirs.model, theirs.steps)
        assert (ours.mae, ours.mase) == pytest.approx((theirs.mae, theirs.mase), rel=1e-9)
        assert ours.coverage == pytest.approx(theirs.coverage, rel=1e-9)
    written = pl.read_parquet([path for path in (place / "past").iterdir() if path.suffix == ".parquet"])
    keys = ["unique_id", "cutoff", "ds"]
    assert written.select(keys).n_unique() == len(written) == found.rows == 1800
    assert written.select(keys).sort(keys).equals(wanted.frame.select(keys).sort(keys))


@pytest.mark.usefixtures("cluster")
def test_errors_of_work_come_as_they_are():
    with pytest.raises(DataError, match="no"):
        list(RayEngine().map(refuse, [1, 2]))


@pytest.mark.usefixtures("cluster")
def test_work_that_nobody_waits_for_has_ended(tmp_path):
    results = RayEngine().map(partial(scribble, tmp_path), range(3))
    assert next(results) == 0
    while not list(tmp_path.iterdir()):
        time.sleep(0.05)
    results.close()
    left = len(list(tmp_path.iterdir()))
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) == left


@pytest.mark.usefixtures("cluster")
def test_only_so_much_is_handed_out_at_once(tmp_path):
    results = RayEngine(workers=1).map(partial(slow, tmp_path), range(50))
    assert next(results) == 0
    assert len(list(tmp_path.iterdir())) <= 4
    results.close()


def test_engines_without_workers_are_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        RayEngine(workers=0)
