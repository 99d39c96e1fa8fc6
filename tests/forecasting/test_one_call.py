from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

import grucast
from grucast import GRUForecaster, TrainingConfig
from grucast.errors import ConfigError, DataError

QUICK = TrainingConfig(max_steps=3)
START = datetime(2024, 1, 1)


def hourly(rows=400, **columns):
    t = np.arange(rows)
    y = 10 + 3 * np.sin(2 * np.pi * t / 24) + np.random.default_rng(0).normal(size=rows)
    return pl.DataFrame({"Zeit": [f"{START + timedelta(hours=int(k)):%d.%m.%Y %H:%M}" for k in t], "kWh": y, **columns})


@pytest.fixture(scope="module")
def result():
    return grucast.forecast(hourly(), 24, training=QUICK)


def test_forecast_is_that_of_the_same_calls_one_by_one(result):
    forecaster = GRUForecaster(24, training=QUICK).fit(hourly())
    assert result.forecast.equals(forecaster.predict())


def test_notes_say_what_was_taken_for_what(result):
    assert result.notes == (
        "time: Zeit (read as day first as 13.01.2024 00:00 shows)",
        "series: one",
        "target: kWh",
        "frequency: h",
        "seasons: of 24 and 168 steps",
        "horizon: 24 steps",
    )
    assert result.target == "kWh"


def test_verdict_and_scores_are_those_of_the_last_windows(result):
    assert " over 3 tests" in result.verdict
    assert {score.model for score in result.scores} >= {"GRU", "Naive", "SeasonalNaive24"}


def test_horizon_is_chosen_and_said():
    result = grucast.forecast(hourly(), training=QUICK)
    assert (result.h, result.notes[-1]) == (24, "horizon: 24 steps (a day)")


def test_the_model_reads_the_next_file_without_options(result, tmp_path):
    result.forecaster.save(tmp_path / "m.safetensors")
    hourly().write_csv(tmp_path / "again.csv", separator=";")
    again = grucast.load(tmp_path / "m.safetensors").predict(tmp_path / "again.csv")
    np.testing.assert_allclose(again["GRU"], result.forecast["GRU"], rtol=1e-6)


def test_picture_is_a_figure_and_a_file_if_asked(result, tmp_path):
    figure = result.plot(tmp_path / "p.png")
    assert figure.axes[0].get_ylabel() == "kWh"
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_pandas_come_back_as_pandas():
    frame = pd.DataFrame(hourly(200).to_dict(as_series=False))
    assert isinstance(grucast.forecast(frame, 6, training=QUICK).forecast, pd.DataFrame)


def test_short_series_are_forecast_without_a_test():
    result = grucast.forecast(hourly().tail(20), 8, training=QUICK)
    assert result.verdict == "too short for a test, so nothing is known about its errors"
    assert result.scores == ()
    assert len(result.forecast) == 8


def test_rows_without_a_value_at_the_end_are_what_is_forecast():
    frame = hourly(200).with_columns(kWh=pl.when(pl.int_range(pl.len()) < 190).then("kWh"))
    result = grucast.forecast(frame, 6, training=QUICK)
    assert result.forecast["ds"][0] == START + timedelta(hours=190)
    assert any("last 10 steps have no value" in note for note in result.notes)


def test_options_of_read_are_taken():
    frame = hourly(200, other=[1.5, 2.5] * 100)
    with pytest.raises(DataError, match="kWh, other"):
        grucast.forecast(frame, 6, training=QUICK)
    assert grucast.forecast(frame, 6, training=QUICK, target_col="other").target == "other"


def test_what_is_odd_is_a_warning():
    frame = hourly(200).with_columns(kWh=pl.when(pl.int_range(pl.len()) % 50 == 3).then(-999.0).otherwise("kWh"))
    result = grucast.forecast(frame, 6, training=QUICK)
    assert any("-999" in warning for warning in result.warnings)


@pytest.mark.parametrize("h", [0, -1, 2.5, "a"])
def test_a_horizon_without_meaning_is_refused_before_work(h):
    with pytest.raises(ConfigError, match="h must be"):
        grucast.forecast(hourly(50), h)
