import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import grucast
from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
from grucast.data.panel import make_panel
from grucast.data.reading.options import ReadOptions
from grucast.errors import CheckpointError, ConfigError, DataError, NotFittedError, TrainingInterrupted
from grucast.forecasting.engine import HERE
from grucast.forecasting.frames import FrameKind
from grucast.forecasting.learning import Learning, fit_parts

LIMITED = """
import resource, sys
import polars, grucast.training.forecast, grucast.training.team
from grucast import GRUForecaster, TrainingConfig
status = lambda: dict(line.split(":", 1) for line in open("/proc/self/status"))
limit = 1024 * int(status()["VmData"].split()[0]) + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
GRUForecaster(3, 14, 7, training=TrainingConfig(max_steps=20)).fit("data", memory=int(sys.argv[1]))
print("trained")
"""
SMALL = {
    "network": NetworkConfig(hidden_size=4, head_size=8),
    "training": TrainingConfig(max_steps=8, batch_size=200),
}


def make_days(series, steps=40):
    """Daily series with gaps."""
    rng = np.random.default_rng(0)
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, "D")
    names = np.repeat([f"s{i}" for i in range(series)], steps)
    frame = pl.DataFrame({"unique_id": names, "ds": np.tile(ds, series), "y": rng.gamma(2, 5, series * steps)})
    return frame.filter(pl.Series(rng.random(len(frame)) > 0.1))


def write(frame, folder, files=3):
    folder.mkdir()
    for number in range(files):
        frame.filter(pl.int_range(pl.len()) % files == number).write_parquet(folder / f"{number}.parquet")


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    """Rows in no order, which are also in the files of a folder."""
    monkeypatch.chdir(tmp_path)
    write(make_days(60).sample(fraction=1, shuffle=True, seed=0), tmp_path / "data")
    return pl.read_parquet("data/*.parquet")


@pytest.fixture
def _many_parts(monkeypatch):
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)


def same(found, wanted):
    for name, array in wanted.model_.weights.items():
        np.testing.assert_array_equal(found.model_.weights[name], array, err_msg=name)
    assert found.history_ == wanted.history_
    assert found.model_.factors == wanted.model_.factors
    assert found.model_.seasons == wanted.model_.seasons


@pytest.mark.usefixtures("_many_parts")
@pytest.mark.parametrize("holidays", [None, "DE"])
def test_folder_gives_the_bits_of_a_frame_and_leaves_nothing(mixed, tmp_path, holidays):
    settings = SMALL | {"covariates": Covariates(holidays=holidays)}
    forecaster = GRUForecaster(3, 14, **settings).fit("data", memory=2**26)
    same(forecaster, GRUForecaster(3, 14, **settings).fit(mixed))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    forecaster.save("m.safetensors")
    again = grucast.load("m.safetensors")
    assert again.predict(mixed).equals(forecaster.predict(mixed))
    with pytest.raises(NotFittedError, match="holds no data"):
        forecaster.predict()


@pytest.mark.parametrize("memory", [None, 10**8])
def test_series_named_by_their_folders_are_those_of_the_column(tmp_path, monkeypatch, memory):
    """As Spark's partitionBy writes them."""
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**5)
    days = make_days(6)
    for (name,), own in days.group_by("unique_id"):
        (tmp_path / f"unique_id={name}").mkdir()
        own.drop("unique_id").write_parquet(tmp_path / f"unique_id={name}" / "a.parquet")
    wanted = GRUForecaster(3, 14, 7, **SMALL).fit(days.sort("unique_id", maintain_order=True))
    found = GRUForecaster(3, 14, 7, **SMALL).fit(tmp_path, memory=memory)
    assert found.history_ == wanted.history_
    assert found.predict(days).equals(wanted.predict(days))


@pytest.mark.usefixtures("_many_parts")
def test_covariates_are_scaled_and_counted_as_in_a_frame(tmp_path):
    rng, days = np.random.default_rng(3), make_days(60)
    series = days["unique_id"].str.slice(1).cast(pl.Int64)
    columns = {
        "price": rng.gamma(2, 3, len(days)),
        "sky": pl.Series(rng.choice(["rain", "sun", f"{0}"], len(days))),
        "size": series * 1.1,
        "kind": pl.Series(["a", "b", "c", "d"]).gather(series // 15),
    }
    days = days.with_columns(**columns).with_columns(
        price=pl.when(pl.col("price") < 2).then(None).otherwise(pl.col("price"))
    )
    write(days.sample(fraction=1, shuffle=True, seed=0), tmp_path / "in")
    declared = Covariates(past=("price",), future=("sky",), static=("size", "kind"))
    found = GRUForecaster(3, 14, covariates=declared, **SMALL).fit(tmp_path / "in", memory=2**26)
    wanted = GRUForecaster(3, 14, covariates=declared, **SMALL).fit(pl.read_parquet(tmp_path / "in" / "*.parquet"))
    assert found.model_.schema == wanted.model_.schema
    same(found, wanted)


def test_whole_folder_and_engine_on_a_frame_give_the_same(mixed):
    wanted = GRUForecaster(3, 14, **SMALL).fit(mixed)
    forecaster = GRUForecaster(3, 14, **SMALL).fit("data")
    same(forecaster, wanted)
    same(GRUForecaster(3, 14, **SMALL).fit(mixed.to_pandas(), engine=HERE), wanted)
    fingerprint = forecaster.model_.trained_on.fingerprint
    assert GRUForecaster(3, 14, **SMALL).fit(mixed, engine=HERE).model_.trained_on.fingerprint == fingerprint


@pytest.mark.usefixtures("_many_parts")
@pytest.mark.parametrize("every", ["1mo", "1h"])
def test_months_and_zoned_hours_are_read_as_in_a_frame(tmp_path, every):
    start, end = ("2015-01-01", "2024-12-01") if every == "1mo" else ("2024-03-25", "2024-04-04")
    zone = None if every == "1mo" else "Europe/Berlin"
    first, last = (np.datetime64(day, "us").item() for day in (start, end))
    times = pl.datetime_range(first, last, every, eager=True, time_zone=zone)
    times = times.dt.month_end() if every == "1mo" else times
    rng = np.random.default_rng(1)
    frame = pl.concat(
        pl.DataFrame({"shop": name, "when": times, "sold": rng.random(len(times))}) for name in ("a", "b", "c", "d")
    )
    write(frame, tmp_path / "in", 2)
    found = GRUForecaster(3, **SMALL).fit(tmp_path / "in", memory=2**26)
    whole = pl.read_parquet(tmp_path / "in" / "*.parquet")
    wanted = GRUForecaster(3, **SMALL).fit(whole)
    same(found, wanted)
    assert found.predict(whole).equals(wanted.predict(whole))


@pytest.mark.usefixtures("_many_parts", "mixed")
def test_training_goes_on_from_a_checkpoint_to_the_same_bits_by_more_memory(tmp_path):
    wanted = GRUForecaster(3, 14, **SMALL).fit("data")

    def stop(progress):
        if progress.step == 5:
            raise KeyboardInterrupt

    forecaster = GRUForecaster(3, 14, **SMALL)
    saving = {"checkpoint_dir": tmp_path / "kept", "checkpoint_every": 2}
    with pytest.raises(TrainingInterrupted):
        forecaster.fit("data", memory=2**26, progress=stop, **saving)
    assert len(forecaster.predict(pl.read_parquet("data/*.parquet"))) == 180
    with pytest.raises(CheckpointError, match="resume"):
        forecaster.fit("data", **saving)
    same(GRUForecaster(3, 14, **SMALL).fit("data", memory=2**27, resume=True, **saving), wanted)


def test_last_steps_can_be_left_out(mixed):
    model, history, _ = fit_parts(GRUForecaster(3, 14, **SMALL), "data", Learning(drop=5))
    panel = make_panel(mixed).drop_last(5)
    wanted = GRUForecaster(3, 14, **SMALL).fit_panel(panel, FrameKind.of(grucast.read(mixed)))
    assert history == wanted.history_
    np.testing.assert_array_equal(model.weights["out.bias"], wanted.model_.weights["out.bias"])


def test_what_cannot_be_done_in_parts_is_refused(mixed, tmp_path):
    with pytest.raises(ConfigError, match="sample_weight cannot go with"):
        GRUForecaster(3).fit(mixed, engine=HERE, sample_weight="w")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no Parquet file"):
        GRUForecaster(3).fit("empty")
    with pytest.raises(DataError, match="needs at least 61"):
        GRUForecaster(60, 14, **SMALL).fit("data")


@pytest.mark.usefixtures("_many_parts")
def test_part_that_cannot_be_read_is_said_and_nothing_is_left(mixed, tmp_path):
    twice = pl.concat([mixed, mixed.filter(unique_id="s59").head(1)])
    write(twice, tmp_path / "wrong")
    with pytest.raises(DataError, match=r"s59.*more than once"):
        GRUForecaster(3, 14, **SMALL).fit("wrong", memory=2**26)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "wrong"]


@pytest.mark.usefixtures("mixed")
def test_options_say_how_parts_are_read():
    with pytest.raises(DataError, match="whole number of steps of W"):
        GRUForecaster(3, 14, **SMALL).fit("data", freq="W")
    found, *_ = fit_parts(GRUForecaster(3, 14, **SMALL), "data", Learning(reading=ReadOptions.of(freq="D")))
    assert found.reading.freq == "D"


@pytest.mark.slow
def test_more_than_the_system_gives_is_trained_on_in_parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for number in range(8):
        days = make_days(20_000, 30).with_columns(pl.col("unique_id") + f" of {number}")
        days.write_parquet(tmp_path / "data" / f"{number}.parquet")
    few = os.environ | {"POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "1"}  # each thread takes some of it

    def train(memory):
        words = [sys.executable, "-c", LIMITED, str(memory), "350000000"]
        return subprocess.run(words, capture_output=True, text=True, env=few, check=False)

    assert train(2**26).stdout == "trained\n"
    assert train(2**33).returncode != 0
