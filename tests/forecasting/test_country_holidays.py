"""Country holidays in all that a forecaster does."""

import json
import sys

import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig, load
from grucast.data.holidays import days_off
from grucast.errors import ConfigError, DataError, MissingExtraError, ModelFileError
from grucast.forecasting import leakage_check
from grucast.onnx import export
from tests.conftest import TINY

GERMAN = Covariates(holidays="DE")


def daily(days=1100, zone=None):
    """Two series of 2022 to 2024; on holidays nobody comes."""
    times = np.datetime64("2022-01-01", "us") + np.arange(days) * np.timedelta64(1, "D")
    closed = np.isin(times.astype("M8[D]"), np.concatenate([days_off("DE", year) for year in range(2022, 2026)]))
    week = 10 + np.sin(np.arange(days) * 2 * np.pi / 7)
    noise = np.random.default_rng(1).normal(0, 0.1, (2, days))
    ds = pl.Series("ds", times).dt.replace_time_zone(zone)
    return pl.concat(
        [
            pl.DataFrame({"unique_id": name, "ds": ds, "y": np.where(closed, 1, week + own)})
            for name, own in zip("ab", noise, strict=True)
        ]
    )


def fit(frame, covariates=GERMAN, h=7, **settings):
    return GRUForecaster(h, 28, 7, covariates=covariates, **{**TINY, **settings}).fit(frame)


@pytest.fixture(scope="module")
def tiny():
    return fit(daily())


def test_holidays_to_come_are_forecast():
    history = daily(1088)  # up to 2024-12-23
    settings = {"network": NetworkConfig(hidden_size=16), "training": TrainingConfig(max_steps=150, batch_size=64)}
    blind, seeing = (fit(history, covariates, **settings).predict()["GRU"][:7] for covariates in (None, GERMAN))
    assert (seeing[1:3] < 7).all()  # 25 and 26 December
    assert (seeing[3:] > 7).all()
    assert (blind[1:3] > 8.5).all()


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_stream_gives_the_bits_of_predict(zone):
    frame = daily(400, zone).filter(pl.col("ds").dt.day() != 13)  # gaps, too
    forecaster = fit(frame)
    wanted, stream = forecaster.predict(), forecaster.stream()
    assert stream.update_many(frame).equals(wanted)
    stream = forecaster.stream()
    for row in frame.sort("ds").iter_rows(named=True):
        last = stream.update(row)
    np.testing.assert_array_equal(last["GRU"], wanted.filter(unique_id=last["unique_id"])["GRU"])


def test_short_series_give_a_stream_the_bits_of_predict(tiny):
    short = daily(9)
    assert tiny.stream().update_many(short).equals(tiny.predict(short))


def test_state_of_a_stream_is_kept(tiny, tmp_path):
    stream, other = tiny.stream(), tiny.stream()
    wanted = stream.update_many(daily())
    stream.save(tmp_path / "state")
    other.load(tmp_path / "state")
    assert other.update_many(daily().group_by("unique_id", maintain_order=True).tail(1)).equals(wanted)


def test_model_file_keeps_them_as_format_2(tiny, tmp_path):
    tiny.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.covariates == GERMAN
    assert again.predict(daily()).equals(tiny.predict())
    assert b'\\"format\\": 2' in (tmp_path / "model").read_bytes()
    assert b"holidays" not in saved(fit(daily(), None), tmp_path / "other")


def saved(forecaster, path):
    forecaster.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("code", ["de", "DE-", 3])
def test_damaged_code_in_a_model_file_is_refused(tiny, tmp_path, code):
    content = saved(tiny, tmp_path / "model")
    there = json.dumps(json.dumps({"code": "DE", "zone": ""}))[1:-1].encode()
    assert there in content
    other = json.dumps(json.dumps({"code": code, "zone": ""}))[1:-1].encode()
    length = int.from_bytes(content[:8], "little") + len(other) - len(there)
    (tmp_path / "model").write_bytes(length.to_bytes(8, "little") + content[8:].replace(there, other))
    with pytest.raises(ModelFileError, match="code must be"):
        load(tmp_path / "model")


def test_graph_of_onnx_takes_them_as_numbers(tiny, tmp_path):
    exported = export(tiny, tmp_path / "model.onnx")
    names = [column["name"] for column in exported.description["columns"]]
    assert names == ["DE holiday", "DE holiday tomorrow", "DE holiday yesterday"]
    assert exported.difference < 1e-4


def test_they_come_after_other_covariates(tmp_path):
    frame = daily().with_columns(price=pl.int_range(pl.len()) % 5, kind=pl.col("unique_id"), seen=pl.col("y"))
    covariates = Covariates(past=("seen",), future=("price",), static=("kind",), holidays="DE-BY")
    history, future = frame.filter(pl.col("ds") < pl.datetime(2024, 12, 24)), frame.select("unique_id", "ds", "price")
    forecaster = fit(history, covariates)
    wanted = forecaster.predict(future=future)
    assert forecaster.stream().update_many(history, future).equals(wanted)
    export(forecaster, tmp_path / "model.onnx")


def test_backtest_and_leakage_check_work(tiny):
    assert len(tiny.cross_validation(daily(), n_windows=2)) == 2 * 2 * 7
    leakage_check(tiny, daily(300), n_windows=1)


def test_training_goes_on_with_them(tiny):
    assert fit(daily(500)).fit(daily(), warm_start=True).covariates == GERMAN


def test_what_has_none_is_refused_before_training(hourly):
    monthly = pl.DataFrame(
        {"unique_id": "a", "ds": pl.date_range(pl.date(2015, 1, 1), pl.date(2020, 1, 1), "1mo", eager=True)}
    )
    with pytest.raises(DataError, match="steps of MS"):
        fit(monthly.with_columns(y=pl.int_range(pl.len())))
    with pytest.raises(DataError, match="counts time in integers"):
        fit(pl.DataFrame({"unique_id": "a", "ds": range(100), "y": range(100)}))
    with pytest.raises(ConfigError, match="ZZ"):
        fit(hourly, Covariates(holidays="ZZ"))
    with pytest.raises(ConfigError, match="country's code such as 'DE'"):
        Covariates(holidays="Germany")


def test_model_loads_without_the_package_and_says_what_it_needs(tiny, tmp_path, monkeypatch):
    tiny.save(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "holidays", None)
    days_off.cache_clear()
    again = load(tmp_path / "model")
    with pytest.raises(MissingExtraError, match=r"pip install 'grucast\[holidays\]'"):
        again.predict(daily())
