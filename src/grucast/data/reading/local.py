"""Local time stamps where clocks change: which instant each is, by the order of the rows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.wording import count
from grucast.data.zones import find_zone, to_local, to_utc

Times = NDArray[Any]  # datetime64[us]
PUT_BACK = tuple(np.timedelta64(minutes, "m") for minutes in (30, 60, 120))


class Resolved(NamedTuple):
    """Instants in UTC, the rows that are one too many where clocks skip an hour, and what was resolved, in words."""

    instants: Times
    extra: NDArray[np.int64]
    said: str


def to_utc_in_order(local: Times, owners: NDArray[np.int64], zone: str) -> Resolved:
    """The instants of local time stamps, where clocks change by the order of the rows.

    Of a time that clocks show twice, the second row is the later one. A time that they skip is the one they show
    instead; if that has a row of its own, the skipped one is extra.

    Args:
        local: Time stamps as the clocks of the zone show them.
        owners: The series of each; rows go forward in time, or all backward.
        zone: A zone of the time zone database.

    Raises:
        DataError: The zone is not known.

    >>> night = np.array(["2019-10-27T02:00", "2019-10-27T02:00"], "datetime64[us]")
    >>> to_utc_in_order(night, np.zeros(2, int), "Europe/Berlin").instants.astype("datetime64[h]")
    array(['2019-10-27T00', '2019-10-27T01'], dtype='datetime64[h]')
    """
    find_zone(zone)
    instants = to_utc(local, zone)
    skipped = to_local(instants, zone) != local
    rows = np.arange(len(local))
    order = np.lexsort((rows[::-1] if backwards(local, owners) else rows, local, owners))
    again = np.zeros(len(local), bool)
    again[order[1:]] = (np.diff(owners[order]) == 0) & (local[order][1:] == local[order][:-1])
    twice = 0
    for ahead in PUT_BACK:
        second = again & (to_local(instants + ahead, zone) == local)
        instants = np.where(second, instants + ahead, instants)
        again &= ~second
        twice += int(second.sum())
    taken = set(zip(owners[~skipped].tolist(), instants[~skipped].tolist(), strict=True))
    extra = [row for row in np.flatnonzero(skipped) if (owners[row], instants[row].item()) in taken]
    said = (
        [f"{count(twice, 'time stamp')} that the clocks of {zone} show twice: the second row is the later one"]
        if twice
        else []
    )
    if skipped.any():
        first = str(local[int(skipped.argmax())])[:16].replace("T", " ")
        said += [
            f"{count(int(skipped.sum()), 'time stamp')} such as {first} that the clocks of {zone} skip: "
            "taken as what they show instead"
        ]
    return Resolved(instants, np.array(extra, np.int64), "; ".join(said))


def shown_twice(local: Times, zone: str) -> NDArray[np.bool_]:
    """Which local time stamps the clocks of a zone show twice."""
    instants = to_utc(local, zone)
    shown: NDArray[np.bool_] = np.logical_or.reduce([to_local(instants + ahead, zone) == local for ahead in PUT_BACK])
    return shown


def backwards(local: Times, owners: NDArray[np.int64]) -> bool:
    """Whether rows go from the newest to the oldest."""
    same = owners[1:] == owners[:-1]
    steps = np.diff(local.astype(np.int64))[same]
    return bool((steps < 0).sum() > (steps > 0).sum())
