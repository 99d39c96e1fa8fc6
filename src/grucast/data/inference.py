"""Find the frequency that series share from their time stamps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import DAY, MICROSECONDS, MONTH, Frequency, Kind, Times, days_in
from grucast.data.zones import to_local, to_utc
from grucast.errors import DataError

Integers = NDArray[np.int64]
KINDS: tuple[Kind, ...] = ("integer", "duration", "month")
SHORTEST_MONTH = 28 * MICROSECONDS["D"]
SHORTEST_DAY = 22 * MICROSECONDS["h"]  # clocks put forward take an hour, seldom two
WEEKENDS = 2  # Fridays followed by a Monday that show business days
NO_STEP = np.iinfo(np.int64).max  # after the last row of a series


def find_frequency(times: Times, bounds: Integers, ids: Sequence[Any], zone: str = "") -> Frequency:
    """The frequency of all series that are long enough to show one.

    Args:
        times: Sorted, distinct time stamps of each series: int64 or, in UTC, datetime64[us].
        bounds: Series i has `times[bounds[i]:bounds[i + 1]]`.
        ids: Names of the series, for messages.
        zone: Time zone of the time stamps. Days and longer steps are counted in its local time, shorter ones in UTC.

    Raises:
        DataError: No series has three rows, or two have different frequencies.

    >>> months = np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[us]")
    >>> find_frequency(months, np.array([0, 3]), ["a"]).name
    'ME'
    """
    rows = np.diff(bounds)
    if rows.max() < 3:
        raise DataError(f"the longest series has {rows.max()} rows; at least 3 are needed to see its frequency")
    local = local_days(times, bounds, zone) if zone else None
    counted = times if local is None else local
    frequency = agreed(series_steps(counted, bounds), np.flatnonzero(rows > 2), ids)
    if frequency.kind == "month" and not frequency.month_end:
        frequency = replace(frequency, day=shared_day(counted, bounds))
    if frequency == Frequency("duration", MICROSECONDS["D"]) and leaves_out_weekends(counted, bounds):
        frequency = Frequency("business", 1)
    return frequency if local is None else replace(frequency, zone=zone)


def in_zone(frequency: Frequency, times: Times, bounds: Integers, zone: str) -> Frequency:
    """A known frequency for other time stamps, counted in their own zone."""
    local = zone and frequency.counts_days and local_days(times, bounds, zone) is not None
    return replace(frequency, zone=zone if local else "")


def local_days(times: Times, bounds: Integers, zone: str) -> Times | None:
    """Local time of stamps that come at most once a day and always at the same local time; None for others."""
    if steps_after(times, bounds).min() < SHORTEST_DAY:
        return None
    local = to_local(times, zone)
    first = np.repeat(local[bounds[:-1]], np.diff(bounds))
    daily = local.astype(DAY) + (first - first.astype(DAY))
    return np.asarray(daily) if (to_utc(daily, zone) == times).all() else None


def agreed(found: Integers, long: Integers, ids: Sequence[Any]) -> Frequency:
    """The one row (kind, step, month end) that all long series have."""
    rows, where = np.unique(found[long], axis=0, return_index=True)
    order = where.argsort()
    frequencies = [Frequency(KINDS[kind], int(step), bool(end)) for kind, step, end in rows[order]]
    if len(frequencies) > 1:
        one, other = (f"series {ids[long[where[order[k]]]]!r} has one value each {frequencies[k].name}" for k in (0, 1))
        raise DataError(f"mixed frequencies: {one}, {other}; resample them to one frequency or use a model for each")
    return frequencies[0]


def series_steps(times: Times, bounds: Integers) -> Integers:
    """Each series' kind (its place in KINDS), most common step, and whether it is stamped at month ends, (S, 3)."""
    kind = KINDS.index("duration" if times.dtype.kind == "M" else "integer")
    steps = common_steps(times.astype(np.int64), bounds)
    found = np.stack([np.full_like(steps, kind), steps, np.zeros_like(steps)], axis=1)
    sparse = np.minimum.reduceat(steps_after(times, bounds), bounds[:-1]) >= SHORTEST_MONTH
    if times.dtype.kind == "M" and sparse.any():
        rows = np.diff(bounds)
        monthly, step, end = month_steps(times[np.repeat(sparse, rows)], starts_of(rows[sparse]))
        found[np.flatnonzero(sparse)[monthly]] = np.stack([np.full_like(step, 2), step, end], axis=1)[monthly]
    return found


def month_steps(times: Times, bounds: Integers) -> tuple[NDArray[np.bool_], Integers, NDArray[np.bool_]]:
    """Of each series: whether it keeps a day of month and a time of day, its step in months, whether it ends months."""
    rows, firsts = np.diff(bounds), bounds[:-1]
    day, last, hour = within_month(times)
    latest = np.maximum.reduceat(day, firsts)
    ends, from_first, from_latest, same_hour = (
        np.logical_and.reduceat(kept, firsts)
        for kept in (
            day == last,
            day == np.minimum(np.repeat(day[firsts], rows), last),
            day == np.minimum(np.repeat(latest, rows), last),
            hour == np.repeat(hour[firsts], rows),
        )
    )
    months = times.astype(MONTH).astype(np.int64)
    return same_hour & (ends | from_first | from_latest), common_steps(months, bounds), ends


def shared_day(times: Times, bounds: Integers) -> int:
    """The day of month that all series have where the month is long enough; 0 if each keeps that of its first stamp."""
    day, last, _ = within_month(times)
    first = np.repeat(day[bounds[:-1]], np.diff(bounds))
    latest = int(day.max())
    clipped = (day == np.minimum(latest, last)).all() and (day != np.minimum(first, last)).any()
    return latest if clipped else 0


def within_month(times: Times) -> tuple[Integers, Integers, NDArray[Any]]:
    """Day of month, days in that month, time of day."""
    months, days = times.astype(MONTH), times.astype(DAY)
    return (days - months.astype(DAY)).astype(np.int64) + 1, days_in(months), times - days


def leaves_out_weekends(times: Times, bounds: Integers) -> bool:
    """Daily stamps never fall on a Saturday or Sunday, and at least two Fridays are followed by their Monday."""
    weekday = (times.astype(DAY).astype(np.int64) + 3) % 7  # 1970 began on a Thursday; 0 is Monday
    over_weekend = (weekday == 4) & (steps_after(times, bounds) == 3 * MICROSECONDS["D"])
    return bool(weekday.max() < 5 and over_weekend.sum() >= WEEKENDS)


def steps_after(times: Times, bounds: Integers) -> Integers:
    """From each row to the next of its series; NO_STEP after the last."""
    stamps = times.astype(np.int64, copy=False)
    steps = np.empty_like(stamps)
    np.subtract(stamps[1:], stamps[:-1], out=steps[:-1])
    steps[bounds[1:] - 1] = NO_STEP
    return steps


def common_steps(stamps: Integers, bounds: Integers) -> Integers:
    """The step that each series has most often; the smallest of those that tie, NO_STEP where there is one row."""
    steps, rows, firsts = steps_after(stamps, bounds), np.diff(bounds), bounds[:-1]
    common = np.minimum.reduceat(steps, firsts)
    times_seen = np.add.reduceat(steps == np.repeat(common, rows), firsts, dtype=np.int64)
    unsure = 2 * times_seen < rows - 1  # where the smallest step makes half of them, no other is more common
    if unsure.any():
        chosen = np.repeat(unsure, rows) & (steps != NO_STEP)
        owner, step, count = count_pairs(np.repeat(np.arange(len(rows)), rows)[chosen], steps[chosen])
        best = np.lexsort((step, -count, owner))
        series, place = np.unique(owner[best], return_index=True)
        common[series] = step[best][place]
    return common


def count_pairs(owner: Integers, value: Integers) -> tuple[Integers, Integers, Integers]:
    """The distinct pairs of two arrays, sorted, and how often each is there."""
    order = np.lexsort((value, owner))
    owner, value = owner[order], value[order]
    new = np.flatnonzero(np.append(True, (np.diff(owner) != 0) | (np.diff(value) != 0))[: len(owner)])
    return owner[new], value[new], np.diff(np.append(new, len(owner)))


def starts_of(rows: Integers) -> Integers:
    """Where series of those lengths begin, one after the other, and where the last ends."""
    return np.concatenate([[0], rows.cumsum()])
