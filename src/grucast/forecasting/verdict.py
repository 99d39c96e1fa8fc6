"""What a backtest means, in a sentence."""

import math
from functools import partial

from grucast.data.frequency import MICROSECONDS, Frequency
from grucast.forecasting.backtest import Tested
from grucast.forecasting.scoring import Score

EQUAL = 0.02  # errors that differ by no more are about equal
SHORTFALL = 20  # points of coverage below what an interval promises that call for a warning
PLAIN = {
    "Naive": "repeating the last value",
    "Drift": "continuing the straight line from the first to the last value",
}
SEASONAL = "SeasonalNaive"
HOUR, DAY, WEEK = (MICROSECONDS[unit] for unit in ("h", "D", "W"))
SPANS = {DAY: "the day before", WEEK: "a week before", 52 * WEEK: "a year before"}
STEP_NAMES = {HOUR: "hour", DAY: "day", WEEK: "week"}
MONTH_NAMES = {1: "month", 3: "quarter", 6: "half-year"}


def verdict(result: Tested, frequency: Frequency, h: int) -> str:
    """Whether the GRU beats the best simple forecast, by how much, and how often its intervals held, in one sentence.

    Errors are compared by MASE, or by MAE where no series has a MASE.

    Args:
        result: What `backtest` returns.
        frequency: The step of its series.
        h: Steps of a horizon.

    >>> from grucast.data.frequency import Frequency
    >>> from grucast.forecasting.backtest import Backtest
    >>> from grucast.forecasting.scoring import Score
    >>> def score(name, mase, coverage): return Score(name, 1, 1, 1, mase, 1, coverage, (), (), 72)
    >>> scores = [score("GRU", 0.77, {80: 0.78}), score("SeasonalNaive168", 1.0, {})]
    >>> verdict(Backtest(None, scores, series=1, windows=3, left_out=0, panel=None), Frequency("duration", HOUR), h=24)
    '23% better than repeating the same hour a week before, over 3 tests; 80% intervals held 78%'
    """
    gru = score_of_gru(result)
    if not gru.steps:
        return f"nothing was observed in the {h} steps after any cutoff, so nothing is known about the forecasts"
    simple = best_simple(result, gru)
    tests = f"over {result.windows:,} test{'s' * (result.windows != 1)}"
    tests += f" in {result.series:,} series" * (result.series > 1)
    return "; ".join([compared(gru, simple, frequency, tests) if simple else f"alone {tests}", *intervals(gru)])


def warnings(result: Tested) -> tuple[str, ...]:
    """What to know before the forecasts of a backtest are trusted: intervals that held far too seldom.

    Args:
        result: What `backtest` returns.
    """
    gru = score_of_gru(result)
    return tuple(
        f"the {level:g}% interval held only {share:.0%} of the values: the truth lies outside more often than it says"
        for level, share in shown_interval(gru)
        if 100 * share < level - SHORTFALL
    )


def score_of_gru(result: Tested) -> Score:
    """The score of the network."""
    return next(score for score in result.scores if score.model == "GRU")


def best_simple(result: Tested, gru: Score) -> Score | None:
    """The best of the others, of those with a forecast wherever the GRU has one, if there are such."""
    others = [score for score in result.scores if score.model != "GRU" and not math.isnan(error_of(score, gru))]
    alike = [score for score in others if score.steps == gru.steps]
    return min(alike or others, key=partial(error_of, gru=gru), default=None)


def error_of(score: Score, gru: Score) -> float:
    """The error by which models are compared: MASE, or MAE where the GRU has no MASE."""
    return score.mae if math.isnan(gru.mase) else score.mase


def gain(gru: Score, simple: Score) -> float:
    """How much smaller the error of the GRU is than that of a simple forecast, as a share of the larger one."""
    own, other = error_of(gru, gru), error_of(simple, gru)
    larger = max(own, other)
    return (other - own) / larger if larger else 0.0


def compared(gru: Score, simple: Score, frequency: Frequency, tests: str) -> str:
    """The GRU compared with the best simple forecast."""
    name, better = in_words(simple.model, frequency), gain(gru, simple)
    if abs(better) <= EQUAL:
        return f"about as good as {name}, {tests}"
    if better > 0:
        return f"{better:.0%} better than {name}, {tests}"
    return f"{name} is better here (by {-better:.0%}, {tests}): use that"


def intervals(gru: Score) -> list[str]:
    """How often the interval held."""
    return [f"{level:g}% intervals held {share:.0%}" for level, share in shown_interval(gru)]


def shown_interval(gru: Score) -> list[tuple[float, float]]:
    """The level nearest to 80 and its coverage; nothing without intervals."""
    known = [(level, share) for level, share in gru.coverage.items() if not math.isnan(share)]
    return sorted(known, key=lambda pair: abs(pair[0] - 80))[:1]


def in_words(model: str, frequency: Frequency) -> str:
    """What a simple forecast does, as people say it.

    >>> from grucast.data.frequency import Frequency
    >>> in_words("SeasonalNaive12", Frequency("month", 1)), in_words("SeasonalNaive30", Frequency("integer", 1))
    ('repeating the same month a year before', 'repeating the value 30 steps before')
    """
    season = model.removeprefix(SEASONAL)
    if season == model:
        return PLAIN.get(model, model)
    if season == "1":
        return PLAIN["Naive"]
    return f"repeating {same_step(int(season), frequency) or f'the value {season} steps before'}"


def same_step(season: int, frequency: Frequency) -> str | None:
    """The step a season before by its place in the day, week or year; None where that has no name."""
    step, length = STEP_NAMES.get(frequency.step, "time"), season * frequency.step
    if frequency.kind == "week":  # of some steps, which are counted
        *day, week = frequency.seasons
        before = dict.fromkeys(day, "of the open day before") | {week: "a week before"}
        return f"the same {step} {before[season]}" if season in before else None
    months = {12: f"the same {MONTH_NAMES.get(frequency.step, 'months')} a year before"}
    named = {
        "duration": {span: f"the same {step} {before}" for span, before in SPANS.items()},
        "business": {5: "the same day a week before"},
        "month": months,
        "business_month": months,
        "half_month": {24: "the same half of the month a year before"},
    }
    return named.get(frequency.kind, {}).get(length)
