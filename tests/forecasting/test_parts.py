import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import grucast
from grucast import Covariates, GRUForecaster
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
predict_parts(forecaster, "data", sys.argv[1], memory=int(sys.argv[2]), future=sys.argv[3] or None)
print(1024 * (int(status()["VmHWM"].split()[0]) - int(before.split()[0])))
"""

COMING = pl.DataFrame({"ds": pl.datetime_range(pl.datetime(2024, 1, 15), pl.datetime(2024, 2, 2), eager=True)}).select(
    "ds", price=pl.col("ds").dt.weekday().cast(pl.Float64)
)  # after the end of any of these series


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


@pytest.fixture
def priced(tmp_path, monkeypatch):
    """A forecaster that reads prices known in advance, files of history and future in many parts, and both as frames.

    The ids are integers, in the future of another width.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)
    rng, steps = np.random.default_rng(0), 33
    ds = np.datetime64("2024-01-01", "us") + np.arange(steps) * np.timedelta64(1, "D")
    days = pl.DataFrame({"unique_id": np.repeat(np.arange(60), steps), "ds": np.tile(ds, 60)})
    days = days.with_columns(y=rng.gamma(2, 5, len(days)), price=rng.normal(size=len(days)))
    history, late = days.filter(pl.col("ds") < ds[-3]), days.filter(pl.col("ds") >= ds[-3])
    others = late.with_columns(pl.col("unique_id") + 100)
    future = pl.concat([others, late]).drop("y").with_columns(pl.col("unique_id").cast(pl.Int32))
    for name, frame in (("data", history), ("future", future)):
        (tmp_path / name).mkdir()
        mixed = frame.sample(fraction=1, shuffle=True, seed=0)
        for number in range(2):
            mixed.filter(pl.int_range(pl.len()) % 2 == number).write_parquet(f"{name}/{number}.parquet")
    return GRUForecaster(3, 14, 7, covariates=Covariates(future=("price",)), **TINY).fit(history), history, future


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


def bits(forecast):
    """What was forecast, in one order and as it is written."""
    return forecast.sort("unique_id", "ds").cast({pl.Float64: pl.Float32})


def test_parts_know_their_coming_values(priced, tmp_path):
    forecaster, history, future = priced
    told = []
    count = predict_parts(
        forecaster, "data", "out", future="future", memory=2**26, told=lambda *done: told.append(done)
    )
    assert (len(told) > 3, count) == (True, 180)
    wanted = forecaster.predict(history, future)
    assert bits(forecasts(tmp_path / "out")).equals(bits(wanted))
    changed = future.with_columns(pl.col("price") + 1)
    assert not bits(forecaster.predict(history, changed)).equals(bits(wanted))
    future.write_parquet("future.parquet")
    predict_parts(forecaster, "data", "again", future="future.parquet", memory=2**30)
    assert bits(forecasts(tmp_path / "again")).equals(bits(wanted))


def test_memory_holds_a_part_of_the_history_and_that_of_a_large_future(priced, monkeypatch):
    forecaster, _, future = priced
    sizes = []

    def measure(*given):
        files = [path for folder in given[-1] for path in folder.iterdir()]
        sizes.append(sum(pl.read_parquet(path).estimated_size() for path in files))
        return 0

    monkeypatch.setattr(parts, "write_part", measure)
    many = pl.concat([future] * 60).with_columns(unique_id=pl.int_range(pl.len(), dtype=pl.Int32))
    many.write_parquet("future/many.parquet")
    predict_parts(forecaster, "data", "out", future="future", memory=2**28)
    assert sum(sizes) > 10 * 2**28 / 10**4
    assert max(sizes) < 2 * 2**28 / 10**4  # names are not spread evenly over the parts


def test_series_without_coming_values_are_named_as_in_memory(priced):
    forecaster, history, future = priced
    for path in Path("future").iterdir():
        path.unlink()
    rest = future.filter(pl.col("unique_id") != 7)
    rest.write_parquet("future/rest.parquet")
    with pytest.raises(DataError, match="3 such rows in all, none at any time for 7") as known:
        forecaster.predict(history, rest)
    with pytest.raises(DataError) as found:
        predict_parts(forecaster, "data", "out", future="future", memory=2**26)
    assert str(found.value) == str(known.value)


def test_parts_without_coming_values_name_their_series(priced):
    forecaster, _, future = priced
    future.head(1).write_parquet("one.parquet")
    with pytest.raises(
        DataError, match=r"no row for series (\d+) at 2024-01-31 .*none at any time for \1,.*: give all 3"
    ):
        predict_parts(forecaster, "data", "out", future="one.parquet", memory=2**26)


@pytest.mark.parametrize(
    ("future", "said"),
    [
        (None, r"this model reads price: give predict their coming values as future= \(--future\)"),
        ("none", r"future \(--future\) must be Parquet as the history is: none holds no Parquet file"),
        ("some.csv", r"future \(--future\) must be Parquet as the history is: .*some.csv and"),
        ("nameless.parquet", r"future \(--future\) has no column 'unique_id': it has ds, price"),
        ("priceless.parquet", r"future \(--future\) has no column 'price': it has unique_id, ds"),
        ("data/1.parquet", r"future \(--future\): the files of data/1.parquet are among those of the history"),
        ("empty.parquet", r"future \(--future\): the files have columns but no rows"),
    ],
)
def test_a_future_that_cannot_be_used_is_refused_before_any_forecast(priced, tmp_path, future, said):
    forecaster, _, coming = priced
    (tmp_path / "none").mkdir()
    coming.write_csv("some.csv")
    coming.drop("unique_id").write_parquet("nameless.parquet")
    coming.drop("price").write_parquet("priceless.parquet")
    coming.head(0).write_parquet("empty.parquet")
    with pytest.raises(DataError, match=said):
        predict_parts(forecaster, "data", "out", future=future)
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob(".grucast-*"))


def test_a_model_that_reads_nothing_in_advance_refuses_a_future(place):
    with pytest.raises(DataError, match="leave out future="):
        predict_parts(grucast.load("m.safetensors"), "data", "out", future="data")
    assert not (place / "out").exists()


def test_one_series_without_id_has_its_coming_values(priced, tmp_path):
    forecaster, history, future = priced
    one, ahead = (frame.filter(unique_id=5).drop("unique_id") for frame in (history, future))
    one.write_parquet("one.parquet")
    ahead.write_parquet("ahead.parquet")
    assert predict_parts(forecaster, "one.parquet", "out", future="ahead.parquet", memory=2**26) == 3
    assert bits(forecasts(tmp_path / "out")).equals(bits(forecaster.predict(one, ahead)))


def test_what_is_there_is_not_replaced(place):
    (place / "out").mkdir()
    (place / "out" / "mine").touch()
    with pytest.raises(ConfigError, match="not empty"):
        predict_parts(grucast.load("m.safetensors"), "data", "out")
    (place / "odd.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"odd.parquet and the files like it cannot be read"):
        predict_parts(grucast.load("m.safetensors"), "odd.parquet", "other")
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
@pytest.mark.parametrize("known", [(), ("price",)])
def test_memory_is_bounded(place, known):
    priced = make_days(60).with_columns(price=pl.col("y") / 2)
    GRUForecaster(3, 14, 7, covariates=Covariates(future=known), **TINY).fit(priced).save("m.safetensors")
    for path in (place / "data").iterdir():
        path.unlink()
    (place / "future").mkdir()
    for number in range(4):
        days = make_days(20_000).with_columns(pl.col("unique_id") + f" of {number}", price=pl.col("y") / 2)
        days.write_parquet(place / "data" / f"{number}.parquet")
        last = days.select("unique_id").unique().join(COMING, how="cross")
        last.write_parquet(place / "future" / f"{number}.parquet")
    peaks = []
    for folder, memory in (("large", 2**33), ("small", 2**26)):
        words = [sys.executable, "-c", PEAK, folder, str(memory), "future" if known else ""]
        peaks.append(int(subprocess.run(words, check=True, capture_output=True, text=True).stdout))
    assert peaks[0] > 2e8
    assert peaks[1] < 2**26 + 1e8  # and what threads hold
