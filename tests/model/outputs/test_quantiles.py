from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast import NetworkConfig
from grucast.kernels import forecaster, native
from grucast.model.outputs.quantiles import Quantiles, weighted_quantile
from grucast.model.values import Values

ARRAYS = Values({}, NetworkConfig())


@pytest.mark.parametrize(
    ("level", "wanted"), [((), (0.5,)), ((80,), (0.1, 0.5, 0.9)), ((80, 95), (0.025, 0.1, 0.5, 0.9, 0.975))]
)
def test_quantiles_lie_evenly_round_the_median(level, wanted):
    assert Quantiles(level).probabilities == pytest.approx(wanted)
    assert Quantiles(level).size == len(wanted)


@given(arrays(np.float32, (2, 3, 5), elements=st.floats(-100, 100, width=32)))
def test_quantiles_never_cross(raw):
    forecast = Quantiles((80.0, 95.0)).predict(ARRAYS, raw, np.zeros((2, 3), np.float32))
    assert (np.diff(forecast, axis=-1) >= 0).all()
    np.testing.assert_array_equal(forecast[..., 2], raw[..., 2])


def test_scores_and_what_is_drawn_by_them_follow_the_quantiles_of_any_level(rng):
    output, factors = Quantiles((50.0, 80.0, 95.0)), (0.8, 1.1, 1.3)
    z = np.sort(rng.normal(size=(2, 3, 7)), axis=-1)
    trained = output.at(ARRAYS, z, factors, output.level)
    shown = (20.0, 50.0, 70.0, 80.0, 90.0, 95.0, 99.9)
    wanted = output.at(ARRAYS, z, factors, shown)  # (2, 3, 15)
    normal = np.array([NormalDist().inv_cdf(p) for p in Quantiles(shown).probabilities])
    scores = np.broadcast_to(normal, wanted.shape)
    np.testing.assert_allclose(output.drawn(trained, scores), wanted)
    for place in range(15):
        np.testing.assert_allclose(output.scores(trained, wanted[..., place]), scores[..., place], atol=1e-9)


def test_scores_of_intervals_without_a_width_stay_finite():
    scores = Quantiles((80.0,)).scores(np.zeros((1, 3, 3)), np.array([[-1.0, 0.0, 1.0]]))
    assert np.isfinite(scores).all()
    assert np.sign(scores).tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize("level", [(), (80.0,), (50.0, 95.0)])
def test_loss_is_the_mean_of_the_quantiles_pinball_losses(level, rng):
    y, forecast = rng.normal(size=(6, 4)), rng.normal(size=(6, 4, 2 * len(level) + 1))
    loss, _ = Quantiles(level).loss(forecast, y, np.full((6, 4), 1 / 24))
    each = []
    for place, p in enumerate(Quantiles(level).probabilities):
        below, above = np.maximum(y - forecast[..., place], 0), np.maximum(forecast[..., place] - y, 0)
        each.append((p * below + (1 - p) * above).mean())
    assert loss.sum() == pytest.approx(np.mean(each))


def test_gradient_is_the_losss(rng):
    output, y, forecast = Quantiles((80.0,)), rng.normal(size=(3, 2)), rng.normal(size=(3, 2, 3))
    weight = rng.random((3, 2))
    gradient = output.loss(forecast, y, weight)[1]
    for place in np.ndindex(3, 2, 3):
        moved = forecast.copy()
        moved[place] += 1e-6
        change = (output.loss(moved, y, weight)[0] - output.loss(forecast, y, weight)[0]).sum()
        assert gradient[place] == pytest.approx(change / 1e-6, abs=1e-6)


def test_unobserved_targets_do_not_count(rng):
    y, forecast = rng.normal(size=(6, 4)), rng.normal(size=(6, 4, 1))
    observed = (rng.random((6, 4)) < 0.5).astype(float)
    losses = [Quantiles(()).loss(forecast, y + noise * (1 - observed), observed)[0] for noise in (0, 1e6)]
    np.testing.assert_array_equal(*losses)


def test_factors_give_intervals_their_coverage(rng):
    y, observed = rng.normal(size=(400, 5)), (rng.random((400, 5)) < 0.8).astype(float)
    bounds = np.broadcast_to([-9.0, -0.1, 0.0, 0.2, 5.0], (400, 5, 5))
    narrow, wide = Quantiles((80.0, 95.0)).factors(bounds, y, observed, 2000)
    for factor, low, high, percent in ((narrow, -0.1, 0.2, 80), (wide, -9.0, 5.0, 95)):
        inside = (low * factor <= y) & (y <= high * factor)
        assert inside[observed > 0].mean() == pytest.approx(percent / 100, abs=0.01)


@pytest.mark.parametrize(
    ("observations", "wanted"),
    [(100, (2.0, 3.0)), (40, (2.0, 2.0 + (1.780464 - 1.281552) / (1.959964 - 1.281552))), (0, (2.0, 2.0))],
)
def test_factors_are_never_chosen_by_the_last_two_observations(observations, wanted):
    """Errors that are twice as large as the quantiles up to that of 80%, and three times at 95%."""
    inverse = NormalDist().inv_cdf
    bounds = np.array([inverse(0.5 + x / 200) for x in (-95, -80, 0, 80, 95)])
    shares = (np.arange(40000) + 0.5) / 40000
    z = np.array([inverse(0.5 + x / 2) for x in shares])
    stretch = np.interp(z, [0, bounds[3], bounds[4]], [2, 2, 3])
    y = (z * stretch)[:, None]
    forecast = np.broadcast_to(bounds, (*y.shape, 5))
    found = Quantiles((80.0, 95.0)).factors(forecast, y, np.ones_like(y), observations)
    assert found == pytest.approx(wanted, rel=1e-3)


def test_factors_are_finite_when_an_interval_has_no_width():
    for y in (np.zeros((10, 5)), np.ones((10, 5))):
        assert np.isfinite(Quantiles((80.0,)).factors(np.zeros((10, 5, 3)), y, np.ones_like(y), 50)).all()


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_weighted_quantile_counts_each_value_as_often_as_it_weighs(share, rng):
    values, weights = rng.normal(size=200), rng.integers(1, 6, 200)
    repeated = np.quantile(np.repeat(values, weights), share, method="inverted_cdf")
    assert weighted_quantile(values, weights, share) == repeated


def test_levels_between_and_beyond_are_exact_for_normal_errors():
    inverse, output = NormalDist(10, 2).inv_cdf, Quantiles((80.0, 95.0))
    z = np.array([[[inverse(p) for p in output.probabilities]]])
    level = (50.0, 80.0, 90.0, 99.0)
    wanted = [inverse(p) for p in Quantiles(level).probabilities]
    np.testing.assert_allclose(output.at(ARRAYS, z, (1.0, 1.0), level)[0, 0], wanted, rtol=1e-9)


def test_no_level_is_the_median():
    z = np.array([[[-3.0, 0.5, 2.0]]])
    np.testing.assert_array_equal(Quantiles((80.0,)).at(ARRAYS, z, (2.0,), ()), [[[0.5]]])


@pytest.mark.parametrize(("factors", "wanted"), [((2.0, 3.0), [-9, -2, 0, 4, 12]), ((9.0, 1.0), [-9, -9, 0, 18, 18])])
def test_factors_stretch_intervals_and_leave_them_nested(factors, wanted):
    z = np.array([[[-3.0, -1.0, 0.0, 2.0, 4.0]]])
    np.testing.assert_allclose(Quantiles((80, 95)).at(ARRAYS, z, factors, (80, 95))[0, 0], wanted)


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@pytest.mark.parametrize("level", [(), (80.0,), (50.0, 80.0, 95.0)])
def test_the_kernels_intervals_have_the_bits_of_the_operations(level, rng):
    z = np.sort(rng.normal(size=(30, 7, 2 * len(level) + 1)).astype(np.float32))
    factors = tuple(rng.uniform(0.2, 3, len(level)))
    centre, scale = rng.normal(size=(30, 1)), np.exp(rng.normal(size=(30, 1)) * 9)
    wanted = centre[..., None] + scale[..., None] * Quantiles(level).at(ARRAYS, z, factors, level).astype(np.float64)
    nonnegative = rng.random(30) < 0.5
    wanted[nonnegative] = np.maximum(wanted[nonnegative], 0)
    np.testing.assert_array_equal(forecaster.intervals(z, factors, centre, scale, nonnegative), wanted)
