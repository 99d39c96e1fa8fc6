import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sklearn
from utilsforecast import losses as utils

from grucast.forecasting import metrics


@pytest.fixture
def pair(rng):
    return rng.normal(size=(2, 30))


def test_metrics_equal_sklearns(pair):
    assert metrics.mae(*pair) == pytest.approx(sklearn.mean_absolute_error(*pair))
    assert metrics.mse(*pair) == pytest.approx(sklearn.mean_squared_error(*pair))
    assert metrics.rmse(*pair) == pytest.approx(sklearn.root_mean_squared_error(*pair))
    assert metrics.r2(*pair) == pytest.approx(sklearn.r2_score(*pair))


def test_r2_of_several_outputs_is_their_mean(rng):
    y, f = rng.normal(size=(2, 20, 3))
    y[:, 1] = 4.0
    f[:, 2] = y[:, 2]
    assert metrics.r2(y, f) == pytest.approx(sklearn.r2_score(y, f))


@pytest.mark.parametrize("season", [1, 7])
def test_mase_equals_utilsforecasts(pair, rng, season):
    history = rng.normal(size=50)
    test = pl.DataFrame({"unique_id": "a", "ds": range(50, 80), "y": pair[0], "m": pair[1]})
    train = pl.DataFrame({"unique_id": "a", "ds": range(50), "y": history})
    wanted = utils.mase(test, ["m"], season, train)["m"][0]
    assert metrics.mase(*pair, history, season) == pytest.approx(wanted)


def test_mase_leaves_out_missing_history():
    assert metrics.mase([3.0], [2.0], [1.0, 2.0, np.nan, 4.0, 7.0]) == 0.5


@pytest.mark.parametrize("history", [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0], [], [np.nan, 1.0, 2.0, np.nan]])
def test_mase_is_nan_where_it_is_not_defined(history):
    assert np.isnan(metrics.mase([3.0], [2.0], history, season=2))
