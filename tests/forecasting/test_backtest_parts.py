import subprocess
import sys

import polars as pl
import pytest

from grucast import Covariates, GRUForecaster
from grucast.errors import ConfigError, DataError
from grucast.forecasting.backtest import backtest
from grucast.forecasting.backtest_parts import backtest_parts
from tests.conftest import TINY
from tests.forecasting.test_parts import make_days

ACCURACY = ("mae", "rmse", "smape", "mase", "scaled_crps", "coverage", "mae_by_step", "mase_by_step", "steps")
PEAK = """
import sys
from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.forecasting.backtest_parts import backtest_parts
status = lambda: dict(line.split(":", 1) for line in open("/proc/self/status"))
forecaster = GRUForecaster(3, 7, 7, network=NetworkConfig(hidden_size=4), training=TrainingConfig(max_steps=3))
before = status()["VmRSS"]
backtest_parts(forecaster, "data", sys.argv[1], 3, memory=int(sys.argv[2]))
print(1024 * (int(status()["VmHWM"].split()[0]) - int(before.split()[0])))
"""


@pytest.fixture
def days():
    """Daily series, some of which begin after the first cutoff, one with nothing but zeros, one silent for weeks."""
    frame = make_days(60)
    step = (pl.col("ds") - pl.col("ds").min()).dt.total_days()
    number = pl.col("unique_id").str.slice(1).cast(pl.Int64)
    frame = frame.filter((number > 5) | (step > 24)).filter((number != 6) | ((step < 9) | (step > 27)))
    return frame.with_columns(y=pl.when(number == 7).then(0.0).otherwise("y"))


@pytest.fixture
def place(tmp_path, monkeypatch, days):
    """A folder with files, whose rows are in no order."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    mixed = days.sample(fraction=1, shuffle=True, seed=0)
    for number in range(3):
        mixed.filter(pl.int_range(pl.len()) % 3 == number).write_parquet(tmp_path / "data" / f"{number}.parquet")
    return tmp_path


def past(folder):
    return pl.read_parquet(folder / "*.parquet").sort("unique_id", "cutoff", "ds")


def forecaster(**options):
    return GRUForecaster(3, 7, 7, **TINY, **options)


@pytest.mark.parametrize("growth", [8, 10**4], ids=["one part", "many parts"])
def test_scores_and_forecasts_are_those_of_memory(place, monkeypatch, growth):
    monkeypatch.setattr("grucast.data.parts.GROWTH", growth)
    told = []
    found = backtest_parts(forecaster(), "data", "out", 3, 2, told=lambda *done: told.append(done), memory=2**26)
    assert (len(told) > 8) == (growth > 8)
    wanted = backtest(forecaster(), pl.read_parquet("data/*.parquet"), 3, 2)
    assert (found.series, found.windows, found.left_out) == (wanted.series, wanted.windows, wanted.left_out)
    assert found.left_out > 3
    for ours, theirs in zip(found.scores, wanted.scores, strict=True):
        assert ours.model == theirs.model
        assert ours.predict_seconds > 0
        for name in ACCURACY:
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-9, nan_ok=True), name
    frame = wanted.frame.sort("unique_id", "cutoff", "ds")
    written = past(place / "out")
    assert len(written) == found.rows == len(frame)
    assert written.select("unique_id", "ds", "cutoff", "y").equals(frame.select("unique_id", "ds", "cutoff", "y"))
    names = [name for name in frame.columns if name.startswith(("GRU", "Drift"))]
    assert written[names].cast(pl.Float32).equals(frame[names].cast(pl.Float32))


def test_each_series_cutoff_and_step_comes_once(place, monkeypatch):
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)
    found = backtest_parts(forecaster(), "data", "out", 2, memory=2**26)
    assert past(place / "out").select("unique_id", "cutoff", "ds").n_unique() == found.rows
    assert sorted(path.name for path in place.iterdir()) == ["data", "out"]


def test_the_forecaster_stays_as_it_is_and_baselines_can_be_chosen(place):
    own = forecaster()
    found = backtest_parts(own, "data", "out", 2, baselines=("naive",))
    assert not hasattr(own, "_model")
    assert {score.model for score in found.scores} == {"GRU", "Naive"}


def test_nothing_is_trained_on_what_comes_after_the_first_cutoff(place, days):
    backtest_parts(forecaster(), "data", "out", 2)
    cutoff = days["ds"].max() - pl.duration(days=6)
    later = pl.when(pl.col("ds") > cutoff).then(pl.col("y") * 1000 - 7).otherwise("y")
    for path in (place / "data").iterdir():
        pl.read_parquet(path).with_columns(y=later).write_parquet(path)
    backtest_parts(forecaster(), "data", "other", 2)
    ours, theirs = (past(place / folder).filter(pl.col("cutoff") == cutoff) for folder in ("out", "other"))
    assert len(ours) > 100
    assert ours.drop("y").equals(theirs.drop("y"))
    assert not ours.equals(theirs)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"baselines": ("arima",)}, ConfigError, "no baseline"),
        ({"n_windows": 0}, ConfigError, "n_windows"),
        ({"n_windows": 30}, DataError, "the longest series has"),
        ({"out": "data"}, ConfigError, "not empty"),
        ({"source": "nothing"}, DataError, "nothing"),
    ],
)
def test_what_has_no_meaning_is_refused(place, options, error, words):
    with pytest.raises(error, match=words):
        backtest_parts(forecaster(), **{"source": "data", "out": "out"} | options)


def test_covariates_are_read_as_in_memory(place, monkeypatch):
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)
    number = pl.col("unique_id").str.slice(1).cast(pl.Int64)
    for path in (place / "data").iterdir():
        kind = pl.when(number % 2 == 0).then(pl.lit("even")).otherwise(pl.lit("odd"))
        pl.read_parquet(path).with_columns(price=pl.col("ds").dt.day() * number, kind=kind).write_parquet(path)
    own = forecaster(covariates=Covariates(past=("price",), static=("kind",)))
    found = backtest_parts(own, "data", "out", 2, memory=2**26)
    wanted = backtest(own, pl.read_parquet("data/*.parquet"), 2)
    assert [score.mase for score in found.scores] == pytest.approx([score.mase for score in wanted.scores], rel=1e-9)


def test_series_that_are_all_silent_are_refused(place, days):
    for path in (place / "data").iterdir():
        path.unlink()
    late = (pl.col("ds") > days["ds"].max() - pl.duration(days=14)) & (pl.col("ds") < days["ds"].max())
    days.with_columns(y=pl.when(late).then(None).otherwise("y")).write_parquet(place / "data" / "0.parquet")
    with pytest.raises(DataError, match="no series has a value in the 7 steps before any cutoff"):
        backtest_parts(forecaster(), "data", "out", 1)


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
    print(peaks)
    assert peaks[0] > 4e8
    assert peaks[1] < 2**26 + 1e8  # and what threads hold
