import math
from dataclasses import replace

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from grucast import GRUForecaster, plotting
from grucast.errors import ConfigError
from grucast.forecasting.backtest import backtest
from grucast.plotting.backtests import coverage_of
from tests.conftest import TINY
from tests.plotting.conftest import lines
from tests.plotting.test_canvas import size


def test_backtest_is_drawn(tmp_path, result):
    plotting.plot_backtest(result, tmp_path / "b.png")
    plotting.plot_backtest(result, tmp_path / "two.png", series=["a", "b"])
    assert size(tmp_path / "two.png")[1] > size(tmp_path / "b.png")[1] > 600


def test_backtest_shows_the_history_and_forecasts_that_begin_at_each_cutoff(result, hourly, drawn):
    plotting.plot_backtest(result, "/dev/null", series="b")
    above, _ = drawn[0]
    own = hourly.filter(unique_id="b")
    _, values = lines(above)["observed"]
    np.testing.assert_array_equal(values, own["y"].to_numpy()[-36:])  # twelve after the first cutoff, 24 before
    starts = [line.get_xdata()[0] for line in above.get_lines() if line.get_label() == "GRU"]
    assert (np.array(starts) == own["ds"].to_numpy()[[-13, -7]]).all()


def test_backtest_of_one_step_shows_every_model(hourly, drawn):
    plotting.plot_backtest(backtest(GRUForecaster(1, 48, 24, **TINY), hourly, n_windows=2), "/dev/null")
    above, below = drawn[0]
    assert {len(lines(above)[model][0]) for model in ("GRU", "Naive", "Drift", "SeasonalNaive24")} == {2}
    assert below.get_xticks().tolist() == [1]


def test_backtest_shows_every_model_above_and_below(tmp_path, result):
    plotting.plot_backtest(result, tmp_path / "b.svg")
    drawn = (tmp_path / "b.svg").read_text()
    for text in ("GRU", "Naive", "SeasonalNaive24", "Drift", "80% interval", "MASE"):
        assert f"<!-- {text} -->" in drawn


def test_backtest_without_mase_shows_the_mean_absolute_error(tmp_path, result):
    lost = [replace(score, mase=math.nan) for score in result.scores]
    plotting.plot_backtest(replace(result, scores=lost), tmp_path / "b.svg")
    assert "<!-- MAE (unit of y) -->" in (tmp_path / "b.svg").read_text()


def test_backtest_draws_itself(result, tmp_path):
    result.plot(tmp_path / "b.png", series="b")
    assert size(tmp_path / "b.png") == (1200, 960)


def test_errors_of_every_model_are_drawn_in_given_axes(result):
    axes = Figure().subplots()
    assert plotting.plot_errors(result, ax=axes) is axes.figure
    found = lines(axes)
    for score in result.scores:
        np.testing.assert_allclose(found[score.model][1], score.mase_by_step)


def test_curve_goes_through_the_coverage_of_the_scores(result):
    gru = next(score for score in result.scores if score.model == "GRU")
    (axes,) = plotting.plot_calibration(result).axes
    level, held = lines(axes)["levels of the forecast"]
    assert level.tolist() == list(gru.coverage) == [80, 95]
    np.testing.assert_allclose(held, [100 * share for share in gru.coverage.values()])


def test_right_intervals_hold_what_they_promise_at_every_level(rng):
    y, bounds = rng.normal(size=20_000), {"GRU": 0.0, "GRU-lo-80": -1.2816, "GRU-hi-80": 1.2816}
    frame = pl.DataFrame({"y": y}).with_columns(**{name: pl.lit(value) for name, value in bounds.items()})
    level, held = coverage_of(nw.from_native(frame))
    assert level == (80.0,)
    percent = np.array([10.0, 50, 80, 99])
    np.testing.assert_allclose(held(percent), percent, atol=1)


def test_without_intervals_there_is_no_curve(hourly):
    forecaster = GRUForecaster(6, 48, 24, level=(), **TINY)
    with pytest.raises(ConfigError, match="no intervals: give the forecaster a level"):
        plotting.plot_calibration(backtest(forecaster, hourly, n_windows=1))
