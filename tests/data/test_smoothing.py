import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grucast.data.features import window_features
from grucast.data.smoothing import SMOOTHINGS, Smoothing, continue_levels
from grucast.kernels import forecaster, native


def by_least_squares(z, season, h, smoothing):
    """The same by a regression on a slope and dummies of the places, and a recursion over what it leaves."""
    steps = len(z)
    time, seen = np.arange(steps) - steps + 1.0, ~np.isnan(z)
    ahead = np.arange(h)
    places = (np.arange(steps) - steps) % season
    design = np.column_stack([*(places[:, None] == np.arange(season)).T, time * bool(smoothing.trend)])
    found, *_ = np.linalg.lstsq(design[seen], z[seen], rcond=None)
    rest, level, weight = z - design @ found, 0.0, 0.0
    for value in rest:
        level, weight = level * (1 - smoothing.weight), weight * (1 - smoothing.weight)
        if not np.isnan(value):
            level, weight = level + value, weight + 1
    return found[ahead % season] + level / weight + smoothing.trend * found[-1] * (ahead + 1)


@pytest.mark.parametrize("smoothing", [*SMOOTHINGS, Smoothing(0.9, 1.0)])
@pytest.mark.parametrize("season", [1, 4, 7])
@pytest.mark.parametrize("missing", [0, 0.3])
def test_continuation_is_that_of_least_squares_and_exponential_smoothing(smoothing, season, missing, rng):
    z = rng.normal(size=(5, 45)) + 0.1 * np.arange(45)
    z[rng.random(z.shape) < missing] = np.nan
    got = continue_levels(z, season, 9, (smoothing,))[:, 0]
    np.testing.assert_allclose(got, [by_least_squares(row, season, 9, smoothing) for row in z], atol=1e-9)


def test_place_never_observed_has_the_mean_of_the_others():
    z = np.array([[np.nan, 1.0, 3.0, np.nan, 1.0, 3.0]])
    assert continue_levels(z, 3, 3, (Smoothing(0.5, 0.0),))[0, 0].tolist() == [2, 1, 3]


def test_window_younger_than_its_season_goes_on_without_one():
    z = np.r_[np.full(20, np.nan), np.arange(9.0)][None]
    np.testing.assert_array_equal(continue_levels(z, 10, 4), continue_levels(z, 1, 4))
    assert (continue_levels(z, 10, 4)[0, 2] > 8).all()


def test_window_of_nothing_continues_at_its_centre():
    assert not continue_levels(np.full((2, 8), np.nan), 3, 5).any()


def test_no_window_has_no_continuation():
    assert continue_levels(np.empty((0, 8)), 3, 5).shape == (0, 3, 5)


def test_level_follows_faster_with_more_weight_on_the_newest_value():
    z = np.repeat([0.0, 1.0], [20, 3])[None]
    slow, fast = continue_levels(z, 1, 1, (Smoothing(0.2, 0), Smoothing(0.6, 0)))[0, :, 0]
    assert slow == pytest.approx(1 - 0.8**3, abs=0.01)
    assert fast == pytest.approx(1 - 0.4**3, abs=0.01)


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 20), st.integers(1, 4), st.integers(0, 10**6))
def test_kernels_give_the_same_bits(steps, season, h, rows, seed):
    rng = np.random.default_rng(seed)
    y = (
        rng.normal(size=(rows, steps)) * 10.0 ** rng.integers(-9, 9)
        + rng.choice([0, 1e6])
        + np.arange(steps) * rng.normal()
    )
    y[rng.random(y.shape) < rng.choice([0, 0.3, 0.95])] = np.nan
    arguments = y, np.array([min(season, steps)]), 2 * season, 3, h, (*SMOOTHINGS, Smoothing(1.0, 1.0))
    got, wanted = forecaster.window_features(*arguments), window_features(*arguments)
    for part in (1, 5):  # continuations, and how much the windows moved
        np.testing.assert_array_equal(got[part], wanted[part])
