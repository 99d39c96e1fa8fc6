"""Time stamps that no grid of steps fits: refused with the row, what is wrong with it and what to do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import MICROSECONDS, Frequency, Stated, Times
from grucast.data.inference import least_rows
from grucast.data.months import DAY_TYPE, MOSTLY, split
from grucast.data.scalars import brief
from grucast.data.steps import count_pairs
from grucast.data.wording import count, show, show_day, show_local
from grucast.data.zones import to_local
from grucast.errors import DataError, TimeStampError

Codes = NDArray[Any]
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS = {1: "month", 3: "quarter", 12: "year"}
SHIFTED = (0, 0.5, 1, 23, 23.5)  # hours after the time of day that a series keeps where clocks change
OF_MONTHS = ("month", "business_month", "half_month")


def refuse_duplicates(codes: Codes, times: Times, ids: Sequence[Any], zone: str) -> None:
    """Each series has a time stamp once."""
    twice = np.flatnonzero((codes[1:] == codes[:-1]) & (times[1:] == times[:-1]))
    if not twice.size:
        return
    row = twice[0]
    time = show_local(times[row], zone)
    found = f"series {ids[codes[row]]!r} has {time} more than once ({twice.size} duplicates in all)"
    if not zone and on_sunday_night(times[twice]):
        raise TimeStampError(
            f"{found}: this looks like clocks put back from daylight-saving time; "
            "give the time zone with time_zone= (--time-zone)"
        )
    raise TimeStampError(
        f"{found}: keep one row a time stamp, join them with aggregate= (--aggregate sum|mean|last), "
        "or name the column of the series with id_col= (--id-col) if the file holds several"
    )


def on_sunday_night(times: Times) -> bool:
    """All are on a Sunday before 4 a.m., when clocks are put back."""
    if times.dtype.kind != "M":
        return False
    days = times.astype(DAY_TYPE)
    night = (times - days > np.timedelta64(0, "h")) & (times - days < np.timedelta64(4, "h"))
    return bool((night & (days.astype(np.int64) % 7 == 3)).all())  # 1970-01-04 was a Sunday


def refuse_other_clock(frequency: Frequency, times: Times, column: str = "ds") -> None:
    """Steps of time count time stamps, and integers count integers."""
    holds_integers = times.dtype.kind == "i"
    if (frequency.kind == "integer") != holds_integers:
        counts, holds = ("time", "integers") if holds_integers else ("integers", "dates")
        raise DataError(
            f"the frequency {frequency.name} counts {counts}, but {column} holds {holds}, such as "
            f"{show_day(times[0])}: "
            "give another freq= (--freq), or name the column of time stamps with time_col= (--time-col)"
        )


def refuse_far(frequency: Frequency, codes: Codes, times: Times, ids: Sequence[Any]) -> None:
    """No row lies farther after the one before it than `Frequency.longest_gap`."""
    apart = np.diff(times.astype(np.int64).astype(np.float64))
    far = np.flatnonzero((codes[1:] == codes[:-1]) & (apart > frequency.longest_gap[0])) + 1
    if far.size:
        row = far[0]
        raise DataError(too_far(ids[codes[row]], times[row], times[row - 1], frequency))


def too_far(name: Any, time: Any, before: Any, frequency: Frequency) -> str:
    """What is wrong with a row that lies too far after the one before it, and what to do."""
    found = f"series {brief(name)} has {show_day(time)} after {show_day(before)}, more than {frequency.longest_gap[1]}"
    return f"{found} later: correct it, or name what comes after such a gap as another series"


def refuse_unstated(stated: Stated, frequency: Frequency, codes: Codes, times: Times, ids: Sequence[Any]) -> None:
    """Each time stamp is of the weekday, or the months, that the user stated."""
    local = to_local(times, frequency.zone) if frequency.zone else times
    wrong = np.flatnonzero(stated.misses(local)) if times.dtype.kind == "M" else np.zeros(0, int)
    if wrong.size:
        row = wrong[0]
        day = stated.weekday
        what = f"not a {WEEKDAY_NAMES[day]}" if day is not None else f"in none of the months that {stated.name} has"
        raise TimeStampError(
            f"series {ids[codes[row]]!r} has {show_day(local[row])}, which is {what} "
            f"({count(wrong.size, 'such row')} in all): correct it, or give another freq= (--freq) than {stated.name}"
        )


def refuse_irregular(
    positions: NDArray[np.float64], codes: Codes, times: Times, ids: Sequence[Any], frequency: Frequency, zone: str
) -> None:
    """Each time stamp lies a whole number of steps from its series' first."""
    off = np.flatnonzero(positions != np.floor(positions))
    if not off.size:
        return
    local = to_local(times, zone) if zone else times
    if frequency.counts_days and times.dtype.kind == "M" and shifted_by_an_hour(times, codes, off):
        raise DataError(
            f"{irregular(off[0], codes, local, ids, frequency)} ({off.size} such rows in all): these look like local "
            "days where clocks change; give their time zone with time_zone= (--time-zone)"
        )
    first = np.searchsorted(codes, codes[off[0]])
    if is_the_wrong_one(int(first), codes, times, frequency):
        off = np.append(first, off[codes[off] != codes[first]])
    found, advice = describe(off[0], codes, local, ids, frequency)
    raise (TimeStampError if frequency.kind in OF_MONTHS else DataError)(
        f"{found} ({count(off.size, 'such row')} in all): {advice}"
    )


def shifted_by_an_hour(times: Times, codes: Codes, rows: NDArray[np.int64]) -> bool:
    """All keep the time of day of their series' first row but for half an hour or an hour, and some not quite."""
    firsts = times[np.searchsorted(codes, codes[rows])]
    hours = np.abs((times[rows] - firsts).astype(np.int64) / MICROSECONDS["h"]) % 24
    return bool(np.isin(hours, SHIFTED).all() and hours.any())


def is_the_wrong_one(first: int, codes: Codes, times: Times, frequency: Frequency) -> bool:
    """Whether a series' later rows lie on a grid, but its first does not."""
    rest = times[first + 1 : np.searchsorted(codes, codes[first], side="right")]
    if len(rest) < 3:
        return False
    apart, close = (frequency.positions(rest, start) % 1 == 0 for start in (times[first], rest[0]))
    return bool(apart.mean() < 1 - MOSTLY and close.mean() >= MOSTLY)


def describe(row: Any, codes: Codes, local: Times, ids: Sequence[Any], frequency: Frequency) -> tuple[str, str]:
    """What is wrong with a time stamp, and what to do."""
    has = f"series {ids[codes[row]]!r} has {show_day(local[row])}"
    if frequency.kind == "week":
        step = f"{has}, a step that {frequency.name} does not have"
        return step, "correct it, or give all steps with freq= (--freq)"
    if frequency.kind in OF_MONTHS:
        first = local[np.searchsorted(codes, codes[row])]
        return f"{has}, which is {no_such_day(first, frequency)}", "correct it, or give the step with freq= (--freq)"
    found = irregular(row, codes, local, ids, frequency)
    return found, "correct it, resample to one frequency, or give the step with freq= (--freq)"


def irregular(row: Any, codes: Codes, local: Times, ids: Sequence[Any], frequency: Frequency) -> str:
    """A time stamp off the grid."""
    return (
        f"series {ids[codes[row]]!r} has irregular time stamps: {show(local[row])} is not a whole number of steps "
        f"of {frequency.name} after its first"
    )


def no_such_day(first: Any, frequency: Frequency) -> str:
    """What a stamp on another day of the month is not.

    >>> no_such_day(np.datetime64("2024-01-15", "us"), Frequency("month", 1))
    'not on day 15 of a month'
    """
    unit = UNITS.get(frequency.step, f"step of {frequency.step} months")
    edge = "end" if frequency.month_end else "start"
    if frequency.kind == "half_month":
        return f"not on the {'15th or last' if frequency.month_end else '1st or 15th'} of a month"
    if frequency.kind == "business_month":
        return f"not a {unit} {edge} on a business day"
    day = frequency.day or int(split(np.array([first]))[1][0])
    return f"not a {unit} {edge}" if frequency.month_end or day == 1 else f"not on day {day} of a {unit}"


def refuse_mixed(steps: NDArray[np.int64], codes: Codes, ids: Sequence[Any], frequency: Frequency) -> None:
    """No other step makes up a third of a series and comes steadily: that is another frequency, not gaps.

    Series of few rows among others of more are sparse, whatever their steps.
    """
    jump = np.where(codes[1:] == codes[:-1], np.diff(steps), 1)
    gap = jump != 1
    if not gap.any():
        return
    rows = np.bincount(codes)
    owner, size, times = count_pairs(codes[1:][gap], jump[gap])
    many = (times >= 3) & (3 * times >= rows[owner]) & (rows[owner] >= least_rows(rows))
    edges = np.searchsorted(codes, np.arange(len(rows) + 1))
    often = [k for k in np.flatnonzero(many) if is_steady(jump[edges[owner[k]] : edges[owner[k] + 1] - 1] == size[k])]
    if often:
        first = often[0]
        raise DataError(
            f"mixed frequencies: series {ids[owner[first]]!r} has {times[first]} jumps of {size[first]} steps of "
            f"{frequency.name}, too many to be gaps: resample it to one frequency, or give the step with freq= (--freq)"
        )


def is_steady(jumps: NDArray[np.bool_]) -> bool:
    """Whether jumps of a size come one after the other or every other time, rather than at random."""
    number, follows = jumps.sum(), (jumps[1:] & jumps[:-1]).sum()
    every_other = 2 * number >= len(jumps) and follows <= (1 - MOSTLY) * number
    return bool(follows >= MOSTLY * (number - 1) or every_other)
