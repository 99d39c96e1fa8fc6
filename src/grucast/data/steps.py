"""What lies between the rows of many sorted series, one after the other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[Any]  # int64, or datetime64[us]
Integers = NDArray[np.int64]
NO_STEP = np.iinfo(np.int64).max  # after the last row of a series


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
    unsure = 2 * times_seen(steps, common, bounds) < rows - 1  # where the smallest makes half, no other is more common
    if unsure.any():
        chosen = np.repeat(unsure, rows) & (steps != NO_STEP)
        owner, step = most_common(np.repeat(np.arange(len(rows)), rows)[chosen], steps[chosen])
        common[owner] = step
    return common


def times_seen(steps: Integers, common: Integers, bounds: Integers) -> Integers:
    """How often each series has a step."""
    return np.add.reduceat(steps == np.repeat(common, np.diff(bounds)), bounds[:-1], dtype=np.int64)


def most_common(owner: Integers, value: Integers) -> tuple[Integers, Integers]:
    """Each owner and the value that it has most often, the smallest of those that tie."""
    owner, value, count = count_pairs(owner, value)
    best = np.lexsort((value, -count, owner))
    owners, place = np.unique(owner[best], return_index=True)
    return owners, value[best][place]


def count_pairs(owner: Integers, value: Integers) -> tuple[Integers, Integers, Integers]:
    """The distinct pairs of two arrays, sorted, and how often each is there."""
    order = np.lexsort((value, owner))
    owner, value = owner[order], value[order]
    new = np.flatnonzero(np.append(True, (np.diff(owner) != 0) | (np.diff(value) != 0))[: len(owner)])
    return owner[new], value[new], np.diff(np.append(new, len(owner)))


def starts_of(rows: Integers) -> Integers:
    """Where series of those lengths begin, one after the other, and where the last ends."""
    return np.concatenate([[0], rows.cumsum()])
