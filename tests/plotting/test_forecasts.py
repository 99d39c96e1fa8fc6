import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from matplotlib.dates import date2num

from grucast import GRUForecaster, plotting
from grucast.errors import ConfigError
from grucast.forecasting.backtest import backtest
from tests.conftest import TINY
from tests.plotting.test_canvas import size


def lines(axes):
    """The lines of some axes by their labels, as numbers."""
    found = {}
    for line in axes.get_lines():
        found.setdefault(line.get_label(), (np.asarray(line.get_xdata()), np.asarray(line.get_ydata(), float)))
    return found


def test_many_series_are_cut_to_the_first_four(tmp_path, fitted, hourly):
    frames = [hourly.with_columns(unique_id=pl.lit(f"{k}") + pl.col("unique_id")) for k in range(3)]
    many = pl.concat(frames)
    plotting.plot_forecast(many, fitted.predict(many), tmp_path / "many.png")
    plotting.plot_forecast(hourly, fitted.predict(), tmp_path / "two.png")
    assert size(tmp_path / "many.png")[1] > size(tmp_path / "two.png")[1] > 600


def test_named_series_are_drawn_in_that_order(hourly, fitted, drawn, result):
    plotting.plot_forecast(hourly, fitted.predict(), "/dev/null", series=["b", "a"], target="kW")
    plotting.plot_series(hourly, "/dev/null", series="b", target="kW")
    plotting.plot_backtest(result, "/dev/null", series=["b"], target="kW")
    titles = [[axes.get_title(loc="left") for axes in figure] for figure in drawn]
    assert titles == [["b", "a"], ["b"], ["b: forecasts from each cutoff", "Error by step, all series"]]
    assert {axes.get_ylabel() for figure in drawn for axes in figure} == {"kW", "MASE"}
    for draw in (
        lambda: plotting.plot_series(hourly, "/dev/null", ["c"]),
        lambda: plotting.plot_forecast(hourly, fitted.predict(), "/dev/null", series=["c"]),
        lambda: plotting.plot_backtest(result, "/dev/null", series=["c"]),
    ):
        with pytest.raises(ConfigError, match="no series 'c' to draw: there are a, b"):
            draw()


def test_forecast_and_intervals_begin_at_the_last_observation(hourly, drawn):
    own = hourly.filter(unique_id="a").with_columns(y=pl.when(pl.int_range(480) < 478).then(pl.col("y")))
    forecast = GRUForecaster(6, 48, 24, **TINY).fit(own).predict()
    plotting.plot_forecast(own, forecast, "/dev/null", context=10)
    (axes,) = drawn[0]
    times, values = lines(axes)["GRU"]
    assert (times[0], values[0]) == (own["ds"].to_numpy()[477], own["y"][477])
    np.testing.assert_array_equal(values[1:], forecast["GRU"].to_numpy())
    assert len(lines(axes)["observed"][0]) == 10
    for band in axes.collections:
        corners = band.get_paths()[0].vertices
        begins = corners[corners[:, 0] == date2num(times[0])]
        assert (begins[:, 1] == own["y"][477]).all()


def test_series_are_drawn_to_their_last_steps_with_breaks(hourly, drawn):
    holes = hourly.filter(~pl.int_range(pl.len()).is_in([470, 471, 475]))
    plotting.plot_series(holes, "/dev/null", last=20)
    first, _ = drawn[0]
    times, values = lines(first)["_child0"]
    assert len(times) == 20
    assert np.flatnonzero(np.isnan(values)).tolist() == [10, 11, 15]
    with pytest.raises(ConfigError, match="at least 1 step"):
        plotting.plot_series(hourly, "/dev/null", last=0)


def test_many_points_become_means_within_their_range(drawn, rng):
    values = rng.normal(size=10_000)
    frame = pl.DataFrame({"unique_id": "a", "ds": range(10_000), "y": values})
    plotting.plot_series(frame, "/dev/null")
    (axes,) = drawn[0]
    _, means = lines(axes)["_child1"]
    np.testing.assert_allclose(means[:588], values[:9996].reshape(588, 17).mean(1))
    assert axes.get_title(loc="right") == "mean and range of every 17 steps"


@pytest.mark.parametrize("ds", [1, 1_700_000_000_000])
def test_one_point_is_a_dot_and_integers_are_written_whole(drawn, ds):
    plotting.plot_series(pl.DataFrame({"unique_id": "a", "ds": [ds], "y": [2.5]}), "/dev/null")
    (axes,) = drawn[0]
    assert lines(axes)["_child1"][0].tolist() == [ds]
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"{ds}"]


def test_integer_times_can_be_drawn(tmp_path, hourly):
    frame = hourly.filter(unique_id="a").with_columns(ds=pl.int_range(480))
    forecast = frame.head(6).select("unique_id", "ds", GRU="y")
    plotting.plot_forecast(frame, forecast, tmp_path / "f.png")
    assert (tmp_path / "f.png").exists()


def test_forecast_without_history_is_drawn_alone(hourly, fitted, drawn):
    plotting.plot_forecast(hourly.head(0), fitted.predict(), "/dev/null")
    assert all(len(lines(axes)["GRU"][0]) == 6 for axes in drawn[0])


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


def test_without_a_path_the_figure_is_returned_and_nothing_written(hourly, fitted, result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forecast = fitted.predict()
    figures = plotting.plot_series(hourly), plotting.plot_forecast(hourly, forecast), plotting.plot_backtest(result)
    assert [len(figure.axes) for figure in figures] == [2, 2, 2]
    assert not list(tmp_path.iterdir())
