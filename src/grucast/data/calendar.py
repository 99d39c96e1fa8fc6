"""The calendar as a network takes it: where in the day, week and year each step lies."""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Frequency, Times
from grucast.data.outline import Outline
from grucast.data.panel import Panel

Cycle = Literal["day", "week", "year"]
PHASE_BLOCK = 256  # steps whose phases are computed at once for one series, since a stream needs them again
MONDAY = np.datetime64("2001-01-01", "us")  # the start of a year as well
CYCLES: dict[Cycle, float] = {"day": 86400e6, "week": 7 * 86400e6, "year": 365.2425 * 86400e6}  # microseconds


def usual_cycles(panel: Panel | Outline, seasons: tuple[int, ...]) -> tuple[Cycle, ...]:
    """Cycles that last at least two steps and that the longest series has seen often enough.

    Days and weeks must be seen twice, years four times, since fewer years are learned by heart. A year that is a season
    itself says nothing new.
    """
    frequency = panel.frequency
    if frequency.kind == "integer":
        return ()
    step = frequency.length
    seen = step * int(panel.lengths.max())
    cycles: list[Cycle] = [cycle for cycle in ("day", "week") if 2 * step <= CYCLES[cycle] <= seen / 2]
    is_season = any(abs(season * step / CYCLES["year"] - 1) < 0.02 for season in seasons)
    return (*cycles, *(("year",) if 2 * step <= CYCLES["year"] <= seen / 4 and not is_season else ()))


def phases(
    frequency: Frequency, starts: Times, cycles: tuple[Cycle, ...], positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Sine and cosine of where in each cycle some steps of some series are, (B, T, 2 C).

    Args:
        frequency: The step of the series.
        starts: Where the series of each row begins, (B,).
        cycles: Cycles of the calendar.
        positions: Steps from there, (B, T).
    """
    if len(positions) == 1:
        return phases_of_one(frequency, starts[0], cycles, int(positions[0, 0]), positions.shape[1])
    return compute_phases(frequency, starts, cycles, positions)


def phases_of_one(
    frequency: Frequency, start: Any, cycles: tuple[Cycle, ...], first: int, count: int
) -> NDArray[np.float32]:
    """The phases of `count` steps of one series, (1, count, 2 C)."""
    block, skip = divmod(first, PHASE_BLOCK)
    return block_of_phases(frequency, start, cycles, block, count)[:, skip : skip + count]


@lru_cache(maxsize=256)
def block_of_phases(
    frequency: Frequency, start: Any, cycles: tuple[Cycle, ...], block: int, more: int
) -> NDArray[np.float32]:
    """The phases of one series from step `block` times PHASE_BLOCK on, kept for the windows that begin in the block."""
    positions = block * PHASE_BLOCK + np.arange(PHASE_BLOCK + more)
    return compute_phases(frequency, np.array([start]), cycles, positions[None])


def compute_phases(
    frequency: Frequency, starts: Times, cycles: tuple[Cycle, ...], positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """What `phases` gives."""
    if not cycles:
        return np.empty((*positions.shape, 0), np.float32)
    times = frequency.times(starts[:, None], positions)
    since = (times - MONDAY).astype(np.float64)[..., None]
    angles = (since / [CYCLES[cycle] for cycle in cycles] % 1).astype(np.float32) * np.float32(2 * np.pi)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(*positions.shape, -1)
