import numpy as np
import pytest
from tests.onnx.pieces import HOURLY, compute

from grucast.data import features
from grucast.data.calendar import compute_phases
from grucast.data.encoding import Column
from grucast.data.scaling import scaled as scaled_by
from grucast.data.scaling import window_scale
from grucast.data.smoothing import SMOOTHINGS
from grucast.data.sparse import settled
from grucast.data.spikes import without_spikes
from grucast.onnx import window as piece

T = 12
NAN = np.nan


@pytest.fixture
def history(rng):
    """Windows of every kind: noise, gaps, no late values, zeros, one value, none, equal up to the last bits or not."""
    y = rng.normal(size=(18, T)) * 10.0 ** rng.integers(-6, 7, (18, 1))
    y[1, ::2] = y[2, -8:] = y[3, :9] = NAN
    y[4], y[5], y[6, 1:], y[7], y[8, :11] = 0.1, 0, NAN, NAN, 1e6
    y[9, :5], y[9, 5:], y[10, :4], y[10, 4:] = NAN, 0.1, -0.7, NAN
    y[11], y[12] = 1e9 + np.sin(0.9 * np.arange(T)), 0.1 + 0.2
    y[12, ::3], y[13] = 0.3, 1e9 * (1 + 9 * np.finfo(float).eps * np.arange(T))
    y[14, 5] *= 1e5
    y[15, :4], y[15, 9] = NAN, 1e20
    y[16, :6], y[16, 9] = NAN, 1e20  # too few
    y[17, 4:6] = -1e20  # too many
    return y


def scaled(history, build):
    """What `build` computes from windows that were scaled."""

    def call(g, y, observed):
        return build(g, piece.scaled_window(g, y, observed, 6))

    return compute(call, y=np.nan_to_num(history, nan=1e9), observed=~np.isnan(history))


def test_centre_and_scale_are_those_of_numpy(history):
    centre, scale, z = scaled(history, lambda _, w: [w.centre, w.scale, w.z])
    history = without_spikes(history)
    expected = window_scale(history, 6)
    np.testing.assert_allclose(centre, expected[0], rtol=1e-12)
    np.testing.assert_allclose(scale, expected[1], rtol=1e-12)
    np.testing.assert_allclose(z, np.nan_to_num(scaled_by(history, centre, scale)), atol=1e-12)


def test_nan_is_not_observed_whatever_the_mask_says(history):
    def build(g, y, observed):
        window = piece.scaled_window(g, y, observed, 6)
        return [window.z, g.cast(window.observed, np.float64)]

    z, observed = compute(build, y=history, observed=np.ones(history.shape, bool))
    assert np.isfinite(z).all()
    np.testing.assert_array_equal(observed, ~np.isnan(without_spikes(history)))
    assert (np.isnan(without_spikes(history)) != np.isnan(history)).sum() == 2


@pytest.mark.parametrize("seasons", [(1,), (5,), (T,), (2, 4), (1, 5, T)])
def test_differences_and_continuations_are_those_of_numpy(seasons, history):
    def build(g, window):
        return [
            *(piece.seasonal_difference(g, window, T, season)[0] for season in seasons),
            g.concat(piece.continue_seasons(g, window, T, seasons, 7), 1),
            g.concat(piece.moved(g, window, T, 7), 1),
        ]

    *differences, continued, moved = scaled(history, build)
    arguments = history, np.array(seasons), 6, 2 + len(seasons), 7
    inputs, wanted, *_ = features.window_features(*arguments)
    steps = features.window_features(*arguments, SMOOTHINGS)[-1]
    np.testing.assert_allclose(moved, np.log(features.STILL + steps), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.stack(differences, 2), inputs[..., 2:], atol=1e-6)
    np.testing.assert_allclose(continued, wanted, atol=1e-6)


def test_numbers_come_with_flags_and_their_change_from_the_last_season(rng):
    columns = (Column("price", "future", 2011.0, 0.5), Column("cost", "future", -1.0, 1e3))
    numbers = rng.normal(size=(4, T + 7, 2)) * 3
    numbers[:, ::5] = NAN
    numbers[0, 1], numbers[1, 2] = 1e29, -1e29

    def build(g, numbers):
        return [g.concat(piece.known_ahead(g, piece.scaled_numbers(g, numbers, columns), T, 5, 7), 2)]

    (got,) = compute(build, numbers=numbers)
    encoded = np.clip((numbers - [2011.0, -1.0]) / [0.5, 1e3], -1e6, 1e6).astype(np.float32)
    expected = features.known_ahead(encoded, np.empty((4, T + 7, 0), np.float32), 5, 7)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("start", ["1905-03-01T01:02:03.000004", "2001-01-01", "2024-02-29T13:00"])
def test_phases_are_those_of_the_calendar(start):
    start, positions = np.array([start], "datetime64[us]"), np.arange(500)[None]
    times = HOURLY.times(start[:, None], positions).astype(np.int64)
    cycles = ("day", "week", "year")
    (got,) = compute(lambda g, time: [g.concat(piece.phases(g, time, cycles), 2)], time=times)
    np.testing.assert_allclose(got, compute_phases(HOURLY, start, cycles, positions), atol=1e-6)


def test_mostly_zero_windows_are_settled_as_in_numpy(history, rng):
    counts = rng.poisson(0.5, (20, T)) * np.where(np.arange(20) % 2, 1, 0.1)[:, None]
    history = np.concatenate([history, np.where(rng.random((20, T)) < 0.1, NAN, counts), counts * np.pi])
    history = np.concatenate([history, np.where(rng.random((20, T)) < 0.6, 0, rng.random((20, T)))])
    forecast = rng.normal(0, 2, (len(history), 4, 3))
    values = np.nan_to_num(history, nan=1e9)
    (got,) = compute(
        lambda g, *inputs: [piece.settled(g, *inputs)], forecast=forecast, y=values, observed=~np.isnan(history)
    )
    np.testing.assert_allclose(got, settled(forecast, history), rtol=1e-12)
    assert (got != forecast).any((1, 2)).sum() > 20
