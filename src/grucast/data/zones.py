"""What the clocks of a time zone show, for whole arrays of time stamps."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from grucast.errors import DataError

Times = NDArray[Any]  # datetime64[us]
BLOCK_DAYS = 63  # days that the time zone database is asked about at once; the 146,097 of 400 years are whole blocks
CYCLE = 146_097 // BLOCK_DAYS
OLDEST, NEWEST = (int(np.datetime64(year, "D").astype(int)) // BLOCK_DAYS for year in ("1500", "2500"))


def to_local(times: Times, zone: str) -> Times:
    """Local time at instants in UTC.

    >>> to_local(np.array(["2024-03-31T00:59", "2024-03-31T01:00"], "datetime64[us]"), "Europe/Berlin").astype("M8[m]")
    array(['2024-03-31T01:59', '2024-03-31T03:00'], dtype='datetime64[m]')
    """
    changes, offsets = changes_around(times, zone)
    return np.asarray(times + offsets[np.searchsorted(changes, times, side="right")])


def to_utc(local: Times, zone: str) -> Times:
    """The instant in UTC of each local time: the first of two, and where clocks skip a time, as if they had not yet."""
    changes, offsets = changes_around(local, zone)
    shown = changes + np.maximum(offsets[:-1], offsets[1:])  # from this local time on only the later offset holds
    return np.asarray(local - offsets[np.searchsorted(shown, local, side="right")])


def changes_around(times: Times, zone: str) -> tuple[Times, Times]:
    """The instants at which clocks change near these times (C), and the offsets from UTC around them (C + 1)."""
    days = times.astype("M8[D]").astype(np.int64)
    return clock_changes(zone, blocks_around(days) if days.size else (0,))


def blocks_around(days: NDArray[np.int64]) -> tuple[int, ...]:
    """The blocks of days in which these days are, and those two days before and after them; no others, however far."""
    first = (int(days.min()) - 2) // BLOCK_DAYS
    seen = np.zeros((int(days.max()) + 2) // BLOCK_DAYS - first + 1, bool)
    for away in (-2, 2):
        seen[(days + away) // BLOCK_DAYS - first] = True
    return tuple((np.flatnonzero(seen) + first).tolist())


@lru_cache(maxsize=64)
def clock_changes(zone: str, blocks: tuple[int, ...]) -> tuple[Times, Times]:
    """As `changes_around`, within some blocks; what changes between two of them does so where the later one begins."""
    changes: list[int] = []
    offsets: list[int] = []
    for block in blocks:
        for second, offset in changes_within(zone, like_block(block)):
            if not offsets or offset != offsets[-1]:
                changes.append(block * BLOCK_DAYS * 86400 + second)
                offsets.append(offset)
    return np.array(changes[1:], "M8[s]").astype("M8[us]"), np.array(offsets, "m8[s]").astype("m8[us]")


def like_block(block: int) -> int:
    """A block with the same changes: none had any before clocks had zones, and rules repeat every 400 years."""
    return max(block, OLDEST) if block < NEWEST else NEWEST - CYCLE + (block - NEWEST) % CYCLE


@lru_cache(maxsize=8192)
def changes_within(zone: str, block: int) -> tuple[tuple[int, int], ...]:
    """The offset at a block's beginning and after each change in it, with the second from there at which it begins.

    No zone changes its clocks twice in a day.
    """
    place, first = find_zone(zone), block * BLOCK_DAYS
    days = [offset_at(day * 86400, place) for day in range(first, first + BLOCK_DAYS + 1)]
    changed = [day for day, (before, after) in enumerate(pairwise(days)) if before != after]
    seconds = [change_within((first + day) * 86400, place) - first * 86400 for day in changed]
    return (0, days[0]), *zip(seconds, (days[day + 1] for day in changed), strict=True)


def change_within(second: int, place: tzinfo) -> int:
    """The second of the day from `second` on at which clocks change."""
    before, after = second, second + 86400
    old = offset_at(before, place)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if offset_at(middle, place) == old else (before, middle)
    return after


def offset_at(second: int, place: tzinfo) -> int:
    """Seconds that local time is ahead of UTC."""
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return round((instant.astimezone(place).utcoffset() or timedelta()).total_seconds())


def name_of(zone: tzinfo | str) -> str:
    """The name by which `find_zone` finds a zone; of a fixed offset that is the offset, whatever it is called.

    >>> from datetime import timezone
    >>> name_of(timezone(timedelta(hours=1), "CET")), name_of(ZoneInfo("Europe/Berlin"))
    ('UTC+01:00', 'Europe/Berlin')
    """
    name = zone if isinstance(zone, str) else getattr(zone, "key", None) or getattr(zone, "zone", None)  # or pytz
    if name or isinstance(zone, str):
        return str(name)
    offset = zone.utcoffset(None)
    if offset is None:
        return str(zone).partition("zoneinfo/")[2].strip("')\"") or str(zone)  # dateutil names the file
    shown = datetime(1970, 1, 1, tzinfo=timezone(offset)).isoformat()[19:]
    return f"UTC{shown}" if offset else "UTC"


def find_zone(name: str) -> tzinfo:
    """A zone by its name, such as Europe/Berlin or UTC+02:00.

    Raises:
        DataError: The time zone database has no such zone.
    """
    try:
        fixed = datetime.strptime(name.removeprefix("UTC"), "%z").tzinfo if ":" in name else None
        return fixed or ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        wanted = "a zone of the time zone database, such as Europe/Berlin (on Windows: pip install tzdata)"
        raise DataError(f"time zone {name!r} is not known here: give {wanted}") from error
