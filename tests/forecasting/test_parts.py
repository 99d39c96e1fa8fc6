import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import grucast
from grucast import GRUForecaster
from grucast.errors import ConfigError, DataError
from grucast.forecasting import parts
from grucast.forecasting.engine import HERE
from grucast.forecasting.parts import predict_parts
from tests.conftest import TINY

PEAK = """
import sys
import grucast
from grucast.forecasting.parts import predict_parts
forecaster = grucast.load("m.safetensors")
status = lambda: dict(line.split(":", 1) for line in open("/proc/self/status"))
before = status()["VmRSS"]
predict_parts(forecaster, "data", sys.argv[1], memory=int(sys.argv[2]))
print(1024 * (int(status()["VmHWM"].split()[0]) - int(before.split()[0])))
"""


def make_days(series, steps=30):
    """Daily series of different lengths."""
    rng = np.random.default_rng(0)
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, "D")
    names = np.repeat([f"s{i}" for i in range(series)], steps)
    frame = pl.DataFrame({"unique_id": names, "ds": np.tile(ds, series), "y": rng.gamma(2, 5, series * steps)})
    return frame.filter(pl.Series(rng.random(len(frame)) > 0.1))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a model and files, whose rows are in no order."""
    monkeypatch.chdir(tmp_path)
    days = make_days(60)
    GRUForecaster(3, 14, 7, **TINY).fit(days).save("m.safetensors")
    (tmp_path / "data").mkdir()
    mixed = days.sample(fraction=1, shuffle=True, seed=0)
    for number in range(3):
        mixed.filter(pl.int_range(pl.len()) % 3 == number).write_parquet(tmp_path / "data" / f"{number}.parquet")
    return tmp_path


def forecasts(folder):
    return pl.read_parquet(folder / "*.parquet").sort("unique_id", "ds")


def test_parts_have_the_bits_of_all_at_once_each_series_once(place, monkeypatch):
    told = []
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)
    forecaster = grucast.load("m.safetensors")
    count = predict_parts(forecaster, "data", "out", memory=2**26, told=lambda *done: told.append(done))
    assert len(told) > 3
    wanted = forecaster.predict(pl.read_parquet("data/*.parquet")).sort("unique_id", "ds")
    found = forecasts(place / "out")
    assert (count, len(found)) == (180, 180)
    assert found.select("unique_id", "ds").equals(wanted.select("unique_id", "ds"))
    names = [name for name in wanted.columns if name.startswith("GRU")]
    assert found[names].cast(pl.Float32).equals(wanted[names].cast(pl.Float32))


def test_each_of_several_workers_has_parts_though_memory_holds_all(place):
    class Two(type(HERE)):
        workers = 2

    told = []
    predict_parts(grucast.load("m.safetensors"), "data", "out", engine=Two(), told=lambda *done: told.append(done))
    assert told[-1] == (6, 6)
    assert len(forecasts(place / "out")) == 180


def test_what_is_there_is_not_replaced(place):
    (place / "out").mkdir()
    (place / "out" / "mine").touch()
    with pytest.raises(ConfigError, match="not empty"):
        predict_parts(grucast.load("m.safetensors"), "data", "out")
    with pytest.raises(DataError, match="holds no Parquet file"):
        predict_parts(grucast.load("m.safetensors"), str(place / "out"), "other")


def test_a_part_that_fails_leaves_whole_files_and_no_scratch(place, monkeypatch):
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)
    real, calls = parts.write_part, []

    def fail_later(*given):
        calls.append(given)
        if len(calls) == 3:
            raise MemoryError
        return real(*given)

    monkeypatch.setattr(parts, "write_part", fail_later)
    with pytest.raises(MemoryError):
        predict_parts(grucast.load("m.safetensors"), "data", "out", memory=2**26)
    assert len(forecasts(place / "out")) % 3 == 0
    assert sorted(path.name for path in place.iterdir()) == ["data", "m.safetensors", "out"]


@pytest.mark.slow
def test_memory_is_bounded(place):
    for path in (place / "data").iterdir():
        path.unlink()
    for number in range(4):
        days = make_days(20_000).with_columns(pl.col("unique_id") + f" of {number}")
        days.write_parquet(place / "data" / f"{number}.parquet")
    peaks = []
    for folder, memory in (("large", 2**33), ("small", 2**26)):
        words = [sys.executable, "-c", PEAK, folder, str(memory)]
        peaks.append(int(subprocess.run(words, check=True, capture_output=True, text=True).stdout))
    assert peaks[0] > 2e8
    assert peaks[1] < 2**26 + 1e8  # and what threads hold
