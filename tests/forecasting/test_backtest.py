import math

import polars as pl
import pytest
from tests.conftest import TINY

from grucast import GRUForecaster
from grucast.data import example
from grucast.forecasting import metrics
from grucast.forecasting.backtest import backtest


@pytest.fixture
def result(hourly):
    return backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=2)


def test_scores_are_those_of_the_frame(result, hourly):
    known = hourly.filter(pl.col("ds") <= result.frame["cutoff"].min())
    for score in result.scores:
        frame = result.frame
        assert score.mae == pytest.approx(metrics.mae(frame["y"], frame[score.model]))
        assert score.rmse == pytest.approx(metrics.rmse(frame["y"], frame[score.model]))
        scaled = [
            metrics.mase(own["y"], own[score.model], known.filter(unique_id=own["unique_id"][0])["y"], 24)
            for own in frame.partition_by("unique_id")
        ]
        assert score.mase == pytest.approx(sum(scaled) / 2)


def test_scores_are_sorted_the_best_first(result):
    assert [s.mase for s in result.scores] == sorted(s.mase for s in result.scores)
    assert {s.model for s in result.scores} == {"GRU", "SeasonalNaive24"}


def test_seasonal_naive_is_the_value_a_day_before(result, hourly):
    shifted = hourly.with_columns(pl.col("ds") + pl.duration(hours=24)).rename({"y": "before"})
    joined = result.frame.join(shifted, on=["unique_id", "ds"])
    assert joined.height == 24
    assert (joined["before"] == joined["SeasonalNaive24"]).all()


def test_steps_that_were_not_observed_are_left_out(hourly):
    holes = hourly.filter(pl.col("ds") != pl.col("ds").max() - pl.duration(hours=2))
    frame = backtest(GRUForecaster(6, 48, 24, **TINY), holes, n_windows=1).frame
    assert frame.height == 2 * 5
    assert frame["y"].is_not_nan().all()


def test_series_without_mase_are_scored_by_their_errors(hourly):
    repeating = hourly.with_columns(y=pl.col("ds").dt.hour().cast(pl.Float64) + 1)
    scores = backtest(GRUForecaster(6, 48, 24, **TINY), repeating, n_windows=1).scores
    assert all(math.isnan(score.mase) for score in scores)
    assert scores[0].model == "SeasonalNaive24"
    assert scores[0].mae == 0


@pytest.mark.slow
def test_gru_beats_both_seasonal_naives_on_bike_rentals():
    scores = {s.model: s.mae for s in backtest(GRUForecaster(24), example(), n_windows=3).scores}
    assert scores["GRU"] < min(scores["SeasonalNaive24"], scores["SeasonalNaive168"])
