"""Things as people write them."""

import math
from collections.abc import Iterable
from statistics import median
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


def decimals(values: Iterable[float]) -> int:
    """Decimals that give the middle one of these numbers three digits; -1 if it is better written as a power of ten.

    >>> decimals([0.5, 12.3, 70.1]), decimals([4000.0]), decimals([0.00042])
    (1, 0, -1)
    """
    sizes = [abs(value) for value in values if value and not math.isnan(value)]
    exponent = math.floor(math.log10(median(sizes))) if sizes else 0
    return -1 if exponent > 5 or exponent < -3 else max(2 - exponent, 0)


def digits(value: float, places: int) -> str:
    """A number with as many decimals as `decimals` says; nothing for NaN.

    >>> digits(1234.5678, 1), digits(2e9, -1), digits(math.nan, 1)
    ('1,234.6', '2.00e+09', '')
    """
    if math.isnan(value):
        return ""
    return f"{value:,.{places}f}" if places >= 0 else f"{value:.2e}"
