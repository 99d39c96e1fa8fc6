import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sklearn
from utilsforecast import losses as utils

from grucast.forecasting import metrics

PROBABILITIES = [0.1, 0.25, 0.5, 0.75, 0.9]
QUANTILES = [f"q{k}" for k in range(5)]


@pytest.fixture
def pair(rng):
    return rng.normal(size=(2, 30))


@pytest.fixture
def frame(pair, rng):
    """Actual values, a forecast m with an interval, and five quantiles."""
    spread = np.sort(rng.normal(size=(30, 5)), axis=1)
    columns = {name: spread[:, k] for k, name in enumerate(QUANTILES)}
    bounds = {"m-lo-80": spread[:, 0], "m-hi-80": spread[:, 4]}
    return pl.DataFrame({"unique_id": "a", "ds": range(50, 80), "y": pair[0], "m": pair[1], **columns, **bounds})


def test_metrics_equal_sklearns(pair):
    assert metrics.mae(*pair) == pytest.approx(sklearn.mean_absolute_error(*pair))
    assert metrics.mse(*pair) == pytest.approx(sklearn.mean_squared_error(*pair))
    assert metrics.rmse(*pair) == pytest.approx(sklearn.root_mean_squared_error(*pair))
    assert metrics.r2(*pair) == pytest.approx(sklearn.r2_score(*pair))
    assert metrics.pinball(*pair, 0.2) == pytest.approx(sklearn.mean_pinball_loss(*pair, alpha=0.2))


def test_r2_of_several_outputs_is_their_mean(rng):
    y, f = rng.normal(size=(2, 20, 3))
    y[:, 1] = 4.0
    f[:, 2] = y[:, 2]
    assert metrics.r2(y, f) == pytest.approx(sklearn.r2_score(y, f))


def test_smape_is_200_times_utilsforecasts(frame):
    assert metrics.smape(frame["y"], frame["m"]) == pytest.approx(200 * utils.smape(frame, ["m"])["m"][0])


@pytest.mark.parametrize("season", [1, 7])
@pytest.mark.parametrize("name", ["mase", "rmsse"])
def test_scaled_errors_equal_utilsforecasts(frame, rng, season, name):
    history = rng.normal(size=50)
    train = pl.DataFrame({"unique_id": "a", "ds": range(50), "y": history})
    wanted = getattr(utils, name)(frame, ["m"], season, train)["m"][0]
    assert getattr(metrics, name)(frame["y"], frame["m"], history, season) == pytest.approx(wanted)


def test_pinball_and_coverage_equal_utilsforecasts(frame):
    wanted = utils.quantile_loss(frame, {"m": "q1"}, q=0.25)["m"][0]
    assert metrics.pinball(frame["y"], frame["q1"], 0.25) == pytest.approx(wanted)
    wanted = utils.coverage(frame, ["m"], 80)["m"][0]
    assert metrics.coverage(frame["y"], frame["m-lo-80"], frame["m-hi-80"]) == pytest.approx(wanted)


def test_scaled_crps_equals_utilsforecasts(frame):
    wanted = utils.scaled_crps(frame, {"m": QUANTILES}, np.array(PROBABILITIES))["m"][0]
    assert metrics.scaled_crps(frame["y"], frame.select(QUANTILES), PROBABILITIES) == pytest.approx(wanted)


def test_bounds_belong_to_the_interval():
    assert metrics.coverage([1.0, 2.0], [1.0, 0.0], [3.0, 2.0]) == 1
    assert metrics.interval_width([1.0, np.nan], [1.0, 0.0], [3.0, 9.0]) == 2


MEASURES = {
    "mae": metrics.mae,
    "mse": metrics.mse,
    "rmse": metrics.rmse,
    "smape": metrics.smape,
    "mase": lambda y, f: metrics.mase(y, f, [1.0, 3.0, 2.0]),
    "rmsse": lambda y, f: metrics.rmsse(y, f, [1.0, 3.0, 2.0]),
    "pinball": lambda y, f: metrics.pinball(y, f, 0.3),
    "coverage": lambda y, f: metrics.coverage(y, f, np.add(f, 1)),
    "interval_width": lambda y, f: metrics.interval_width(y, f, np.add(f, 1)),
    "scaled_crps": lambda y, f: metrics.scaled_crps(y, np.stack([f, np.add(f, 1)], -1), [0.4, 0.6]),
}


@pytest.mark.parametrize("name", MEASURES)
def test_steps_that_were_not_observed_do_not_count(name, pair):
    y, f = pair.copy()
    y[3] = np.nan
    assert MEASURES[name](y, f) == MEASURES[name](np.delete(y, 3), np.delete(f, 3))


@pytest.mark.parametrize("name", MEASURES)
def test_missing_forecast_is_not_passed_over(name, pair):
    y, f = pair.copy()
    f[3] = np.nan
    assert np.isnan(MEASURES[name](y, f))


@pytest.mark.parametrize("name", MEASURES)
def test_measure_of_nothing_is_nan(name):
    assert np.isnan(MEASURES[name]([np.nan, np.nan], [1.0, 2.0]))


def test_smape_is_defined_for_zeros():
    assert metrics.smape([0.0, 0.0], [0.0, 5.0]) == 100


def test_scaled_crps_of_zeros_is_nan():
    assert np.isnan(metrics.scaled_crps([0.0], [[1.0]], [0.5]))


def test_mase_leaves_out_missing_history():
    assert metrics.mase([3.0], [2.0], [1.0, 2.0, np.nan, 4.0, 7.0]) == 0.5


@pytest.mark.parametrize("measure", [metrics.mase, metrics.rmsse])
@pytest.mark.parametrize("history", [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0], [], [np.nan, 1.0, 2.0, np.nan]])
def test_scaled_error_is_nan_where_it_is_not_defined(measure, history):
    assert np.isnan(measure([3.0], [2.0], history, season=2))
