import numpy as np
import pytest

from grucast.model.dependence import CLOSEST, correlated, draw_scores, partial_correlations


def ar1(rng, rho, *shape):
    """Standard normal numbers, each rho times the one before it and something new."""
    noise, found = rng.normal(size=shape), np.empty(shape)
    found[..., 0] = noise[..., 0]
    for step in range(1, shape[-1]):
        found[..., step] = rho * found[..., step - 1] + np.sqrt(1 - rho**2) * noise[..., step]
    return found


def covered(rng, rho, partials, h=14):
    """How often the middle 80% of the drawn totals hold those of such a process."""
    low, high = np.quantile(draw_scores("a", 1, (h, 4000), partials, h).sum(axis=0), (0.1, 0.9))
    totals = ar1(rng, rho, 4000, h).sum(axis=1)
    return np.mean((totals > low) & (totals < high))


@pytest.mark.parametrize(("rho", "independent"), [(-0.5, 0.97), (0.0, 0.8), (0.5, 0.55), (0.9, 0.29)])
def test_intervals_of_totals_hold_what_they_say_as_those_of_independent_steps_do_not(rng, rho, independent):
    partials = partial_correlations(ar1(rng, rho, 60, 14), 60 * 14)
    assert covered(rng, rho, partials) == pytest.approx(0.8, abs=0.05)
    assert covered(rng, rho, ()) == pytest.approx(independent, abs=0.05)


def test_few_observations_give_intervals_of_totals_that_hold_on_average(rng):
    found = []
    for _ in range(100):  # a single series with seven weeks held out
        one = ar1(rng, 0.7, 49)
        scores = np.stack([one[first : first + 7] for first in range(43)])
        found.append(covered(rng, 0.7, partial_correlations(scores, 49), 7))
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_noise_counts_as_independent(rng):
    found = [np.sum(np.abs(partial_correlations(rng.normal(size=(50, 8)), 400)) > 0) for _ in range(20)]
    assert np.mean(found) < 2


def test_partial_correlations_are_those_that_the_paths_were_drawn_by(rng):
    paths = correlated(rng.normal(size=(30, 4000)), (0.6, -0.3, 0.2)).T
    assert partial_correlations(paths, 120_000)[:3] == pytest.approx((0.6, -0.3, 0.2), abs=0.02)
    assert np.std(paths, axis=0) == pytest.approx(np.ones(30), abs=0.05)


def test_drawn_paths_have_the_covariance_of_their_process(rng):
    factor = correlated(np.eye(5), (0.7,))
    wanted = 0.7 ** np.abs(np.arange(5)[:, None] - np.arange(5))
    np.testing.assert_allclose(factor @ factor.T, wanted, atol=1e-12)


@pytest.mark.parametrize("scores", [np.ones((3, 6)), np.full((3, 6), np.nan), np.zeros((2, 1)), np.full((1, 6), 1e30)])
def test_any_scores_give_a_process(scores):
    partials = partial_correlations(scores, 18)
    assert len(partials) < scores.shape[1]
    assert all(abs(partial) <= CLOSEST for partial in partials)
    assert np.isfinite(correlated(np.ones((6, 2)), partials)).all()


def test_gaps_leave_the_rest(rng):
    scores = ar1(rng, 0.8, 500, 7)
    scores[rng.random(scores.shape) < 0.2] = np.nan
    assert partial_correlations(scores, 3500)[0] == pytest.approx(0.8, abs=0.05)


def test_series_draw_their_own_numbers_at_each_call():
    one, again, other = (draw_scores(name, 1, (3, 2), (), 3) for name in ("a", "a", "b"))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()
    assert (draw_scores("a", 2, (3, 2), (), 3) != one).all()


def test_horizons_are_drawn_by_themselves():
    drawn = draw_scores("a", 1, (6, 50_000), (0.9,), 3)
    found = np.corrcoef(drawn)
    assert found[0, 1] == pytest.approx(0.9, abs=0.02)
    assert found[2, 3] == pytest.approx(0, abs=0.02)
    np.testing.assert_array_equal(drawn[:3], draw_scores("a", 1, (3, 50_000), (0.9,), 3))
