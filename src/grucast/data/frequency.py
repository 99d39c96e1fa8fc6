"""The step between observations: found from time stamps, and able to count on from them."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["integer", "duration", "month"]
Times = NDArray[Any]  # int64, or datetime64[us]

MICROSECONDS = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "D": 86400 * 10**6, "W": 7 * 86400 * 10**6}
MONTH = "datetime64[M]"


@dataclass(frozen=True)
class Frequency:
    """A step of `step` integers, microseconds or calendar months.

    `month_end` marks monthly series stamped on the last day, whose day of month varies.

    >>> Frequency("duration", 3600 * 10**6).name
    'h'
    >>> Frequency("month", 3).seasons
    (4,)
    """

    kind: Kind
    step: int
    month_end: bool = False

    @property
    def name(self) -> str:
        """The usual alias, such as h, 30min, D or MS."""
        if self.kind == "integer":
            return str(self.step)
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
        if self.kind == "month":
            return (12 // self.step,) if self.step < 12 and 12 % self.step == 0 else ()
        day, week = MICROSECONDS["D"], MICROSECONDS["W"]
        if self.step == week:
            return (52,)
        return tuple(period // self.step for period in (day, week) if self.step < period and period % self.step == 0)

    def positions(self, times: Times, start: Times) -> NDArray[np.float64]:
        """Steps from `start` to each time; a fraction where a time is off the grid."""
        if self.kind == "month":
            months, first = times.astype(MONTH), start.astype(MONTH)
            steps = (months - first).astype(np.int64) / self.step
            same = self._within_month(times, months) == self._within_month(start, first)
            return np.asarray(np.where(same, steps, steps + 0.5))
        return np.asarray((times - start).astype(np.int64) / self.step)

    def times(self, start: Times, positions: NDArray[np.int64]) -> Times:
        """The time stamps that many steps after `start`."""
        if self.kind != "month":
            step = self.step if self.kind == "integer" else np.timedelta64(self.step, "us")
            return np.asarray(start + positions * step)
        first = start.astype(MONTH)
        months = first + positions * self.step
        anchor = months + 1 if self.month_end else months
        return np.asarray(anchor.astype("datetime64[us]") + self._within_month(start, first))

    def _within_month(self, times: Times, months: Times) -> Times:
        anchor = months + 1 if self.month_end else months
        return np.asarray(times - anchor.astype("datetime64[us]"))


def infer_frequency(times: Times) -> Frequency:
    """The most common step of one series' sorted, distinct time stamps (at least two).

    >>> import numpy as np
    >>> infer_frequency(np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[us]")).name
    'ME'
    """
    if times.dtype.kind != "M":
        return Frequency("integer", most_common(np.diff(times)))
    if np.diff(times).min() >= np.timedelta64(28, "D"):
        months = times.astype(MONTH)
        step = most_common(np.diff(months).astype(np.int64))
        to_end = times - (months + 1).astype("datetime64[us]")
        if (to_end == to_end[0]).all() and to_end[0] >= np.timedelta64(-1, "D"):
            return Frequency("month", step, month_end=True)
        from_start = times - months.astype("datetime64[us]")
        if (from_start == from_start[0]).all():
            return Frequency("month", step)
    return Frequency("duration", most_common(np.diff(times).astype("timedelta64[us]").astype(np.int64)))


def most_common(values: NDArray[np.int64]) -> int:
    """The value seen most often; the smallest of those that tie."""
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()])
