import math
from dataclasses import replace

import grucast
from grucast import Covariates, GRUForecaster, TrainingConfig
from grucast.forecasting.backtest import backtest
from grucast.forecasting.notebook import least_in_bold
from tests.conftest import TINY
from tests.data.test_markup import Reader


def said(thing):
    return " ".join(Reader(thing._repr_html_()).said)


def test_forecaster_says_what_it_will_do_and_what_it_is(fitted):
    named = GRUForecaster(6, covariates=Covariates(past=("<b>",)), **TINY)
    assert "not fitted h 6 input_size chosen by fit" in said(named)
    assert "<b> (past)" in said(named)
    text = said(fitted)
    assert "forecasts 6 steps of h, with intervals of 80% and 95%" in text
    assert "reads 48 steps, 4 at a time seasons 24 covariates none network GRU, 1 layer of 4 units; " in text
    weights = sum(array.size for array in fitted.model_.weights.values())
    assert f"{weights:,} weights" in text
    assert "ensemble" not in text


def test_ensemble_says_how_many_there_are(hourly):
    training = TrainingConfig(max_steps=1, batch_size=8, ensemble=3)
    assert "ensemble 3 networks" in said(
        GRUForecaster(6, 48, 24, network=TINY["network"], training=training).fit(hourly)
    )


def test_backtest_shows_each_model_and_how_often_intervals_held(hourly):
    result = backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=2)
    text = said(result)
    assert text.startswith("Backtest: 4 windows in 2 series model MAE MASE sCRPS 80% held 95% held ")
    assert all(score.model in text for score in result.scores)
    gru = next(score for score in result.scores if score.model == "GRU")
    assert f"{gru.coverage[80]:.0%}" in text


def test_result_says_the_verdict_and_what_may_be_wrong(hourly):
    result = grucast.forecast(hourly, 6, network=TINY["network"], training=TINY["training"])
    text = said(replace(result, warnings=("a < b",)))
    assert text.startswith(f"Forecast of y: 6 steps {result.verdict} warning a < b model MAE")
    assert "MAE" not in said(replace(result, backtest=None))


def test_least_error_is_bold_and_all_have_as_many_decimals():
    found = least_in_bold([1.25, 1000.0, math.nan, 0.5])
    assert found == ["1.25", "1,000.00", "", "0.50"]
    assert [type(text).__name__ for text in found] == ["str", "str", "str", "Strong"]
