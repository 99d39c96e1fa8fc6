"""Days on which months are stamped: the last, the first, any other, those of business, the middle."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.steps import most_common

Times = NDArray[Any]  # datetime64[us]
Integers = NDArray[np.int64]

MONTH_TYPE, DAY_TYPE = "datetime64[M]", "datetime64[D]"
NEXT = np.timedelta64(1, "M")
MIDDLE = 15
MOSTLY = 0.75  # share of the rows that shows what the others should be


def days_in(months: Times) -> Integers:
    """Days of calendar months.

    >>> days_in(np.array(["2024-02", "2100-02"], "datetime64[M]"))
    array([29, 28])
    """
    return np.asarray(((months + NEXT).astype(DAY_TYPE) - months.astype(DAY_TYPE)).astype(np.int64))


def business_day(months: Times, last: bool) -> Times:
    """The first or last day from Monday to Friday of each month.

    >>> business_day(np.array(["2024-06"], "datetime64[M]"), False)
    array(['2024-06-03'], dtype='datetime64[D]')
    """
    if last:
        return np.asarray(np.busday_offset((months + NEXT).astype(DAY_TYPE), -1, roll="forward"))
    return np.asarray(np.busday_offset(months.astype(DAY_TYPE), 0, roll="forward"))


def halves(times: Times, ends: bool) -> Integers:
    """Half months since 1970, which begin on the 1st and 15th, or on the 15th and the last day."""
    months, day, last = split(times)
    second = day == last if ends else day >= MIDDLE
    return np.asarray(2 * months.astype(np.int64) + second)


def half_day(number: Integers, ends: bool) -> Times:
    """The day on which half months are stamped."""
    months = (number // 2).astype(MONTH_TYPE)
    second = days_in(months) if ends else np.int64(MIDDLE)
    day = np.where(number % 2 == 1, second, MIDDLE if ends else 1)
    return np.asarray(months.astype(DAY_TYPE) + (day - 1))


def split(times: Times) -> tuple[Times, Integers, Integers]:
    """Month, day of the month and days in that month."""
    months, days = times.astype(MONTH_TYPE), times.astype(DAY_TYPE)
    return months, (days - months.astype(DAY_TYPE)).astype(np.int64) + 1, days_in(months)


def stamped_on(times: Times, bounds: Integers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each series, the share of rows on a day of the month, (4, S), and on the middle of the month too, (2, S).

    The days are any that the series keeps, the last one, the first and the last business day; then the 1st and 15th,
    and the 15th and the last. Rows at another time of day than the series' first are on none.
    """
    rows, firsts = np.diff(bounds), bounds[:-1]
    months, day, last = split(times)
    days = times.astype(DAY_TYPE)
    hour = times - days
    same_hour = hour == np.repeat(hour[firsts], rows)
    usual = np.zeros(len(rows), np.int64)
    owner, value = most_common(np.repeat(np.arange(len(rows)), rows), day)
    usual[owner] = value

    def share(kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(np.add.reduceat(kept & same_hour, firsts, dtype=np.int64) / rows)

    kept = (usual, day[firsts], np.maximum.reduceat(day, firsts))
    fixed = np.max([share(day == np.minimum(np.repeat(own, rows), last)) for own in kept], axis=0)
    business = [share(days == business_day(months, end)) for end in (False, True)]
    middle = [share((day == MIDDLE) | (day == edge)) for edge in (1, last)]
    return np.stack([fixed, share(day == last), *business]), np.stack(middle)


def shared_day(times: Times, bounds: Integers) -> int:
    """The day of month that the series have where the month is long enough; 0 if each keeps that of its first stamp."""
    _, day, last = split(times)
    first = np.repeat(day[bounds[:-1]], np.diff(bounds))
    own = (day != np.minimum(first, last)).sum()
    wrong = {int(one): (day != np.minimum(one, last)).sum() for one in (day.max(), np.bincount(day).argmax())}
    best = min(wrong, key=wrong.__getitem__)
    return best if wrong[best] < own and wrong[best] <= (1 - MOSTLY) * len(day) else 0
