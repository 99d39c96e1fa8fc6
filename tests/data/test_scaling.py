import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast.data.scaling import masked_mean, scaled, window_scale

values = st.one_of(st.just(np.nan), st.floats(-1e12, 1e12))


def test_masked_mean_equals_nanmean(rng):
    data = np.where(rng.random((5, 9)) < 0.3, np.nan, rng.normal(size=(5, 9)))
    np.testing.assert_allclose(masked_mean(data, ~np.isnan(data))[:, 0], np.nanmean(data, axis=1))


def test_centre_and_scale_are_those_of_the_equations(rng):
    history = rng.normal(5, 2, (4, 20))
    centre, scale = window_scale(history, recent=6)
    np.testing.assert_allclose(centre[:, 0], history[:, -6:].mean(1))
    np.testing.assert_allclose(scale[:, 0], np.abs(history - centre).mean(1))


@given(arrays(np.float64, (2, 7), elements=values))
def test_any_window_gets_a_finite_centre_and_scale(history):
    centre, scale = window_scale(history, recent=3)
    assert np.isfinite(centre).all()
    assert np.isfinite(scale).all()
    assert np.isfinite(scaled(history, centre, scale)[~np.isnan(history)]).all()


@given(st.floats(-1e12, 1e12), st.integers(1, 300), st.integers(1, 300))
def test_constant_window_is_centred_on_its_value_to_the_bit(value, steps, recent):
    centre, scale = window_scale(np.full((1, steps), value), min(recent, steps))
    assert centre == value
    assert scale == (abs(value) or 1) * (0.5 ** (steps - 1) if steps < 8 else 0)


@pytest.mark.parametrize("level", [1e-9, 0.3, 1e9, -1e15])
def test_window_is_flat_up_to_the_last_bits_of_its_values_and_no_further(level):
    last_bit = abs(level) * np.finfo(float).eps
    history = level + last_bit * np.array([[0, 1, 2, 3] * 3, [0, 5, 0, 10] * 3])
    assert (window_scale(history, 12)[1][:, 0] > 0).tolist() == [False, True]


def test_small_movement_on_a_large_level_is_scaled_as_without_the_level():
    movement = np.sin(0.9 * np.arange(40.0))[None]
    (centre, scale), (own, wanted) = window_scale(1e9 + movement, 4), window_scale(movement, 4)
    np.testing.assert_allclose(scale, wanted, rtol=1e-6)
    np.testing.assert_allclose(centre - 1e9, own, atol=1e-6)


def test_flat_window_is_zero_on_its_scale_as_is_whatever_follows():
    centre, scale = window_scale(np.full((1, 8), 3.0), 2)
    assert scaled(np.array([[3.0, 1e30, np.nan]]), centre, scale).tolist()[0][:2] == [0, 0]


def test_window_unobserved_of_late_is_centred_on_the_rest():
    centre, _ = window_scale(np.array([[1.0, 3.0, np.nan, np.nan]]), recent=2)
    assert centre == 2
