"""The steps of a week that exist, such as opening hours: counted, continued and described."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[Any]  # datetime64[us]
Integers = NDArray[np.int64]

SECOND = 10**6  # microseconds
DAY = 86400 * SECOND
WEEK = 7 * DAY
FIRST_MONDAY = np.datetime64("1970-01-05", "us")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST_TEXT = 60  # letters that describe the hours; what takes more is counted instead


@dataclass(frozen=True)
class Week:
    """Steps of a day or less, of which a week has only some.

    Attributes:
        step: Microseconds, a whole part of a day.
        open: Seconds from Monday 0:00 at which the week opens, closes, opens again ...

    >>> Week(3600 * 10**6, (32400, 64800)).text
    'Mon 09:00-17:00'
    """

    step: int
    open: tuple[int, ...]

    @property
    def per_day(self) -> int:
        """Steps of a day, open or not."""
        return DAY // self.step

    @cached_property
    def slots(self) -> Integers:
        """The open ones of the steps of a week, counted from Monday."""
        edges = np.array(self.open, np.int64) * SECOND // self.step
        pairs = edges.reshape(-1, 2)
        return np.concatenate([np.arange(first, end) for first, end in pairs])

    @cached_property
    def before(self) -> Integers:
        """Open steps of the week before each of its steps."""
        is_open = np.isin(np.arange(7 * self.per_day), self.slots)
        return np.cumsum(is_open) - is_open

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps of a day, if there are several and all open days have as many, and those of a week."""
        daily = np.unique(np.bincount(self.slots // self.per_day, minlength=7)).tolist()
        same = [count for count in daily if count]
        return (*(same if len(same) == 1 and same[0] > 1 else ()), len(self.slots))

    def count(self, times: Times, start: Times) -> Integers:
        """Open steps from `start` to each time; each series keeps its own place within a step."""
        return self._number(times, start) - self._number(start, start)

    def ahead(self, start: Times, positions: Integers) -> Times:
        """The time stamps that many open steps after `start`."""
        week, place = np.divmod(self._number(start, start) + positions, len(self.slots))
        steps = week * (7 * self.per_day) + self.slots[place]
        return np.asarray(FIRST_MONDAY + (within_step(start, self.step) + steps * self.step).astype("timedelta64[us]"))

    def _number(self, times: Times, start: Times) -> Integers:
        """Open steps since the first Monday of 1970."""
        passed = since_monday(times) - within_step(start, self.step)
        week, slot = np.divmod(passed // self.step, 7 * self.per_day)
        return np.asarray(week * len(self.slots) + self.before[slot])

    @cached_property
    def text(self) -> str:
        """Days and, where they are not whole, the first and last time stamp of each run of hours."""
        return describe(self)


@lru_cache(maxsize=64)
def week_of(step: int, open_at: tuple[int, ...]) -> Week:
    """The same week for the same hours, so that it is laid out once."""
    return Week(step, open_at)


def since_monday(times: Times) -> Integers:
    """Microseconds since a Monday."""
    return np.asarray((times - FIRST_MONDAY).astype(np.int64))


def within_step(start: Times, step: int) -> Integers:
    """Microseconds from the last whole step of the day to where a series begins."""
    return np.asarray(since_monday(start) % step)


def to_open(slots: Integers, step: int, within: int) -> tuple[int, ...]:
    """`Week.open` of the open steps of a week.

    Args:
        slots: Open steps, ascending.
        step: Microseconds.
        within: Microseconds from a whole step of the day to the time stamps.
    """
    breaks = np.flatnonzero(np.diff(slots) > 1)
    firsts, ends = slots[np.append(0, breaks + 1)], slots[np.append(breaks, len(slots) - 1)] + 1
    edges = (np.stack([firsts, ends], axis=1).ravel() * step + within) // SECOND
    return tuple(edges.tolist())


def describe(week: Week) -> str:
    """What `Week.text` gives."""
    within = week.open[0] * SECOND % week.step
    days, places = np.divmod(week.slots, week.per_day)
    hours = {day: tuple(places[days == day].tolist()) for day in np.unique(days).tolist()}
    groups: dict[tuple[int, ...], list[int]] = {}
    for day, own in hours.items():
        groups.setdefault(own, []).append(day)
    parts = [join_days(own) + clock_times(places, week, within) for places, own in groups.items()]
    text = ", ".join(parts)
    return text if len(text) <= LONGEST_TEXT else f"{len(week.slots)} of {7 * week.per_day} steps a week"


def join_days(days: Sequence[int]) -> str:
    """Days of the week, such as Mon-Fri or Sun-Thu.

    >>> join_days([0, 1, 2, 3, 6])
    'Sun-Thu'
    """
    begin = next((day for day in days if (day - 1) % 7 not in days), 0)
    ordered = sorted((day - begin) % 7 for day in days)
    return ",".join(span(DAYS[(a + begin) % 7], DAYS[(b + begin) % 7]) for a, b in runs(ordered))


def clock_times(places: Sequence[int], week: Week, within: int) -> str:
    """The time stamps of a day, such as 09:00-17:00; nothing if they are all there."""
    if len(places) == week.per_day:
        return ""
    return " " + ",".join(span(*(clock(place * week.step + within) for place in run)) for run in runs(places))


def clock(microseconds: int) -> str:
    """A time of day."""
    minutes, seconds = divmod(microseconds // SECOND, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")


def span(first: str, last: str) -> str:
    """From one to the other."""
    return first if first == last else f"{first}-{last}"


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive numbers.

    >>> runs([1, 2, 3, 7])
    [(1, 3), (7, 7)]
    """
    grouped = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    found = [[number for _, number in run] for _, run in grouped]
    return [(run[0], run[-1]) for run in found]
