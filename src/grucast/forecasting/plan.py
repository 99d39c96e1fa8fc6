"""Decide, from the data and what the user gave, the seasons, the window and what is held out."""

from dataclasses import dataclass

from grucast.data.panel import Panel
from grucast.errors import ConfigError, DataError

HELD_OUT_SHARE = 0.1
HELD_OUT_HORIZONS = 7


@dataclass(frozen=True)
class Plan:
    """Steps of history, seasonal periods (shortest first) and last steps of each series held out for validation."""

    input_size: int
    seasons: tuple[int, ...]
    held_out: int


def make_plan(panel: Panel, h: int, input_size: int | None, season_length: int | None, val_size: int | None) -> Plan:
    """Choose what was not given.

    The window is two of the longest seasons or of the horizon, whichever is more, but at most half of what the longest
    series has before its last horizon, so that there are windows to learn from. Shorter series show what they have.

    Raises:
        DataError: No series is longer than the horizon.
    """
    seasons = candidate_seasons(panel, season_length)
    longest = int(panel.lengths.max())
    room = longest - h
    if room < 1:
        raise DataError(
            f"the longest series has {longest} steps; h = {h} needs at least {h + 1}: give longer series or a smaller h"
        )
    wanted = input_size or min(max(2 * max(seasons), 2 * h), max(room // 2, min(seasons)))
    if val_size is not None and not 0 <= val_size < room:
        raise ConfigError(f"val_size must be from 0 up to, but not, {room}, not {val_size}")
    held_out = default_held_out(room - wanted, h) if val_size is None else val_size
    return Plan(wanted, tuple(s for s in seasons if s <= wanted) or (1,), held_out)


def candidate_seasons(panel: Panel, season_length: int | None) -> tuple[int, ...]:
    """The given season and the usual longer ones that it divides; the usual ones when none is given."""
    usual = panel.frequency.seasons
    if season_length is None:
        return usual or (1,)
    return (season_length, *(s for s in usual if s > season_length and s % season_length == 0))


def default_held_out(spare: int, h: int) -> int:
    """A tenth of what the longest series can spare, in whole horizons from 1 to 7; 0 when it cannot spare one."""
    if spare < h:
        return 0
    return h * min(max(int(HELD_OUT_SHARE * spare / h), 1), HELD_OUT_HORIZONS)
