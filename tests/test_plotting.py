import math
import struct
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, plotting
from grucast.errors import ConfigError, GrucastError, MissingExtraError
from grucast.forecasting.backtest import backtest
from tests.conftest import TINY


def size(path):
    """Width and height of a PNG picture, read from its header."""
    return struct.unpack(">II", path.read_bytes()[16:24])


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_picture_has_the_kind_that_its_name_says(tmp_path, suffix):
    path = tmp_path / f"loss{suffix}"
    plotting.plot_loss([1.0, 0.5, 0.2], path)
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix])


def test_predictions_are_drawn_at_six_by_four_inches(tmp_path):
    plotting.plot_predictions(np.arange(5), np.arange(5) + 0.1, tmp_path / "p.png")
    assert size(tmp_path / "p.png") == (900, 600)


def test_many_series_are_cut_to_the_first_four(tmp_path, fitted, hourly):
    frames = [hourly.with_columns(unique_id=pl.lit(f"{k}") + pl.col("unique_id")) for k in range(3)]
    many = pl.concat(frames)
    plotting.plot_forecast(many, fitted.predict(many), tmp_path / "many.png")
    plotting.plot_forecast(hourly, fitted.predict(), tmp_path / "two.png")
    assert size(tmp_path / "many.png")[1] > size(tmp_path / "two.png")[1] > 600


def test_integer_times_can_be_drawn(tmp_path, hourly):
    frame = hourly.filter(unique_id="a").with_columns(ds=pl.int_range(480))
    forecast = frame.head(6).select("unique_id", "ds", GRU="y")
    plotting.plot_forecast(frame, forecast, tmp_path / "f.png")
    assert (tmp_path / "f.png").exists()


@pytest.fixture
def result(hourly):
    return backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=2)


def test_backtest_is_drawn(tmp_path, result):
    plotting.plot_backtest(result, tmp_path / "b.png")
    assert size(tmp_path / "b.png")[1] > size(tmp_path / "b.png")[0]


def test_backtest_shows_every_model_above_and_below(tmp_path, result):
    plotting.plot_backtest(result, tmp_path / "b.svg")
    drawn = (tmp_path / "b.svg").read_text()
    for text in ("GRU", "Naive", "SeasonalNaive24", "Drift", "80% interval", "MASE"):
        assert f"<!-- {text} -->" in drawn


def test_backtest_without_mase_shows_the_mean_absolute_error(tmp_path, result):
    lost = [replace(score, mase=math.nan) for score in result.scores]
    plotting.plot_backtest(replace(result, scores=lost), tmp_path / "b.svg")
    assert "<!-- MAE (unit of y) -->" in (tmp_path / "b.svg").read_text()


def test_name_that_is_no_pictures_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"loss\.txt is no picture's name: .*\.png"):
        plotting.plot_loss([1.0], tmp_path / "loss.txt")


def test_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(GrucastError, match="cannot write"):
        plotting.plot_loss([1.0], tmp_path / "no" / "loss.png")


def test_without_matplotlib_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[plot\]"):
        plotting.plot_loss([1.0], tmp_path / "loss.png")
