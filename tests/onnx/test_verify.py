from dataclasses import replace

import numpy as np
from tests.conftest import TINY
from tests.onnx.pieces import EVERY_ROLE, draw_model

from grucast import GRUForecaster
from grucast.data.panel import make_panel
from grucast.onnx.graph import forecast_graph
from grucast.onnx.verify import difference, feed, panel_case, random_case


def test_random_windows_hold_gaps_constants_and_twelve_orders_of_magnitude(rng):
    case = random_case(draw_model(rng, schema=EVERY_ROLE), rng)
    y = case.window.history
    spread = np.nanmax(y, axis=1, initial=-np.inf, where=~np.isnan(y)) - np.nanmin(
        y, axis=1, initial=np.inf, where=~np.isnan(y)
    )
    assert np.isnan(y[0]).all()
    assert np.isnan(y[-1, -48:]).all()
    assert (spread == 0).any()
    assert (spread > 1e3).any()
    assert ((spread > 0) & (spread < 1e-3)).any()
    assert np.isnan(case.window.numbers).any()
    assert case.window.codes.max() == 3


def test_graph_with_a_weight_changed_differs(rng):
    model = draw_model(rng, schema=EVERY_ROLE)
    case = random_case(model, rng)
    content = forecast_graph(model).SerializeToString()
    assert difference(model, content, [case]) < 1e-5
    changed = model.weights | {"gru.bias_hh_l0": model.weights["gru.bias_hh_l0"] + np.float32(0.01)}
    assert difference(replace(model, weights=changed), content, [case]) > 1e-4


def test_nan_on_one_side_is_an_infinite_difference(rng):
    model = draw_model(rng)
    content = forecast_graph(replace(model, factors=(float("nan"), 1.0))).SerializeToString()
    assert difference(model, content, [random_case(model, rng)]) == np.inf


def test_windows_of_the_panel_are_fed_in_their_own_units(hourly):
    fitted = GRUForecaster(h=6, input_size=48, season_length=24, **TINY).fit(hourly)
    model, panel = fitted.model_, make_panel(hourly)
    case = panel_case(model, panel)
    feeds = feed(model, case)
    row = int(np.flatnonzero((case.window.history > 1000).all(1))[0])
    values, times = hourly["y"].to_numpy(), hourly["ds"].to_numpy().astype("datetime64[us]").astype(np.int64)
    place = int(np.flatnonzero(values == feeds["y"][row, 0])[0])
    np.testing.assert_array_equal(feeds["y"][row], values[place : place + 48])
    np.testing.assert_array_equal(feeds["time"][row], times[place : place + 54])


def test_numbers_go_back_to_their_units(rng):
    model = draw_model(rng, schema=EVERY_ROLE)
    case = random_case(model, rng)
    feeds = feed(model, case)
    np.testing.assert_allclose(
        feeds["numbers"][..., 1], case.window.numbers[..., 1].astype(float) * 0.5 + 2011.0, rtol=1e-7
    )
    np.testing.assert_allclose(
        feeds["static_numbers"][:, 0], case.window.static_numbers[:, 0].astype(float) * 25.0 + 50.0, rtol=1e-6
    )
