"""The step between observations, able to count time stamps and to continue them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grucast.data.months import DAY_TYPE, MONTH_TYPE, business_day, days_in, half_day, halves
from grucast.data.week import DAYS, Week, week_of
from grucast.data.zones import to_local, to_utc
from grucast.errors import DataError

Kind = Literal["integer", "duration", "month", "business", "business_month", "half_month", "week"]
Times = NDArray[Any]  # int64, or datetime64[us]

MICROSECONDS = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "D": 86400 * 10**6, "W": 7 * 86400 * 10**6}
YEAR = 365.2425 * MICROSECONDS["D"]
LENGTHS = {
    "month": YEAR / 12,
    "business_month": YEAR / 12,
    "half_month": YEAR / 24,
    "business": MICROSECONDS["D"] * 7 / 5,
}
EVEN: tuple[Kind, ...] = ("integer", "duration")  # all steps have one length
LARGEST_TIME = 2**62  # differences of larger integers could overflow
MOST_INTEGERS, MOST_STEPS, MOST_YEARS = 10**6, 1000, 50  # from a row of a series to the next


@dataclass(frozen=True)
class Frequency:
    """A step of `step` integers, microseconds, calendar months, business days (Monday to Friday) or half months.

    Attributes:
        kind: What is counted. `business_month` is stamped on the first or last business day of months, `half_month` on
            the 1st and 15th, or the 15th and the last day; `week` has microseconds, but only those steps of a week
            that are open.
        step: How many of them make a step.
        month_end: Months are stamped on their last day.
        day: Day of month of each stamp, the last one in shorter months; 0 is the day of a series' first stamp.
        zone: Time zone in whose local time days and months are counted; "" counts as the time stamps are written.
        open: Of `week`, seconds from Monday 0:00 at which the week opens, closes, opens again ...

    >>> Frequency("duration", 3600 * 10**6).name
    'h'
    >>> Frequency("month", 3).seasons
    (4,)
    >>> Frequency("week", 86400 * 10**6, open=(0, 6 * 86400)).name
    'D Mon-Sat'
    """

    kind: Kind
    step: int
    month_end: bool = False
    day: int = 0
    zone: str = ""
    open: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The usual alias, such as h, 30min, D, B or MS; after it the days and hours that are open, if not all are.

        The hours are the first and last time stamps of a run: `h Mon-Fri 09:00-17:00` has nine steps a day.
        """
        if self.kind == "integer":
            return str(self.step)
        if self.kind == "business":
            return "B"
        if self.kind in EVEN:
            return clock_alias(self.step)
        if self.kind == "week":
            return f"{clock_alias(self.step)} {self.week.text}"
        unit = {3: "Q", 12: "Y"}.get(self.step, "M")
        count = str(self.step) if unit == "M" and self.step > 1 else ""
        prefix = {"business_month": "B", "half_month": "S"}.get(self.kind, "")
        return count + prefix + unit + ("E" if self.month_end else "S")

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps in a day and a week, or in a year: the seasonal periods usual at this frequency."""
        if self.kind == "integer":
            return ()
        if self.kind == "business":
            return (5,)
        if self.kind == "week":
            return self.week.seasons
        if self.kind != "duration":
            year = 24 if self.kind == "half_month" else 12
            return (year // self.step,) if self.step < year and year % self.step == 0 else ()
        day, week = MICROSECONDS["D"], MICROSECONDS["W"]
        if self.step == week:
            return (52,)
        return tuple(period // self.step for period in (day, week) if self.step < period and period % self.step == 0)

    @property
    def length(self) -> float:
        """Microseconds of a step, on average; as many integers where those are counted."""
        if self.kind == "week":
            return MICROSECONDS["W"] / len(self.week.slots)
        return self.step * LENGTHS.get(self.kind, 1)

    @property
    def longest_gap(self) -> tuple[float, str]:
        """From a row to the next of its series at most, in microseconds or integers and in words; more is a mistake.

        It is 50 years, or 1,000 steps where these are more; a million steps where integers are counted.

        >>> Frequency("duration", 3600 * 10**6).longest_gap[1], Frequency("month", 3).longest_gap[1]
        ('50 years', '1,000 steps of QS')
        """
        steps = MOST_INTEGERS if self.kind == "integer" else MOST_STEPS
        if self.kind != "integer" and steps * self.length < MOST_YEARS * YEAR:
            return MOST_YEARS * YEAR, f"{MOST_YEARS} years"
        return steps * self.length, f"{steps:,} steps of {self.name}"

    @property
    def counts_days(self) -> bool:
        """A step is made of whole days, which local time keeps where clocks change."""
        return self.kind != "integer" and (self.kind in LENGTHS or self.step % MICROSECONDS["D"] == 0)

    @property
    def week(self) -> Week:
        """The open steps, of the kind `week`."""
        return week_of(self.step, self.open)

    @cached_property
    def stride(self) -> Any:
        """What each step adds to a time stamp; None where steps differ, as months do."""
        if self.zone or self.kind not in EVEN:
            return None
        return np.int64(self.step) if self.kind == "integer" else np.timedelta64(self.step, "us")

    @lru_cache(maxsize=64)  # noqa: B019 - frequencies are few and small
    def strides(self, h: int) -> NDArray[Any]:
        """What 1 to h steps add to a time stamp, where `stride` says what one does."""
        return np.asarray(np.arange(1, h + 1) * self.stride)

    def require_reach(self, h: int) -> None:
        """Refuse horizons after which a time stamp could have no place in 64 bits, and would come out negative.

        Raises:
            DataError: h steps are too long.
        """
        if h * self.length >= LARGEST_TIME:
            end = "2**62" if self.kind == "integer" else "the year 9999"
            raise DataError(f"{h:,} steps of {self.name} lead beyond {end}: count in smaller steps, or forecast fewer")

    def positions(self, times: Times, start: Times) -> NDArray[np.float64]:
        """Steps from `start` to each time; a fraction where a time is off the grid."""
        if self.kind in EVEN and not self.zone:
            whole, rest = np.divmod((times - start).astype(np.int64), self.step)
            return np.asarray(whole + rest / self.step)
        whole = self._count(self._local(times), self._local(start))
        return np.asarray(np.where(self.times(start, whole) == times, whole, whole + 0.5))

    def times(self, start: Times, positions: NDArray[np.int64]) -> Times:
        """The time stamps that many steps after `start`."""
        if self.kind == "integer":
            return np.asarray(start + positions * self.step)
        local = self._ahead(self._local(start), positions)
        return to_utc(local, self.zone) if self.zone else local

    def _local(self, times: Times) -> Times:
        return to_local(times, self.zone) if self.zone else times

    def _count(self, times: Times, start: Times) -> NDArray[np.int64]:
        """The nearest whole number of steps."""
        if self.kind == "week":
            return self.week.count(times, start)
        if self.kind == "business":
            return np.asarray(np.busday_count(start.astype(DAY_TYPE), times.astype(DAY_TYPE)))
        if self.kind == "half_month":
            return halves(times, self.month_end) - halves(start, self.month_end)
        if self.kind != "duration":
            return np.asarray((times.astype(MONTH_TYPE) - start.astype(MONTH_TYPE)).astype(np.int64) // self.step)
        return np.asarray(((times - start).astype(np.int64) + self.step // 2) // self.step)

    def _ahead(self, start: Times, positions: NDArray[np.int64]) -> Times:
        if self.kind == "duration":
            return np.asarray(start + positions * np.timedelta64(self.step, "us"))
        if self.kind == "week":
            return self.week.ahead(start, positions)
        today = start.astype(DAY_TYPE)
        return np.asarray(self._day_ahead(today, positions) + (start - today))

    def _day_ahead(self, today: Times, positions: NDArray[np.int64]) -> Times:
        """Of kinds that keep the time of day."""
        if self.kind == "business":
            return np.asarray(np.busday_offset(today, positions, roll="forward"))
        if self.kind == "half_month":
            return half_day(halves(today, self.month_end) + positions, self.month_end)
        month = today.astype(MONTH_TYPE)
        months = month + positions * self.step
        if self.kind == "business_month":
            return business_day(months, self.month_end)
        day = 31 if self.month_end else self.day or (today - month.astype(DAY_TYPE)).astype(np.int64) + 1
        return np.asarray(months.astype(DAY_TYPE) + (np.minimum(day, days_in(months)) - 1))


@dataclass(frozen=True)
class Stated(Frequency):
    """A frequency as a user states it: time stamps must lie where it says, also on its weekday or in its months.

    Attributes:
        weekday: Day of weekly stamps, Monday is 0; None for any.
        month: A month, from 1, that is stamped; 0 for any.

    >>> Stated("duration", 7 * 86400 * 10**6, weekday=4).name
    'W-FRI'
    """

    weekday: int | None = None
    month: int = 0

    @property
    def name(self) -> str:
        """The alias."""
        return super().name + ("" if self.weekday is None else f"-{DAYS[self.weekday].upper()}")

    def in_zone(self, zone: str) -> Frequency:
        """The step alone, counted in a zone."""
        return Frequency(self.kind, self.step, self.month_end, self.day, zone, self.open)

    def misses(self, local: Times) -> NDArray[np.bool_]:
        """Which time stamps are of another weekday or month."""
        wrong = np.zeros(local.shape, bool)
        if self.weekday is not None:
            wrong |= (local.astype(DAY_TYPE).astype(np.int64) + 3) % 7 != self.weekday  # 1970 began on a Thursday
        if self.month:
            period = 3 if self.step % 12 else 12  # quarters, years
            wrong |= (local.astype(MONTH_TYPE).astype(np.int64) - (self.month - 1)) % period != 0
        return wrong


def clock_alias(step: int) -> str:
    """A number of microseconds in the largest unit that divides it.

    >>> clock_alias(1800 * 10**6)
    '30min'
    """
    unit = max((u for u, size in MICROSECONDS.items() if step % size == 0), key=MICROSECONDS.get, default="us")  # type: ignore[arg-type]
    count = step // MICROSECONDS.get(unit, 1)
    return unit if count == 1 else f"{count}{unit}"
