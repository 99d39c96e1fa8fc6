"""Derivatives beside difference quotients; those of whole forecasts are in tests/training/test_sensitivity.py."""

import numpy as np
import pytest

from grucast.data.features import MOVES, STILL, continuations_of
from grucast.data.scaling import window_scale
from grucast.data.slopes import Slopes, by_continued, by_scaled_values, move_slopes, scale_slopes
from grucast.data.smoothing import SMOOTHINGS


@pytest.fixture
def history(rng):
    return np.where(rng.random(30) < 0.2, np.nan, 7 + rng.normal(size=30))


def quotients(function, x, step=1e-6):
    """How what a function gives changes with each value that is there, (..., T)."""
    moved = [[function(x + sign * step * (np.arange(len(x)) == t)) for sign in (1, -1)] for t in range(len(x))]
    return np.stack([np.where(np.isnan(v), 0, (a - b) / (2 * step)) for v, (a, b) in zip(x, moved, strict=True)], -1)


@pytest.mark.parametrize("recent", [1, 8, 30])
def test_centre_and_scale_change_as_their_difference_quotients(recent, history):
    wanted = quotients(lambda y: np.concatenate(window_scale(y[None], recent))[:, 0], history)
    np.testing.assert_allclose(scale_slopes(history, recent), wanted, atol=1e-6)


def test_windows_of_equal_values_jump_and_one_alone_does_not():
    assert np.isnan(scale_slopes(np.array([2.0, np.nan, 2.0]), 3)[0][[0, 2]]).all()
    centre, scale = scale_slopes(np.array([np.nan, -3.0]), 2)
    assert (centre.tolist(), scale.tolist()) == ([0, 1], [0, -1])
    assert np.isnan(scale_slopes(np.array([np.nan, 0.0]), 2)[1][1])


@pytest.mark.parametrize("last", [30, 6, 99])
def test_moves_change_as_their_difference_quotients(last, history):
    def moved(y):
        return np.log(STILL + np.nanmean(np.abs(np.diff(y))[-min(last, 29) :]))

    np.testing.assert_allclose(move_slopes(history, last), quotients(moved, history), atol=1e-6)


def test_nothing_moves_in_a_window_of_holes():
    assert not move_slopes(np.array([1.0, np.nan, 2.0]), 3).any()


@pytest.mark.parametrize("seasons", [(1,), (4, 12), (30,)])
@pytest.mark.parametrize("smoothed", [True, False])
def test_continuations_are_linear_in_the_window(seasons, smoothed, history, rng):
    ways = SMOOTHINGS if smoothed else ()
    continued = continuations_of(history[None], seasons, 5, ways)
    slopes = rng.normal(size=(5, *continued.shape[1:]))
    found = by_continued(slopes, history, seasons, smoothed)
    seen = ~np.isnan(history)
    np.testing.assert_allclose(found @ np.where(seen, history, 0), np.einsum("kch,ch->k", slopes, continued[0]))
    assert not found[:, ~seen].any()


def test_differences_lead_back_to_both_of_their_values(history, rng):
    slopes = Slopes(rng.normal(size=(2, 30, 3)), np.zeros((2, 2, 2)), np.zeros((2, MOVES)), np.zeros((2, 2, 0)))

    def network(z):
        change = np.r_[np.zeros(7), z[7:] - z[:-7]]
        return np.nansum(slopes.inputs[..., 0] * z + slopes.inputs[..., 2] * np.nan_to_num(change), 1)

    np.testing.assert_allclose(by_scaled_values(slopes, history, (7,), False), quotients(network, history), atol=1e-6)
