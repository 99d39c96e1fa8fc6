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
DAY = np.timedelta64(1, "D")
FIRST, LAST = np.datetime64("0001-01-03"), np.datetime64("9999-12-29")  # where datetime can add and subtract an offset


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
    if not times.size:
        return clock_changes(zone, 0, 0)
    first, last = (np.clip(edge.astype("M8[D]"), FIRST, LAST) for edge in (times.min(), times.max()))
    return clock_changes(zone, int((first - 2 * DAY).astype(int)), int((last + 2 * DAY).astype(int)))


@lru_cache(maxsize=8)
def clock_changes(zone: str, first: int, last: int) -> tuple[Times, Times]:
    """As `changes_around`, between two days since 1970; no zone changes its clocks twice in a day."""
    place = find_zone(zone)
    days = [offset_at(day * 86400, place) for day in range(first, last + 1)]
    changed = [day for day, (before, after) in enumerate(pairwise(days), first) if before != after]
    changes = [change_within(day * 86400, place) for day in changed]
    offsets = [days[0], *(days[day + 1 - first] for day in changed)]
    return np.array(changes, "M8[s]").astype("M8[us]"), np.array(offsets, "m8[s]").astype("m8[us]")


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
