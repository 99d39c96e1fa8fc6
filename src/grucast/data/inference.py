"""Find the frequency that series share from their time stamps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import EVEN, MICROSECONDS, Frequency, Kind, Stated, Times
from grucast.data.months import DAY_TYPE, MONTH_TYPE, MOSTLY, shared_day, stamped_on
from grucast.data.openings import find_open
from grucast.data.steps import NO_STEP, common_steps, starts_of, steps_after, times_seen
from grucast.data.zones import to_local, to_utc
from grucast.errors import DataError

Integers = NDArray[np.int64]
KINDS: tuple[Kind, ...] = ("integer", "duration", "month", "business_month", "half_month")
MONTH_KINDS: tuple[tuple[Kind, bool], ...] = (
    ("month", False),
    ("month", True),
    ("business_month", False),
    ("business_month", True),
)
SHORTEST_MONTH = 28 * MICROSECONDS["D"]
SHORTEST_HALF, LONGEST_HALF = 13 * MICROSECONDS["D"], 17 * MICROSECONDS["D"]
SHORTEST_DAY = 22 * MICROSECONDS["h"]  # clocks put forward take an hour, seldom two
WEEKENDS = 2  # Fridays followed by a Monday that show business days
LEAST_SHARE = 0.2  # share of the rows after which a step must follow to be taken for that of all
EXEMPT_ROWS = 10  # rows of a series that need not show the frequency where others do


def find_frequency(times: Times, bounds: Integers, ids: Sequence[Any], zone: str = "") -> Frequency:
    """The frequency of all series that are long enough to show one.

    Args:
        times: Sorted, distinct time stamps of each series: int64 or, in UTC, datetime64[us].
        bounds: Series i has `times[bounds[i]:bounds[i + 1]]`.
        ids: Names of the series, for messages.
        zone: Time zone of the time stamps. Days, longer steps and weeks of which some steps never occur are counted in
            its local time, others in UTC.

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
    frequency = refined(agreed(series_steps(counted, bounds), counted, bounds, ids), counted, bounds)
    if local is not None:
        frequency = replace(frequency, zone=zone)
    if frequency.kind != "duration":
        return frequency
    clock = to_local(times, zone) if zone and local is None else counted
    if frequency.step == MICROSECONDS["D"] and leaves_out_weekends(counted, bounds):
        return Frequency("business", 1, zone=frequency.zone)
    return open_steps(frequency, times, clock, bounds, zone) or frequency


def adapted(frequency: Frequency, times: Times, bounds: Integers, zone: str) -> Frequency:
    """A known frequency for other time stamps: in their own zone, and months on the day that these are stamped on.

    What a user stated stays as it is, but for the zone.
    """
    local = local_days(times, bounds, zone) if zone and frequency.counts_days else None
    by_hours = frequency.kind == "week" and not frequency.counts_days
    own = zone if local is not None or by_hours else ""
    if isinstance(frequency, Stated):
        return frequency.in_zone(own)
    if frequency.kind in ("month", "business_month"):
        frequency = restamped(replace(frequency, zone=""), times if local is None else local, bounds)
    return replace(frequency, zone=own)


def restamped(frequency: Frequency, times: Times, bounds: Integers) -> Frequency:
    """Months on the day that most time stamps have, unless all are where the frequency has them."""
    rows = np.diff(bounds)
    shares = stamped_on(times, bounds)[0] @ rows / rows.sum()
    ends = shares[MONTH_KINDS.index(("month", True))] == 1 and rows.max() > 2
    fits = frequency.positions(times, np.repeat(times[bounds[:-1]], rows)) % 1 == 0
    if fits.all() and not ends:
        return frequency
    (kind, end), share = MONTH_KINDS[preferred(shares)], shares.max()
    day = shared_day(times, bounds) if (kind, end) == MONTH_KINDS[0] else 0
    return replace(frequency, kind=kind, month_end=end, day=day) if share >= MOSTLY else frequency


def local_days(times: Times, bounds: Integers, zone: str) -> Times | None:
    """Local time of stamps that come at most once a day and always at the same local time; None for others."""
    if steps_after(times, bounds).min() < SHORTEST_DAY:
        return None
    local = to_local(times, zone)
    first = np.repeat(local[bounds[:-1]], np.diff(bounds))
    daily = local.astype(DAY_TYPE) + (first - first.astype(DAY_TYPE))
    return np.asarray(daily) if (to_utc(daily, zone) == times).all() else None


def least_rows(rows: Integers) -> int:
    """Rows of a series that must show the frequency of all."""
    return max(3, min(EXEMPT_ROWS, -(-int(rows.max()) // 2)))


def agreed(found: Integers, times: Times, bounds: Integers, ids: Sequence[Any]) -> Frequency:
    """The frequency of most rows; what other series have must be gaps in it."""
    rows = np.diff(bounds)
    long = np.flatnonzero(rows >= least_rows(rows))
    kinds, where, inverse = np.unique(found[long], axis=0, return_index=True, return_inverse=True)
    inverse = inverse.ravel()
    weights = np.bincount(inverse, rows[long])
    best = max(range(len(kinds)), key=lambda k: (weights[k], -where[k]))
    frequency = to_frequency(kinds[best], times, bounds)
    others = long[inverse != best]
    wrong = others[has_own_step(found, frequency, times, bounds, others)] if others.size else others
    if wrong.size:
        pair = sorted((int(long[where[best]]), int(wrong[0])))
        one, other = (
            f"series {ids[k]!r} has one value each {to_frequency(found[k], times, bounds).name}" for k in pair
        )
        raise DataError(f"mixed frequencies: {one}, {other}; resample them to one frequency or use a model for each")
    return frequency


def to_frequency(found: Integers, times: Times, bounds: Integers) -> Frequency:
    """What a row of `series_steps` says."""
    kind, step, end = KINDS[found[0]], int(found[1]), bool(found[2])
    return Frequency(kind, step, end, shared_day(times, bounds) if (kind, end) == MONTH_KINDS[0] else 0)


def has_own_step(
    found: Integers, frequency: Frequency, times: Times, bounds: Integers, series: Integers
) -> NDArray[np.bool_]:
    """Which series are off a frequency's grid, or keep to a step of their own in a third of their rows."""
    rows = np.diff(bounds)[series]
    chosen = np.repeat(np.isin(np.arange(len(bounds) - 1), series), np.diff(bounds))
    own, edges = times[chosen], starts_of(rows)
    whole = frequency.positions(own, np.repeat(own[edges[:-1]], rows)) % 1 == 0
    kind, step, _ = found[series].T
    often = 3 * times_seen(steps_after(own, edges), step, edges) >= rows
    return np.asarray(~np.logical_and.reduceat(whole, edges[:-1]) | (kind > 1) | often)


def series_steps(times: Times, bounds: Integers) -> Integers:
    """Each series' kind (its place in KINDS), most common step, and whether it is stamped at month ends, (S, 3)."""
    kind = KINDS.index("duration" if times.dtype.kind == "M" else "integer")
    steps = common_steps(times.astype(np.int64), bounds)
    found = np.stack([np.full_like(steps, kind), steps, np.zeros_like(steps)], axis=1)
    half = (steps >= SHORTEST_HALF) & (steps <= LONGEST_HALF)
    sparse = (half | (steps >= SHORTEST_MONTH)) & (steps != NO_STEP)
    if times.dtype.kind == "M" and sparse.any():
        rows = np.diff(bounds)
        own, edges = times[np.repeat(sparse, rows)], starts_of(rows[sparse])
        monthly, kept = month_steps(own, edges, steps[sparse])
        found[np.flatnonzero(sparse)[kept]] = monthly[kept]
    return found


def month_steps(times: Times, bounds: Integers, steps: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Of each series: kind, step and end as in `series_steps` if months are counted, and whether they are.

    Most rows must be on that day, and all of them where the days between them are the same throughout.
    """
    rows = np.diff(bounds)
    days, middles = stamped_on(times, bounds)
    even = np.logical_and.reduceat(since_first(times, bounds) % np.repeat(steps, rows) == 0, bounds[:-1])
    half = steps <= LONGEST_HALF
    choice = preferred(days)
    share = np.where(half, middles.max(0), days.max(0))
    kinds = np.array([KINDS.index(kind) for kind, _ in MONTH_KINDS])[choice]
    ends = np.where(half, middles[1] > middles[0], np.array([end for _, end in MONTH_KINDS])[choice])
    step = np.where(half, 1, common_steps(times.astype(MONTH_TYPE).astype(np.int64), bounds))
    found = np.stack([np.where(half, KINDS.index("half_month"), kinds), step, ends], axis=1)
    return found, np.where(even, ~half & (share == 1), share >= MOSTLY)


def preferred(shares: NDArray[np.float64]) -> Any:
    """Which of MONTH_KINDS has the largest share; of equal ones month ends, then fixed days, then business."""
    order = np.array([1, 0, 2, 3])
    return order[np.argmax(shares[order], axis=0)]


def refined(frequency: Frequency, times: Times, bounds: Integers) -> Frequency:
    """The largest step that all others are multiples of, where the most common does not fit and this one is common too.

    So days of which a third is missing at random are days, though two at a time may be what is most often there.
    """
    if frequency.kind not in EVEN or not (since_first(times, bounds) % frequency.step).any():
        return frequency
    step = int(np.gcd.reduce(since_first(times, bounds)))
    often = (steps_after(times, bounds) == step).mean() >= LEAST_SHARE
    return replace(frequency, step=step) if often else frequency


def since_first(times: Times, bounds: Integers) -> Integers:
    """From each series' first row to each row."""
    return np.asarray((times - np.repeat(times[bounds[:-1]], np.diff(bounds))).astype(np.int64))


def leaves_out_weekends(times: Times, bounds: Integers) -> bool:
    """Daily stamps never fall on a Saturday or Sunday, and at least two Fridays are followed by their Monday."""
    weekday = (times.astype(DAY_TYPE).astype(np.int64) + 3) % 7  # 1970 began on a Thursday; 0 is Monday
    over_weekend = (weekday == 4) & (steps_after(times, bounds) == 3 * MICROSECONDS["D"])
    return bool(weekday.max() < 5 and over_weekend.sum() >= WEEKENDS)


def open_steps(frequency: Frequency, times: Times, local: Times, bounds: Integers, zone: str) -> Frequency | None:
    """A week of which some steps never occur, if the time stamps show one.

    Where they are irregular, the step is the largest that they all are multiples of: those on Mondays, Wednesdays and
    Fridays are days.
    """
    since, step = since_first(local, bounds), frequency.step
    irregular = bool((since % step).any())
    if irregular:
        step = int(np.gcd.reduce(since))
    found = find_open(local, bounds, step, each=irregular)
    if not found:
        return None
    own = frequency.zone if step % MICROSECONDS["D"] == 0 else zone
    week = Frequency("week", step, zone=own, open=found)
    if step == MICROSECONDS["D"] and week.week.slots.tolist() == [0, 1, 2, 3, 4]:
        week = Frequency("business", 1, zone=own)
    steps = week.positions(times, np.repeat(times[bounds[:-1]], np.diff(bounds)))
    repeated = np.diff(steps) == 0
    repeated[bounds[1:-1] - 1] = False
    return week if (steps % 1 == 0).all() and not repeated.any() else None
