"""Readings of a column of time stamps, and which of them is meant."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.months import days_in
from grucast.errors import DataError

Times = NDArray[Any]
Integers = NDArray[np.int64]

FORMATS = {  # what a reading is called in a message, and the option that chooses it
    "day first": ("day/month/year", "%d/%m/%Y"),
    "month first": ("month/day/year", "%m/%d/%Y"),
    "year first": ("year/month/day", "%y/%m/%d"),
    "month": ("year and month", "month"),
    "week": ("year and week", "week"),
    "quarter": ("year and quarter", "quarter"),
    "integer": ("a counter", "integer"),
}


class Reading(NamedTuple):
    """One way to read the distinct stamps of a column.

    Attributes:
        label: Its word in `time_format`.
        times: What comes out, NaT where a stamp cannot be read so.
        fine: It may have a time of day.
        why: What speaks for it.
    """

    label: str
    times: Times
    fine: bool = False
    why: str = ""

    @property
    def valid(self) -> bool:
        """Whether all stamps can be read so."""
        return self.times.dtype.kind == "i" or not bool(np.isnat(self.times).any())


def choose(readings: Sequence[Reading], texts: Sequence[str], what: str, wanted: str | None = None) -> Reading:
    """The reading that is meant: the one asked for, the one that fits all stamps, or the one with a regular step.

    Raises:
        DataError: Nothing decides; the message names the readings.
    """
    asked = [reading for reading in readings if reading.label == wanted]
    if asked:
        return asked[0]._replace(why="as time_format says")
    valid = [reading for reading in readings if reading.valid]
    if len(valid) <= 1:
        best = valid or sorted(readings, key=lambda reading: np.isnat(reading.times).sum())
        return best[0]._replace(why=why_only(best[0], readings, texts))
    regular = [reading for reading in valid if is_regular(reading.times)]
    if len(regular) == 1:
        return regular[0]._replace(why="only so do they have a regular step")
    raise ambiguous(valid, texts[0], what)


def why_only(chosen: Reading, readings: Sequence[Reading], texts: Sequence[str]) -> str:
    """The first stamp that no other reading fits."""
    others = [reading for reading in readings if reading.label != chosen.label]
    if not others:
        return ""
    return f"as {texts[int(np.isnat(others[0].times).argmax())]} shows" if others[0].times.dtype.kind == "M" else ""


def ambiguous(readings: Sequence[Reading], text: str, what: str) -> DataError:
    """The error that names both readings and the options that choose them."""
    names = [FORMATS.get(reading.label, (reading.label, reading.label)) for reading in readings]
    separator = next((mark for mark in text if not mark.isdigit()), "/")
    options = [f"time_format='{option.replace('/', separator)}'" for _, option in names]
    meant = " or ".join(
        f"{called} ({reading.times[0]!s:.10})" for (called, _), reading in zip(names, readings, strict=True)
    )
    return DataError(
        f"{what} has {text!r}, which may be {meant}; nothing decides: give {' or '.join(options)} (--time-format)"
    )


def is_regular(times: Times) -> bool:
    """Whether at least three distinct stamps have one step: in time, or in months with a fixed day.

    >>> is_regular(np.array(["2024-01-05", "2024-02-05", "2024-03-05"], "M8[us]"))
    True
    """
    distinct = np.unique(times)
    if len(distinct) < 3:
        return len(distinct) == 1
    if distinct.dtype.kind == "i":
        return len(np.unique(np.diff(distinct))) == 1
    months = distinct.astype("M8[M]")
    monthly = len(np.unique(np.diff(months))) == 1 and len(np.unique(distinct - months)) == 1
    return monthly or len(np.unique(np.diff(distinct))) == 1


def to_days(year: Any, month: Any, day: Any) -> Times:
    """Days as datetime64[us]; NaT where there is no such day.

    >>> to_days(np.array([2023, 2024]), np.array([2, 2]), 29).astype("M8[D]")
    array([       'NaT', '2024-02-29'], dtype='datetime64[D]')
    """
    year, month, day = np.broadcast_arrays(year, month, day)
    there = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    first = (np.where(there, 12 * (year - 1970) + month - 1, 0)).astype("M8[M]")
    there &= (day >= 1) & (day <= days_in(first))
    days = first.astype("M8[D]") + (day - 1)
    return np.asarray(np.where(there, days.astype("M8[us]"), np.datetime64("NaT", "us")))


def to_week(year: Any, week: Any) -> Times:
    """Mondays of ISO weeks as datetime64[us]; NaT where there is no such week.

    >>> to_week(np.array([2020, 2021]), np.array([53, 53])).astype("M8[D]")
    array(['2020-12-28',        'NaT'], dtype='datetime64[D]')
    """
    year, week = np.broadcast_arrays(year, week)
    first, following = first_monday(year), first_monday(year + 1)
    monday = first + 7 * (week - 1)
    there = (week >= 1) & (monday < following) & (year >= 1) & (year < 9999)
    return np.asarray(np.where(there, monday.astype("M8[us]"), np.datetime64("NaT", "us")))


def first_monday(year: Any) -> Times:
    """The Monday of each year's week 1, which holds the 4th of January."""
    fourth = (np.asarray(year) - 1970).astype("M8[Y]").astype("M8[D]") + np.timedelta64(3, "D")
    return np.asarray(fourth - (fourth.astype(np.int64) + 3) % 7)
