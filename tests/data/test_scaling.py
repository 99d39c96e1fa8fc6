import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast.data.scaling import masked_mean, window_scale

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
def test_any_window_gets_a_finite_centre_and_a_positive_scale(history):
    centre, scale = window_scale(history, recent=3)
    assert np.isfinite(centre).all()
    assert (scale > 0).all()
    assert np.isfinite(scale).all()


@pytest.mark.parametrize(("value", "scale"), [(0.0, 1.0), (7.0, 7.0), (-1e12, 1e12)])
def test_constant_window_is_scaled_by_its_value(value, scale):
    assert window_scale(np.full((1, 5), value), 2) == (value, scale)


def test_window_unobserved_of_late_is_centred_on_the_rest():
    centre, _ = window_scale(np.array([[1.0, 3.0, np.nan, np.nan]]), recent=2)
    assert centre == 2
