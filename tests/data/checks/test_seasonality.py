import numpy as np
import pytest
from numpy.testing import assert_allclose

from grucast.data.checks.seasonality import autocorrelation, find_seasons, moving_mean, seasonal_strength
from grucast.data.frequency import Frequency
from grucast.data.panel import Panel

HOUR, STEP = Frequency("duration", 3600 * 10**6), Frequency("integer", 1)


def panel_of(values, frequency=STEP):
    values = np.atleast_2d(values)
    count, steps = values.shape
    return Panel(range(count), values.ravel(), np.arange(count + 1) * steps, np.zeros(count, np.int64), frequency)


def wave(steps, period):
    return np.sin(np.arange(steps) * 2 * np.pi / period)


def test_unknown_period_is_found_beneath_a_trend(rng):
    (season,) = find_seasons(panel_of(wave(400, 17) + 0.02 * np.arange(400) + rng.normal(0, 0.1, 400)))
    assert (season.period, season.usual) == (17, False)
    assert season.strength > 0.9


def test_day_and_week_are_both_found(rng):
    week = np.repeat(rng.normal(size=7), 24)
    y = wave(1680, 24) + np.tile(week, 10) + rng.normal(0, 0.1, 1680)
    assert [(s.period, s.usual) for s in find_seasons(panel_of(y, HOUR))] == [(24, True), (168, True)]


@pytest.mark.parametrize("steps", [5, 100, 1000])
def test_noise_and_random_walks_have_no_season(rng, steps):
    noise = rng.normal(size=(5, steps))
    assert find_seasons(panel_of(noise, HOUR)) == []
    assert find_seasons(panel_of(noise.cumsum(1), HOUR)) == []


def test_constant_and_missing_series_have_no_season():
    for value in (3.0, np.nan):
        assert find_seasons(panel_of(np.full(100, value), HOUR)) == []


def test_strength_is_the_share_of_the_season():
    rng = np.random.default_rng(0)
    y = np.sqrt(2) * wave(24_000, 24) + rng.normal(0, 1, 24_000)  # both of variance 1
    assert seasonal_strength(y[None], 24) == pytest.approx(0.5, abs=0.02)
    assert seasonal_strength(rng.normal(size=(1, 24_000)), 24) < 0.01


def test_moving_mean_is_numpys(rng):
    y = rng.normal(size=(2, 30))
    for period, weights in ((3, np.ones(3) / 3), (4, np.array([0.5, 1, 1, 1, 0.5]) / 4)):
        got = moving_mean(y, period)
        side = len(weights) // 2
        wanted = [np.convolve(row, weights, "valid") for row in y]
        assert_allclose(got[:, side:-side], wanted)
        assert np.isnan(got[:, :side]).all()


def test_autocorrelation_is_the_mean_product_of_observed_pairs(rng):
    y = rng.normal(size=40)
    y[[3, 20]] = np.nan
    z = y - np.nanmean(y)
    wanted = [np.nanmean(z[k:] * z[: 40 - k]) / np.nanmean(z * z) for k in range(39)]
    assert_allclose(autocorrelation(y[None])[0, :39], wanted, atol=1e-12)
