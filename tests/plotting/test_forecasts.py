import numpy as np
import polars as pl
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from grucast import GRUForecaster, plotting
from grucast.errors import ConfigError
from tests.conftest import TINY
from tests.plotting.conftest import lines
from tests.plotting.test_canvas import size


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


def test_without_a_path_the_figure_is_returned_and_nothing_written(hourly, fitted, result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    forecast = fitted.predict()
    figures = plotting.plot_series(hourly), plotting.plot_forecast(hourly, forecast), plotting.plot_backtest(result)
    assert [len(figure.axes) for figure in figures] == [2, 2, 2]
    assert not list(tmp_path.iterdir())


def test_one_series_is_drawn_in_given_axes(hourly, fitted):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plotting.plot_series(hourly, series="b", ax=left) is figure
    assert plotting.plot_forecast(hourly, fitted.predict(), ax=right) is figure
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["b", "a"]
    assert right.get_legend()
    assert not figure.legends
    with pytest.raises(ConfigError, match="ax holds one series, not 2"):
        plotting.plot_series(hourly, series=["a", "b"], ax=left)


def test_forecaster_draws_its_forecast_after_what_it_was_trained_on(hourly, fitted, tmp_path):
    of_data = fitted.plot(tmp_path / "f.png", df=hourly, series="b")
    (own, *_), (given, *_) = fitted.plot(series="b").axes, of_data.axes
    for label in ("observed", "GRU"):
        np.testing.assert_array_equal(lines(own)[label][1], lines(given)[label][1])
    assert size(tmp_path / "f.png")[0] == 1200
