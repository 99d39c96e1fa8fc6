"""The step between observations, able to count time stamps and to continue them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grucast.data.zones import to_local, to_utc

Kind = Literal["integer", "duration", "month", "business"]
Times = NDArray[Any]  # int64, or datetime64[us]

MICROSECONDS = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "D": 86400 * 10**6, "W": 7 * 86400 * 10**6}
MONTH, DAY = "datetime64[M]", "datetime64[D]"


@dataclass(frozen=True)
class Frequency:
    """A step of `step` integers, microseconds, calendar months or business days (Monday to Friday).

    Attributes:
        kind: What is counted.
        step: How many of them make a step.
        month_end: Months are stamped on their last day.
        day: Day of month of each stamp, the last one in shorter months; 0 is the day of a series' first stamp.
        zone: Time zone in whose local time days and months are counted; "" counts as the time stamps are written.

    >>> Frequency("duration", 3600 * 10**6).name
    'h'
    >>> Frequency("month", 3).seasons
    (4,)
    """

    kind: Kind
    step: int
    month_end: bool = False
    day: int = 0
    zone: str = ""

    @property
    def name(self) -> str:
        """The usual alias, such as h, 30min, D, B or MS."""
        if self.kind == "integer":
            return str(self.step)
        if self.kind == "business":
            return "B"
        if self.kind == "month":
            alias = {3: "Q", 12: "Y"}.get(self.step) or ("M" if self.step == 1 else f"{self.step}M")
            return alias + ("E" if self.month_end else "S")
        unit = max((u for u, size in MICROSECONDS.items() if self.step % size == 0), key=MICROSECONDS.get, default="us")  # type: ignore[arg-type]
        count = self.step // MICROSECONDS.get(unit, 1)
        return unit if count == 1 else f"{count}{unit}"

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps in a day and a week, or in a year: the seasonal periods usual at this frequency."""
        if self.kind == "integer":
            return ()
        if self.kind == "business":
            return (5,)
        if self.kind == "month":
            return (12 // self.step,) if self.step < 12 and 12 % self.step == 0 else ()
        day, week = MICROSECONDS["D"], MICROSECONDS["W"]
        if self.step == week:
            return (52,)
        return tuple(period // self.step for period in (day, week) if self.step < period and period % self.step == 0)

    @property
    def counts_days(self) -> bool:
        """A step is made of whole days, which local time keeps where clocks change."""
        return self.kind in ("month", "business") or (self.kind == "duration" and self.step % MICROSECONDS["D"] == 0)

    @cached_property
    def stride(self) -> Any:
        """What each step adds to a time stamp; None where steps differ, as months do."""
        if self.zone or self.kind not in ("integer", "duration"):
            return None
        return np.int64(self.step) if self.kind == "integer" else np.timedelta64(self.step, "us")

    @lru_cache(maxsize=64)  # noqa: B019 - frequencies are few and small
    def strides(self, h: int) -> NDArray[Any]:
        """What 1 to h steps add to a time stamp, where `stride` says what one does."""
        return np.asarray(np.arange(1, h + 1) * self.stride)

    def positions(self, times: Times, start: Times) -> NDArray[np.float64]:
        """Steps from `start` to each time; a fraction where a time is off the grid."""
        if self.kind in ("integer", "duration") and not self.zone:
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
        if self.kind == "business":
            return np.asarray(np.busday_count(start.astype(DAY), times.astype(DAY)))
        if self.kind == "month":
            return np.asarray((times.astype(MONTH) - start.astype(MONTH)).astype(np.int64) // self.step)
        return np.asarray(((times - start).astype(np.int64) + self.step // 2) // self.step)

    def _ahead(self, start: Times, positions: NDArray[np.int64]) -> Times:
        if self.kind == "duration":
            return np.asarray(start + positions * np.timedelta64(self.step, "us"))
        today, month = start.astype(DAY), start.astype(MONTH)
        if self.kind == "business":
            return np.asarray(np.busday_offset(today, positions, roll="forward") + (start - today))
        day = 31 if self.month_end else self.day or (today - month.astype(DAY)).astype(np.int64) + 1
        months = month + positions * self.step
        return np.asarray(months.astype(DAY) + (np.minimum(day, days_in(months)) - 1) + (start - today))


def days_in(months: Times) -> NDArray[np.int64]:
    """Days of calendar months.

    >>> days_in(np.array(["2024-02", "2100-02"], "datetime64[M]"))
    array([29, 28])
    """
    return np.asarray(((months + 1).astype(DAY) - months.astype(DAY)).astype(np.int64))
