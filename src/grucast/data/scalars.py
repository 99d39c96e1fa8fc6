"""Single values from outside: as numbers, and as they are shown in messages."""

import math
from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import islice
from reprlib import Repr
from typing import Any

import narwhals as nw
import numpy as np

NUMBERS = (int, float, np.integer, np.floating, np.bool_, Decimal)
SHOWN = 80  # characters of a value
NAMED = 10  # names of a list
WIDEST = 1000  # bits of an integer that is written out


class Short(Repr):
    """Values cut before they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 2, SHOWN, SHOWN

    def repr_int(self, x: int, level: int) -> str:  # noqa: ARG002 - as reprlib calls it
        """An integer, unless it takes long to write."""
        return str(x) if x.bit_length() <= WIDEST else f"an integer of {x.bit_length()} bits"


SHORT = Short()


def to_float(value: Any) -> float | None:
    """A number as float, infinite where it is too large for one; None where it is not a number.

    >>> to_float(10**400), to_float("1"), to_float(True)
    (inf, None, 1.0)
    """
    if not hasattr(value, "__float__") or isinstance(value, np.complexfloating):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):  # an array, a signaling NaN
        return None


def is_nothing(value: Any) -> bool:
    """Whether a value is None, NaN, or pandas' NA or NaT."""
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def is_text(values: Sequence[Any]) -> bool:
    """Whether one of a column's values is not a number."""
    return not all(value is None or isinstance(value, NUMBERS) for value in values)


def are_numbers(column: nw.Series[Any]) -> bool:
    """Whether a column of objects holds only numbers, Decimals among them."""
    return column.dtype == nw.Object and not is_text([None if is_nothing(v) else v for v in column.to_list()])


def brief(value: Any) -> str:
    """A value as Python writes it, cut short: however large or deep it is, that takes no time.

    >>> brief([[[[1]]]]), brief(10**5000)
    ('[[[...]]]', 'an integer of 16610 bits')
    """
    text = SHORT.repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def listed(names: Collection[Any]) -> str:
    """The first of some names.

    >>> listed(range(1000))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more'
    """
    shown = ", ".join(f"{name!s:.{SHOWN}}" for name in islice(names, NAMED))
    return shown + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
