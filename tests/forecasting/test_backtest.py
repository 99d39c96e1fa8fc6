import math
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from utilsforecast import losses
from utilsforecast.evaluation import evaluate

from grucast import Covariates, GRUForecaster
from grucast.data import example
from grucast.errors import ConfigError, DataError, UnknownCategoryWarning
from grucast.forecasting import metrics
from grucast.forecasting.backtest import backtest
from tests.conftest import TINY


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
    assert {s.model for s in result.scores} == {"GRU", "Naive", "SeasonalNaive24", "Drift"}


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


def test_baselines_can_be_chosen(hourly):
    few = backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=1, baselines=("drift",))
    assert {score.model for score in few.scores} == {"GRU", "Drift"}
    with pytest.raises(ConfigError, match="no baseline 'arima'"):
        backtest(GRUForecaster(6), hourly, baselines=("arima",))


def test_only_the_gru_is_trained_and_all_take_time_to_forecast(result):
    assert all((score.fit_seconds > 0) == (score.model == "GRU") for score in result.scores)
    assert all(score.predict_seconds > 0 for score in result.scores)


def test_errors_by_step_average_to_the_error(result):
    for score in result.scores:
        assert len(score.mae_by_step) == len(score.mase_by_step) == 6
        assert np.mean(score.mae_by_step) == pytest.approx(score.mae)
        assert np.mean(score.mase_by_step) == pytest.approx(score.mase)


@pytest.mark.parametrize("refit", [False, True])
def test_what_comes_after_a_cutoff_changes_nothing_before_the_next(hourly, refit):
    """Scales, seasons, widths of intervals and baselines: all are fitted on what was known."""
    forecaster = GRUForecaster(6, 48, **TINY)
    first = forecaster.cross_validation(hourly, n_windows=2, refit=refit)
    cutoffs = first["cutoff"].unique().sort()
    later = pl.when(pl.col("ds") > cutoffs[0]).then(-7e6).otherwise(pl.col("y"))
    changed = forecaster.cross_validation(hourly.with_columns(y=later), n_windows=2, refit=refit)
    before, after = (frame.filter(pl.col("cutoff") == cutoffs[0]).drop("y") for frame in (first, changed))
    assert before.height == 12
    assert before.equals(after)
    assert not first.equals(changed)


def test_refit_trains_anew_at_each_cutoff_and_otherwise_it_is_trained_once(hourly, monkeypatch):
    seen = []
    fit = GRUForecaster.fit_panel

    def noted(forecaster, panel, *words, **named):
        seen.append(panel.lengths.tolist())
        return fit(forecaster, panel, *words, **named)

    monkeypatch.setattr(GRUForecaster, "fit_panel", noted)
    forecaster = GRUForecaster(6, 48, 24, **TINY)
    forecaster.cross_validation(hourly, n_windows=3, step_size=4)
    assert seen == [[466, 466]]
    seen.clear()
    forecaster.cross_validation(hourly, n_windows=3, step_size=4, refit=True)
    assert seen == [[466, 466], [470, 470], [474, 474]]


def test_series_that_begins_after_the_first_cutoff_is_forecast_from_the_next(hourly):
    """It is left out, and counted, where it has no history."""
    late = hourly.filter(unique_id="a").tail(9).with_columns(unique_id=pl.lit("late"))
    result = backtest(GRUForecaster(6, 48, 24, **TINY), pl.concat([hourly, late]), n_windows=3)
    assert (result.series, result.windows, result.left_out) == (3, 7, 2)
    own = result.frame.filter(unique_id="late")
    assert own["ds"].to_list() == late["ds"].tail(6).to_list()
    assert own["y"].to_list() == late["y"].tail(6).to_list()
    assert own["Naive"].to_list() == [late["y"][2]] * 6
    alone = backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=3)
    assert alone.left_out == 0
    ordinary = result.frame.filter(pl.col("unique_id") != "late")
    assert ordinary.select("ds", "cutoff", "y", "Naive").equals(alone.frame.select("ds", "cutoff", "y", "Naive"))


def test_series_that_are_all_too_short_are_refused(hourly):
    with pytest.raises(DataError, match=r"the longest series has 480 steps, too few for 80 windows of h = 6"):
        backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=80)


def test_histories_that_are_all_missing_are_refused(hourly):
    hole = hourly.with_columns(
        y=pl.when(pl.int_range(480).over("unique_id").is_between(420, 473)).then(None).otherwise("y")
    )
    with pytest.raises(DataError, match="no series has a value in the 48 steps before any cutoff"):
        backtest(GRUForecaster(6, 48, 24, **TINY), hole, n_windows=1)


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.DataFrame.to_pandas], ids=["polars", "pandas"])
def test_evaluate_of_utilsforecast_takes_the_frame_and_agrees(hourly, convert):
    data = convert(hourly)
    result = backtest(GRUForecaster(6, 48, 24, **TINY), data, n_windows=1)
    assert isinstance(result.frame, type(data))
    measures = [losses.mae, losses.smape, partial(losses.mase, seasonality=24), losses.coverage, losses.scaled_crps]
    models = [score.model for score in result.scores]
    known = (
        data[data["ds"] <= result.frame["cutoff"].min()]
        if isinstance(data, pd.DataFrame)
        else data.filter(pl.col("ds") <= result.frame["cutoff"].min())
    )
    points = pl.DataFrame(evaluate(result.frame, measures[:3], models=models, train_df=known, agg_fn="mean"))
    spreads = pl.DataFrame(evaluate(result.frame, measures[3:], models=["GRU"], level=[80, 95], agg_fn="mean"))
    for score in result.scores:
        wanted = dict(zip(points["metric"], points[score.model], strict=True))
        assert score.mae == pytest.approx(wanted["mae"])
        assert score.smape == pytest.approx(200 * wanted["smape"])
        assert score.mase == pytest.approx(wanted["mase"])
    gru = next(score for score in result.scores if score.model == "GRU")
    wanted = dict(zip(spreads["metric"], spreads["GRU"], strict=True))
    assert gru.coverage == {
        80: pytest.approx(wanted["coverage_level80"]),
        95: pytest.approx(wanted["coverage_level95"]),
    }


@pytest.mark.slow
def test_gru_beats_both_seasonal_naives_on_bike_rentals():
    scores = {s.model: s.mae for s in backtest(GRUForecaster(24), example(), n_windows=28).scores}
    assert scores["GRU"] < min(scores["SeasonalNaive24"], scores["SeasonalNaive168"])


SKY = Covariates(past=("sky",))


def new_sky(hourly, back):
    """A past covariate that is rain at that step, counted from the end, and clear at all others."""
    step = pl.int_range(pl.len()).over("unique_id")
    return hourly.with_columns(sky=pl.when(step == 480 - back).then(pl.lit("rain")).otherwise(pl.lit("clear")))


@pytest.mark.parametrize(("refit", "back"), [(False, 6), (True, 6), (True, 7)])
def test_past_category_that_nothing_reads_is_not_unknown(hourly, refit, back):
    strict = Covariates(past=("sky",), unknown="error")
    for covariates in (SKY, strict):
        found = backtest(GRUForecaster(6, 48, 24, covariates=covariates, **TINY), new_sky(hourly, back), 2, refit=refit)
        assert found.windows == 4


def test_past_category_between_cutoffs_is_unknown_to_the_model_of_the_first(hourly):
    forecaster = GRUForecaster(6, 48, 24, covariates=SKY, **TINY)
    with pytest.warns(UnknownCategoryWarning, match="rain"):
        backtest(forecaster, new_sky(hourly, 7), 2)


def test_refit_reads_covariates_as_each_training_learned_them(hourly):
    """The last window is that of a backtest of it alone, though what came before it changed the covariate's scale."""
    step = pl.int_range(pl.len()).over("unique_id")
    price = hourly.with_columns(price=pl.when(step > 468).then(1000.0).otherwise(step % 7 + 0.5))
    forecaster = GRUForecaster(6, 48, 24, covariates=Covariates(past=("price",)), **TINY)
    both, alone = (backtest(forecaster, price, number, refit=True).frame for number in (2, 1))
    last = both.filter(pl.col("cutoff") == both["cutoff"].max())
    assert last["GRU"].to_list() == alone["GRU"].to_list()
