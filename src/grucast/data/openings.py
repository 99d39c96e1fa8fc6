"""Find which steps of the week exist, where nights, days or lunch breaks never have a row."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.week import DAY, SECOND, WEEK, since_monday, to_open, within_step

Times = NDArray[Any]  # datetime64[us]
Integers = NDArray[np.int64]

SOME = 200_000  # rows that are looked at first
CLOSED = 0.1  # share of the week that must be closed,
OPEN = 0.8  # and of the open steps that must be there,
OPEN_DAILY = 0.5  # also on each open day
FEWEST_DAYS, FEWEST_WEEKS, SLOT_WEEKS = 3, 2, 3  # in which a time of day, a day or a step of the week is never there
CHANCE = 0.005  # that the rows missing elsewhere leave it out as well


def find_open(times: Times, bounds: Integers, step: int, each: bool = False) -> tuple[int, ...]:
    """`Week.open` of the steps that series share; empty if they leave out no part of the week.

    A time of day, a day or a step of the week is closed if it never has a row, often enough not to be by chance. So
    rows that are missing at random, and sparse series, stay gaps.

    Args:
        times: Sorted time stamps of each series, in local time.
        bounds: Series i has `times[bounds[i]:bounds[i + 1]]`.
        step: Microseconds.
        each: Each single open step of the week must mostly be there, not just each day.
    """
    if step < SECOND or DAY % step:
        return ()
    within = within_step(times[bounds[:-1]], step)
    numbers = (since_monday(times) - np.repeat(within, np.diff(bounds))) // step
    slots, per_day = WEEK // step, DAY // step
    if not_there(numbers[:SOME] % slots, slots) < CLOSED:
        return ()
    numbers = np.unique(numbers)
    seen = np.bincount(numbers % slots, minlength=slots).reshape(7, per_day)
    whole, rest = divmod(int(numbers[-1] - numbers[0]) + 1, slots)
    could = (whole + ((np.arange(slots) - numbers[0]) % slots < rest)).reshape(7, per_day)
    is_open = ~find_closed(seen, could)
    if is_open.mean() > 1 - CLOSED or not mostly_there(seen, could, is_open, each):
        return ()
    return to_open(np.flatnonzero(is_open), step, int(within[0]))


def not_there(slots: Integers, count: int) -> float:
    """Share of the steps of a week that no row has."""
    return float((np.bincount(slots, minlength=count) == 0).mean())


def find_closed(seen: Integers, could: Integers) -> NDArray[np.bool_]:
    """Which steps of the week never have a row, by time of day, by day or alone, (7, steps of a day).

    Where nights are closed, the two days of one weekend are enough.

    Args:
        seen: In how many weeks each step is there.
        could: In how many it could be.
    """
    nights = seen.sum(0, keepdims=True) == 0
    weekend = np.isin(np.arange(7), (5, 6))[:, None] & (seen[5:].sum() == 0) & nights.any()
    ways = [
        (np.broadcast_to(empty, seen.shape), count, least)
        for empty, count, least in (
            (nights, could.sum(0, keepdims=True), FEWEST_DAYS),
            (seen.sum(1, keepdims=True) == 0, could.min(1, keepdims=True), FEWEST_WEEKS),
            (weekend, 2 * could[5:].min(), 2),
            (seen == 0, could, SLOT_WEEKS),
        )
    ]
    never = np.any([empty & (count >= least) for empty, count, least in ways], axis=0)
    gaps = 1 - (seen.sum() - 1) / could[~never].sum()  # one more than there are, since few rows tell little
    sure = [empty & (count >= least) & (gaps**count <= CHANCE) for empty, count, least in ways]
    return np.asarray(np.any(sure, axis=0))


def mostly_there(seen: Integers, could: Integers, is_open: NDArray[np.bool_], each: bool) -> bool:
    """Whether the open steps mostly have rows, on each open day."""
    possible = np.where(is_open, could, 0)
    parts = (seen, possible) if each else (seen.sum(1), possible.sum(1))
    return bool(seen.sum() >= OPEN * possible.sum() and (parts[0] >= OPEN_DAILY * parts[1]).all())
