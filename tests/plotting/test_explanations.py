import numpy as np
import polars as pl
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from grucast import Covariates, GRUForecaster, NetworkConfig, plotting
from grucast.errors import ConfigError
from tests.conftest import TINY
from tests.plotting.conftest import lines


@pytest.fixture
def explanation(fitted):
    return fitted.explain()["b"]


@pytest.fixture
def of_columns(hourly, rng):
    """Of a network of two layers both ways that reads three covariates."""
    table = hourly.with_columns(
        hour=pl.col("ds").dt.hour(), noise=pl.Series(rng.normal(size=960)), part=pl.col("ds").dt.weekday().cast(str)
    )
    declared = Covariates(past=("noise",), future=("hour", "part"))
    shape = NetworkConfig(hidden_size=4, head_size=8, num_layers=2, bidirectional=True)
    forecaster = GRUForecaster(6, 48, 24, covariates=declared, network=shape, training=TINY["training"])
    parts = table.with_columns(place=pl.int_range(pl.len()).over("unique_id"))
    forecaster.fit(parts.filter(pl.col("place") < 474))
    return forecaster.explain(future=parts.filter(pl.col("place") >= 474))["a"]


def maps(figure):
    """The maps of a figure by their titles: values and the axis of time."""
    found = {}
    for axes in figure.axes:
        for mesh in axes.collections:
            if hasattr(mesh, "get_coordinates") and axes.get_title(loc="left"):
                found[axes.get_title(loc="left").split(":")[0]] = mesh
    return found


def test_gates_lie_below_the_series_on_its_axis_of_time_the_slowest_unit_on_top(explanation):
    figure = plotting.plot_gates(explanation, target="kW")
    above, *below = figure.axes[:4]
    assert (above.get_title(loc="left"), above.get_ylabel()) == ("b: what the network reads", "kW")
    assert all(axes.get_xlim() == above.get_xlim() for axes in below)
    found = maps(figure)
    assert list(found) == ["Reset gate", "Update gate", "Candidate"]
    order = np.argsort(explanation.gates[0].update.mean(0))
    for name, mesh in zip(("reset", "update", "candidate"), found.values(), strict=True):
        np.testing.assert_array_equal(mesh.get_array(), getattr(explanation.gates[0], name)[:, order].T)
    update = np.asarray(found["Update gate"].get_array()).mean(1)
    assert (np.diff(update) >= 0).all()
    assert [mesh.get_clim() for mesh in found.values()] == [(0, 1), (0, 1), (-1, 1)]


def test_patches_are_as_wide_as_their_steps(explanation):
    coordinates = maps(plotting.plot_gates(explanation))["Update gate"].get_coordinates()[0, :, 0]
    hour = np.timedelta64(1, "h")
    np.testing.assert_allclose(coordinates, date2num(np.append(explanation.times[::4], explanation.times[-1] + hour)))


def test_sensitivity_is_symmetric_about_white_and_empty_where_nothing_was_observed(hourly, fitted):
    holes = hourly.with_columns(y=pl.when(pl.int_range(960) % 480 != 470).then(pl.col("y")))
    explanation = fitted.explain(holes)["a"]
    figure = plotting.plot_sensitivity(explanation)
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    mesh = maps(figure)["Sensitivity"]
    low, high = mesh.get_clim()
    assert low == -high < 0
    np.testing.assert_array_equal(np.ma.getmaskarray(mesh.get_array()).any(0).nonzero()[0], [38])
    np.testing.assert_array_equal(
        mesh.get_array().compressed(), explanation.sensitivity[:, explanation.observed].ravel()
    )


def test_memory_ascends_beside_seasons_and_window(explanation, of_columns):
    axes = Figure().subplots()
    assert plotting.plot_memory(explanation, ax=axes) is axes.figure
    np.testing.assert_allclose(lines(axes)["layer 1"][1], np.sort(explanation.memory_length[0]))
    assert [text.get_text() for text in axes.texts] == ["season of 24", "window of 48"]
    (axes,) = plotting.plot_memory(of_columns).axes
    assert {text.get_text() for text in axes.get_legend().get_texts()} == set(of_columns.layers)


def test_covariates_are_drawn_by_what_they_change(of_columns):
    axes = Figure().subplots()
    plotting.plot_covariates(of_columns, target="kW", ax=axes)
    shown = dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.patches, strict=True))
    assert list(shown) == sorted(shown, key=lambda name: np.abs(of_columns.withheld[name]).mean())
    assert set(shown) == {"noise", "hour", "part"}
    for name, bar in shown.items():
        assert bar.get_width() == pytest.approx(np.abs(of_columns.withheld[name]).mean())
    assert "kW" in axes.get_xlabel()


def test_model_without_covariates_has_none_to_draw(explanation):
    with pytest.raises(ConfigError, match="reads no covariates"):
        plotting.plot_covariates(explanation)


def test_all_is_drawn_in_one_picture_of_any_layer(of_columns, explanation, tmp_path):
    figure = of_columns.plot(tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    assert list(maps(figure)) == [
        "Reset gate of layer 1",
        "Update gate of layer 1",
        "Candidate of layer 1",
        "Sensitivity",
    ]
    assert "Covariates that matter" in [axes.get_title(loc="left") for axes in figure.axes]
    assert "Covariates that matter" not in [axes.get_title(loc="left") for axes in explanation.plot().axes]
    figure = of_columns.plot(layer=3)
    assert next(iter(maps(figure))) == "Reset gate of layer 2 reversed"
    with pytest.raises(ConfigError, match="layer 4 is not there: give 0 to 3, for layer 1, layer 1 reversed, "):
        plotting.plot_gates(of_columns, layer=4)


def test_times_are_those_of_the_clocks_of_the_series(hourly, fitted):
    zoned = hourly.with_columns(pl.col("ds").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York"))
    explanation = GRUForecaster(6, 48, 24, **TINY).fit(zoned).explain()["a"]
    figure = plotting.plot_gates(explanation)
    wanted = zoned["ds"].dt.replace_time_zone(None).to_numpy()[432]
    assert figure.axes[0].get_xlim()[0] == date2num(wanted)


def test_integer_times_one_step_and_equal_values_are_drawn(hourly):
    frame = hourly.filter(unique_id="a").with_columns(ds=pl.int_range(480), y=pl.lit(3.0))
    (explanation,) = GRUForecaster(1, 48, 24, **TINY).fit(frame).explain().values()
    figure = explanation.plot()
    assert figure.axes[0].get_xlim() == (432, 480)
    assert maps(figure)["Sensitivity"].get_array().mask.all()


def test_sensitivity_to_a_covariate_goes_on_through_the_forecast(of_columns):
    figure = plotting.plot_sensitivity(of_columns, covariate="hour")
    mesh = maps(figure)["Sensitivity"]
    np.testing.assert_array_equal(np.ma.filled(mesh.get_array(), np.nan), of_columns.covariate_sensitivity["hour"])
    end = of_columns.ahead[-1] + np.timedelta64(1, "h")
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim() == (date2num(of_columns.times[0]), date2num(end))
    forecast = figure.axes[0].get_lines()[-1]
    np.testing.assert_array_equal(forecast.get_ydata()[1:], of_columns.median)
    assert "each value of hour" in figure.axes[1].get_title(loc="left")


def test_covariate_without_derivatives_over_time_is_refused(of_columns, explanation):
    for name in ("part", "rain"):
        with pytest.raises(ConfigError, match=f"'{name}' is no covariate of numbers .*: there are noise, hour"):
            plotting.plot_sensitivity(of_columns, covariate=name)
    with pytest.raises(ConfigError, match="this model reads none"):
        plotting.plot_sensitivity(explanation, covariate="hour")
