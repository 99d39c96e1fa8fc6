"""Things as people write them."""

from typing import Any


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


def show_day(time: Any) -> str:
    """A time stamp, without the time of day where that is midnight."""
    return show(time).removesuffix(" 00:00:00")
