"""Things as people write them."""

from typing import Any

import numpy as np

from grucast.data.zones import to_local


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1200, "step")
    '1,200 steps'
    >>> count(2, "series")
    '2 series'
    """
    return f"{number:,} {noun}{'s' * (number != 1 and not noun.endswith('s'))}"


def show(time: Any) -> str:
    """A time stamp."""
    return str(time).removesuffix(".000000").replace("T", " ")


def show_local(time: Any, zone: str | None) -> str:
    """A time stamp as the clocks of its zone show it; as it is where it has none.

    >>> show_local(np.datetime64("2024-07-01T12:00", "us"), "Europe/Berlin")
    '2024-07-01 14:00:00'
    """
    one = np.atleast_1d(time)
    return show((to_local(one, zone) if zone and one.dtype.kind == "M" else one)[0])


def show_day(time: Any) -> str:
    """A time stamp, without the time of day where that is midnight."""
    return show(time).removesuffix(" 00:00:00")
