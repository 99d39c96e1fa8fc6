import math

import pytest

from grucast import GRUForecaster
from grucast.data.frequency import MICROSECONDS, Frequency
from grucast.forecasting.backtest import Backtest, backtest
from grucast.forecasting.scoring import Score
from grucast.forecasting.verdict import in_words, verdict, warnings
from tests.conftest import TINY

HOUR, DAY, WEEK = (Frequency("duration", MICROSECONDS[unit]) for unit in ("h", "D", "W"))
OFFICE = Frequency("week", HOUR.step, open=tuple((24 * day + hour) * 3600 for day in range(5) for hour in (9, 18)))


def score(model, mase, mae=1.0, coverage=None, steps=72):
    return Score(model, mae, 1.0, 1.0, mase, 1.0, coverage or {}, (), (), steps)


def result(*scores, series=1, windows=3):
    return Backtest(None, list(scores), series, windows, 0, panel=None)


@pytest.mark.parametrize(
    ("model", "frequency", "words"),
    [
        ("SeasonalNaive24", HOUR, "repeating the same hour the day before"),
        ("SeasonalNaive168", HOUR, "repeating the same hour a week before"),
        ("SeasonalNaive168", Frequency("duration", HOUR.step, zone="Europe/Berlin"), "the same hour a week before"),
        ("SeasonalNaive48", Frequency("duration", HOUR.step // 2), "repeating the same time the day before"),
        ("SeasonalNaive7", DAY, "repeating the same day a week before"),
        ("SeasonalNaive364", DAY, "repeating the same day a year before"),
        ("SeasonalNaive52", WEEK, "repeating the same week a year before"),
        ("SeasonalNaive12", Frequency("month", 1), "repeating the same month a year before"),
        ("SeasonalNaive4", Frequency("month", 3), "repeating the same quarter a year before"),
        ("SeasonalNaive2", Frequency("month", 6), "repeating the same half-year a year before"),
        ("SeasonalNaive6", Frequency("month", 2), "repeating the same months a year before"),
        ("SeasonalNaive12", Frequency("business_month", 1), "repeating the same month a year before"),
        ("SeasonalNaive24", Frequency("half_month", 1), "repeating the same half of the month a year before"),
        ("SeasonalNaive9", OFFICE, "repeating the same hour of the open day before"),
        ("SeasonalNaive45", OFFICE, "repeating the same hour a week before"),
        ("SeasonalNaive10", OFFICE, "repeating the value 10 steps before"),
        ("SeasonalNaive6", Frequency("week", DAY.step, open=(0, 6 * 86400)), "repeating the same day a week before"),
        ("SeasonalNaive5", Frequency("business", 1), "repeating the same day a week before"),
        ("SeasonalNaive30", DAY, "repeating the value 30 steps before"),
        ("SeasonalNaive24", Frequency("month", 1), "repeating the value 24 steps before"),
        ("SeasonalNaive21", Frequency("business", 1), "repeating the value 21 steps before"),
        ("SeasonalNaive7", Frequency("integer", 1), "repeating the value 7 steps before"),
        ("SeasonalNaive1", DAY, "repeating the last value"),
        ("Naive", DAY, "repeating the last value"),
        ("Drift", DAY, "continuing the straight line from the first to the last value"),
        ("AutoETS", DAY, "AutoETS"),
    ],
)
def test_simple_forecasts_have_words_for_people(model, frequency, words):
    assert in_words(model, frequency).endswith(words)


def test_the_best_baseline_is_named_whatever_the_order():
    scores = [score("Naive", 1.2), score("GRU", 0.77, coverage={95: 0.9, 80: 0.78}), score("SeasonalNaive168", 1.0)]
    said = "23% better than repeating the same hour a week before, over 3 tests; 80% intervals held 78%"
    assert verdict(result(*scores), HOUR, 24) == said


def test_a_better_baseline_is_to_be_used():
    scores = [score("SeasonalNaive12", 0.88), score("GRU", 1.0)]
    said = "repeating the same month a year before is better here (by 12%, over 1 test): use that"
    assert verdict(result(*scores, windows=1), Frequency("month", 1), 12) == said


@pytest.mark.parametrize("gru", [0.981, 1.0, 1.02])
def test_a_difference_of_two_percent_is_none(gru):
    said = verdict(result(score("GRU", gru), score("Naive", 1.0), series=10, windows=30), DAY, 7)
    assert said == "about as good as repeating the last value, over 30 tests in 10 series"


def test_without_mase_mean_absolute_errors_are_compared():
    scores = [score("GRU", math.nan, mae=3.0), score("Naive", math.nan, mae=4.0)]
    assert verdict(result(*scores), DAY, 7).startswith("25% better than repeating the last value")


@pytest.mark.parametrize(
    ("gru", "naive", "said"),
    [
        (0.0, 0.0, "about as good as repeating the last value, over 3 tests"),
        (0.0, 1.0, "100% better than repeating the last value, over 3 tests"),
        (1.0, 0.0, "repeating the last value is better here (by 100%, over 3 tests): use that"),
    ],
)
def test_errors_of_zero_are_compared(gru, naive, said):
    assert verdict(result(score("GRU", gru), score("Naive", naive)), DAY, 7) == said


def test_a_baseline_that_forecasts_only_some_steps_counts_only_when_it_is_alone():
    scores = [score("GRU", 1.0), score("SeasonalNaive7", 0.5, steps=7), score("Naive", 2.0)]
    assert verdict(result(*scores), DAY, 7).startswith("50% better than repeating the last value")
    assert verdict(result(*scores[:2]), DAY, 7).startswith("repeating the same day a week before is better")


def test_a_baseline_without_any_forecast_is_no_comparison():
    assert verdict(result(score("GRU", 1.0), score("AutoETS", math.nan, math.nan)), DAY, 7) == "alone over 3 tests"
    assert (
        verdict(result(score("GRU", 1.0, coverage={80: 0.5})), DAY, 7) == "alone over 3 tests; 80% intervals held 50%"
    )


def test_nothing_observed_is_said():
    assert verdict(result(score("GRU", math.nan, math.nan, steps=0)), DAY, 7).startswith(
        "nothing was observed in the 7"
    )


@pytest.mark.parametrize(
    ("coverage", "count"),
    [({}, 0), ({80: 0.6}, 0), ({80: 0.599}, 1), ({80: 0.7, 95: 0.7}, 0), ({50: 0.29}, 1), ({80: math.nan}, 0)],
)
def test_an_interval_that_held_twenty_points_too_seldom_is_a_warning(coverage, count):
    said = warnings(result(score("GRU", 1.0, coverage=coverage)))
    assert len(said) == count
    assert all("interval held only" in text for text in said)


def test_a_backtest_has_its_frequency_for_the_verdict(hourly):
    tested = backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=2)
    assert "over 4 tests in 2 series; 80% intervals held " in verdict(tested, tested.panel.frequency, 6)
