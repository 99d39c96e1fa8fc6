"""A horizon for those who name none."""

from typing import NamedTuple

from grucast.data.frequency import MICROSECONDS, Frequency

MOST_OF_A_DAY = 288  # steps that a day may have to be forecast whole
SHARE = 4  # of the longest series, a horizon is at most one part in so many
HORIZONS = {1: (12, "a year"), 3: (8, "two years"), 12: (5, "five years")}
UNKNOWN = (12, "12 steps")


class Horizon(NamedTuple):
    """Steps to forecast, and what they span in words."""

    h: int
    span: str


def usual_horizon(frequency: Frequency, longest: int) -> Horizon:
    """A day of hours, two weeks of days, a quarter of weeks, a year of months; at most a quarter of the longest series.

    >>> usual_horizon(Frequency("duration", 3600 * 10**6), 1000)
    Horizon(h=24, span='a day')
    >>> usual_horizon(Frequency("month", 1), 36)
    Horizon(h=9, span='9 steps, a quarter of the longest series')
    """
    h, span = span_of(frequency)
    most = max(longest // SHARE, 1)
    return Horizon(h, span) if h <= most else Horizon(most, f"{most} steps, a quarter of the longest series")


def span_of(frequency: Frequency) -> tuple[int, str]:
    """The horizon of series that are long enough."""
    seasons = frequency.seasons
    if frequency.kind in ("month", "business_month"):
        return HORIZONS.get(frequency.step, UNKNOWN)
    if frequency.kind in ("integer", "half_month"):
        return UNKNOWN
    if frequency.kind == "business" or frequency.step == MICROSECONDS["D"]:
        return 2 * seasons[-1], "two weeks"
    if frequency.step == MICROSECONDS["W"]:
        return 13, "a quarter of a year"
    if frequency.step < MICROSECONDS["D"] and len(seasons) > 1:
        return (seasons[0], "a day") if seasons[0] <= MOST_OF_A_DAY else (60, "60 steps")
    return UNKNOWN
