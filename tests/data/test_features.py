import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast.data.covariates import Covariates
from grucast.data.encoding import Schema, encode, fit_schema
from grucast.data.features import continue_season, known_ahead, seasonal_difference, window_features
from grucast.data.features import make_features as features_of
from grucast.data.panel import make_panel
from grucast.data.smoothing import SMOOTHINGS
from grucast.data.windows import Window, Windows
from grucast.kernels import forecaster, native


def make_features(history, seasons, h):
    rows = len(history)
    none, nothing = np.empty((rows, history.shape[1] + h, 0)), np.empty((rows, 0))
    window = Window(history, np.full((rows, h), np.nan), none, none, nothing, nothing, none, np.ones(rows, bool))
    return features_of(window, Schema(), seasons)


COMPUTED_BY = {"numpy": window_features} | ({"native": forecaster.window_features} if native.available() else {})


@pytest.fixture
def history(rng):
    data = 50 + rng.normal(size=(3, 24))
    data[0, 20] = np.nan
    return data


def test_shapes_and_types(history):
    features = make_features(history, (4, 8), h=6)
    assert features.inputs.shape == (3, 24, 2 + 2)  # value, observed, two seasonal differences
    assert features.continuations.shape == (3, 4, 6)
    assert features.inputs.dtype == features.continuations.dtype == np.float32


def test_unobserved_step_is_zero_with_its_flag_zero(history):
    inputs = make_features(history, (4,), h=2).inputs
    assert inputs[0, 20].tolist() == [0, 0, 0]
    assert inputs[..., 1].sum() == history.size - 1


def test_naive_error_is_that_of_the_season_before_and_one_where_unknown(history):
    history[1, :20] = np.nan  # nothing is left to compare the last 4 with
    features = make_features(history, (4,), h=2)
    z = (history - features.centre) / features.scale
    wanted = [np.nanmean(np.abs(z[0, 4:] - z[0, :-4])), 1, np.mean(np.abs(z[2, 4:] - z[2, :-4]))]
    np.testing.assert_allclose(features.naive_error[:, 0], wanted, rtol=1e-6)


@pytest.mark.parametrize("compute", COMPUTED_BY.values(), ids=COMPUTED_BY)
def test_window_moved_by_its_mean_step_in_all_and_of_late(compute):
    history = np.array([[1.0, 2, 4, 8, 8, 8], [5, 1, np.nan, 1, 2, np.nan], [3, np.nan, 3, np.nan, 4, np.nan]])
    (*_, scale, _, moved) = compute(history, np.array([2]), 4, 3, 2, SMOOTHINGS)
    np.testing.assert_allclose(moved * scale, [[7 / 5, 0], [5 / 2, 1], [0, 0]])
    assert compute(history, np.array([2]), 4, 3, 2)[-1].shape == (3, 0)


def test_restore_undoes_normalise(history):
    features = make_features(history, (4,), h=5)
    y = 40 + np.arange(15.0).reshape(3, 5)
    np.testing.assert_allclose(features.restore(features.normalise(y)[..., None])[..., 0], y, rtol=1e-5)


def test_seasonal_difference_is_value_less_value_a_season_before():
    got = seasonal_difference(np.array([[1.0, 2.0, 4.0, 7.0]]), 2)
    np.testing.assert_array_equal(got, [[np.nan, np.nan, 3, 5]])


def test_continuation_of_a_periodic_window_is_exact():
    wave = np.tile([1.0, 5.0, 3.0], 5)
    latest, mean = continue_season(wave[None], 3, 7, 0)[0]
    np.testing.assert_array_equal(latest, np.tile([1, 5, 3], 3)[:7])
    np.testing.assert_array_equal(mean, latest)


def test_continuation_takes_the_season_before_where_the_last_is_missing():
    latest, mean = continue_season(np.array([[1.0, 2.0, 3.0, np.nan]]), 2, 2, 0)[0]
    assert latest.tolist() == [3, 2]
    assert mean.tolist() == [2, 2]


def test_season_of_one_continues_the_last_value():
    assert continue_season(np.array([[1.0, 2.0, 6.0]]), 1, 2, 0)[0].tolist() == [[6, 6], [3, 3]]


def test_place_that_no_season_has_takes_the_shorter_season_then_the_last_value():
    """Seasons of 2 and 4; of the last eight steps only the sixth and the seventh are observed."""
    history = np.array([[np.nan] * 5 + [3.0, 7.0, np.nan], [np.nan] * 6 + [4.0, np.nan], [np.nan] * 8])
    x = make_features(history, (2, 4), h=5)
    got = x.restore(x.continuations)
    assert got[0].tolist() == [[7, 3, 7, 3, 7]] * 2 + [[7, 3, 7, 3, 7]] * 2
    assert (got[1] == 4).all()
    assert (got[2] == 0).all()
    history[0, 2:4] = (
        1,
        2,
    )  # the first two of the second last season of 4 ... its places 2 and 3 are the window's 6 and 7
    x = make_features(history, (2, 4), h=4)
    np.testing.assert_allclose(
        x.restore(x.continuations)[0], [[7, 3, 7, 3], [4, 2.5, 4, 2.5], [7, 3, 7, 2], [4, 3, 4, 2]]
    )


@given(
    arrays(np.float64, (2, 12), elements=st.one_of(st.just(np.nan), st.floats(-1e12, 1e12))),
    st.sampled_from([(1,), (3,), (3, 6), (12,)]),
)
def test_any_window_gives_finite_features(history, seasons):
    features = make_features(history, seasons, h=5)
    assert np.isfinite(features.inputs).all()
    assert np.isfinite(features.continuations).all()


@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_features_do_not_depend_on_scale_and_level(scale, level):
    base = np.random.default_rng(3).normal(size=(1, 12))
    one, other = make_features(base, (3,), 4), make_features(scale * (base + level), (3,), 4)
    np.testing.assert_allclose(one.inputs, other.inputs, atol=1e-4)
    np.testing.assert_allclose(one.continuations, other.continuations, atol=1e-4)


@pytest.fixture
def shops():
    """One series of 12 steps with a covariate of each kind; the price of step 8 is not known."""
    t = np.arange(12)
    columns = {
        "unique_id": "a",
        "ds": t,
        "y": 10.0 + t % 4,
        "visitors": 100.0 + t,
        "price": np.where(t == 8, np.nan, 5.0 + t),
        "offer": ["none", "none", "half", None] * 3,
        "size": 7.0,
        "region": "north",
    }
    declared = Covariates(past=("visitors",), future=("price", "offer"), static=("size", "region"))
    panel = make_panel(pl.DataFrame(columns), covariates=declared)
    schema = fit_schema(panel, declared)
    return Windows(panel, encode(panel, schema), np.array([8]), np.array([0]), 8, 4), schema


def test_covariates_stand_beside_y_with_flags(shops):
    windows, schema = shops
    x = features_of(windows.take(np.arange(1)), schema, (4,))
    visitors, price = x.inputs[0, :, 3], x.inputs[0, :, 4]
    np.testing.assert_allclose(visitors, (np.arange(8) - 5.5) / np.arange(12).std(), rtol=1e-6)
    assert np.diff(price) == pytest.approx(np.full(7, 1 / np.delete(np.arange(12), 8).std()))
    assert (x.inputs[0, :, 5:] == 1).all()
    assert x.codes[0, :, 0].tolist() == [2, 2, 1, 0] * 2  # half, none in order; missing 0
    assert x.static.tolist() == [[0, 1]]
    assert x.static_codes.tolist() == [[1]]


def test_only_what_is_known_ahead_is_seen_of_the_future(shops):
    windows, schema = shops
    x = features_of(windows.take(np.arange(1)), schema, (4,))
    assert x.ahead.shape == (1, 4, 4)  # price, its flag, its change over a season, the flag of that
    assert x.ahead[0, :, 1].tolist() == x.ahead[0, :, 3].tolist() == [0, 1, 1, 1]
    assert x.ahead[0, 1:, 2] == pytest.approx(np.full(3, 4 / np.delete(np.arange(12), 8).std()))
    assert x.ahead_codes[0, :, 0].tolist() == [2, 2, 1, 0]
    windows.panel.values[8:] = 1e6
    windows.panel.temporal["visitors"].values[8:] = 1e6
    again = Windows(windows.panel, encode(windows.panel, schema), windows.ends, windows.series, 8, 4)
    for before, after in zip(x, features_of(again.take(np.arange(1)), schema, (4,)), strict=True):
        np.testing.assert_array_equal(before, after)


def test_change_of_a_known_number_repeats_the_last_season():
    numbers = np.array([1.0, 2.0, 10.0, 10.0, 10.0])[None, :, None]
    assert known_ahead(numbers, np.empty((1, 5, 0)), 2, 3)[0, :, 2].tolist() == [9, 8, 9]


def draw_windows(rng, rows, steps):
    """Windows of 1e-30 to 1e30, flat ones, some vary by the last bits of their level, with spikes and gaps."""
    unit, vary = 10 ** rng.uniform(-30, 30, (rows, 1)), rng.choice([0, 1, 1], (rows, 1))
    level = rng.choice([-1, 0, 1], (rows, 1)) * 10 ** rng.choice([0, 4, 9, 14, 15, 15.3, 16, 17], (rows, 1))
    history = unit * (level + vary * rng.normal(size=(rows, steps)))
    history[rng.random((rows, steps)) < rng.choice([0, 0.01, 0.05], (rows, 1))] *= 1e4
    first, last = np.sort(rng.integers(0, steps + 1, (2, rows, 1)), axis=0)
    first, last = first * rng.integers(0, 2, (rows, 1)), np.where(rng.integers(0, 2, (rows, 1)), steps, last)
    gap = (np.arange(steps) >= first) & (np.arange(steps) < last) & (rng.random((rows, 1)) < 0.7)
    history[gap | (rng.random((rows, steps)) < rng.choice([0, 0, 0.2, 0.9, 1]))] = np.nan
    return history


WINDOWS = [  # level, distance from it, scale
    (1e6, 100, 100),
    (1e9, 1, 1),
    (-1e9, 1e-3, 1e-3),
    (1e9, 1e-7, 0),  # below what float64 resolves there
    (1e30, 1e20, 1e20),
    (1e30, 1e12, 0),
    (1e-30, 1e-38, 1e-38),
    (1e-30, 1e-48, 0),
    (0, 1e-30, 1e-30),
    (0, 1e30, 1e30),
    (0, 0, 0),
    (-7, 0, 0),
]
GAPS = {"none": [], "start": [0, 1, 2, 3], "middle": [10, 11], "end": [18, 19], "most": range(2, 14)}


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("compute", COMPUTED_BY.values(), ids=COMPUTED_BY)
def test_scale_is_the_distance_from_the_centre_and_none_in_a_flat_window(compute, gap):
    level, distance, wanted = np.array(WINDOWS).T[..., None]
    history = level + distance * np.where(np.arange(20) % 2, 1, -1)
    history[:, list(gap)] = np.nan
    _, _, centre, scale, *_ = compute(history, np.array([2]), 8, 3, 4)
    np.testing.assert_allclose(centre, level, rtol=1e-7, atol=1e-7 * distance.min())
    np.testing.assert_allclose(scale, wanted, rtol=1e-3)


@pytest.mark.parametrize("compute", COMPUTED_BY.values(), ids=COMPUTED_BY)
def test_scale_of_few_equal_values_is_halved_by_each(compute):
    history = np.full((9, 9), 6.0)
    history[np.arange(9)[:, None] <= np.arange(9)] = np.nan  # row k has k values
    *_, centre, scale, _, _ = compute(history, np.array([1]), 2, 3, 2)
    assert centre[:, 0].tolist() == [0] + [6] * 8
    assert scale[:, 0].tolist() == [1, 6, 3, 1.5, 0.75, 0.375, 0.1875, 0.09375, 0]


def test_windows_of_equal_values_are_flat_and_no_other():
    rows = [
        [5] * 9,
        [5] * 8 + [5.1],
        [np.nan] * 8 + [5],
        [np.nan] * 7 + [5, 5],
        [np.nan] * 9,
        [0] * 9,
        [1e9] * 8 + [1e9 + 1],
    ]
    features = make_features(np.array(rows, float), (1,), h=2)
    assert features.flat[:, 0].tolist() == [True, False, False, True, False, True, False]


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(1, 400), st.integers(1, 3), st.integers(0, 60))
def test_kernels_compute_the_same_bits(seed, rows, steps, seasons, h):
    rng = np.random.default_rng(seed)
    history = draw_windows(rng, rows, steps)
    lags = np.sort(rng.choice(np.arange(1, steps + 1), min(steps, seasons), replace=False))
    arguments = history, lags, 2 * int(lags[0]), 2 + len(lags), h
    for got, wanted in zip(forecaster.window_features(*arguments), window_features(*arguments), strict=True):
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)
