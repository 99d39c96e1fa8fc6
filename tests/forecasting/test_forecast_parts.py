import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster
from grucast.errors import ConfigError, DataError
from grucast.forecasting import backtest
from grucast.forecasting.forecast_parts import forecast_parts
from grucast.forecasting.one_call import TOO_SHORT
from grucast.forecasting.verdict import verdict
from tests.conftest import TINY


@pytest.fixture
def days(tmp_path, monkeypatch):
    """Daily series, also in the files of a folder, which are cut into parts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grucast.data.parts.GROWTH", 10**4)
    rng, ds = np.random.default_rng(0), np.datetime64("2024-01-01", "us") + np.arange(40) * np.timedelta64(1, "D")
    frame = pl.concat(pl.DataFrame({"unique_id": f"s{i}", "ds": ds, "y": rng.gamma(2, 5, 40)}) for i in range(40))
    (tmp_path / "in").mkdir()
    for number in range(2):
        frame.filter(pl.int_range(pl.len()) % 2 == number).write_parquet(f"in/{number}.parquet")
    return pl.read_parquet("in/*.parquet")


def test_folder_is_tested_trained_on_and_forecast_as_a_frame(days, tmp_path):
    steps: list[str] = []
    found = forecast_parts(GRUForecaster(3, 14, 7, **TINY), "in", "out", memory=2**26, told=steps.append)
    whole = GRUForecaster(3, 14, 7, **TINY)
    tested = backtest(whole, days)
    assert found.verdict == verdict(tested, tested.panel.frequency, 3)
    wanted = whole.fit(days).predict().sort("unique_id", "ds")
    forecast = pl.read_parquet("out/*.parquet").sort("unique_id", "ds")
    assert forecast["GRU"].cast(pl.Float32).equals(wanted["GRU"].cast(pl.Float32))
    assert found.rows == len(wanted) == 120
    assert steps == ["testing on the last windows", "training", "forecasting"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


@pytest.mark.usefixtures("days")
def test_series_too_short_for_a_test_are_forecast_without():
    found = forecast_parts(GRUForecaster(12, 14, 7, **TINY), "in", "out")
    assert (found.verdict, found.backtest, found.rows) == (TOO_SHORT, None, 480)


def test_coming_values_are_those_of_the_forecast(days, rng, tmp_path):
    priced = days.with_columns(price=rng.normal(size=len(days)))
    end = pl.col("ds") > pl.col("ds").max() - pl.duration(days=3)
    history, future = priced.filter(~end), priced.filter(end).drop("y")
    history.write_parquet("history.parquet")
    future.write_parquet("future.parquet")
    forecaster = GRUForecaster(3, 14, 7, covariates=Covariates(future=("price",)), **TINY)
    with pytest.raises(DataError, match="this model reads price"):
        forecast_parts(forecaster, "history.parquet", "out")
    assert not (tmp_path / "out").exists()
    forecast_parts(forecaster, "history.parquet", "out", future="future.parquet", memory=2**26)
    wanted = forecaster.clone().fit(history).predict(future=future).sort("unique_id", "ds")
    forecast = pl.read_parquet("out/*.parquet").sort("unique_id", "ds")
    assert forecast["GRU"].cast(pl.Float32).equals(wanted["GRU"].cast(pl.Float32))


@pytest.mark.usefixtures("days")
def test_what_is_there_stays_and_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(ConfigError, match="not empty"):
        forecast_parts(GRUForecaster(3), "in", "in")
    (tmp_path / "in" / "z.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        forecast_parts(GRUForecaster(3, **TINY), "in", "out")
