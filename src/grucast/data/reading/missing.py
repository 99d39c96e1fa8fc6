"""Numbers that stand for a missing value."""

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

LARGEST_Y = 1e100  # sums and products of larger values could overflow
CODES = (-99.0, -99.9, -200.0, -999.0, -999.9, -9999.0, -99999.0, 999.0, 999.9, 9999.0, 99999.0, 999999.0)


def without_codes(y: nw.Series[Any], missing: tuple[str, ...]) -> tuple[nw.Series[Any], tuple[float, ...]]:
    """The target with NaN where a number stands for a missing value, and those that were found without being told."""
    values = y.to_numpy()
    codes = () if missing else find_codes(values)
    hidden = among(values, missing) if missing else np.isin(values, codes) if codes else np.zeros(0, bool)
    if not hidden.any():
        return y, ()
    found = [None if none or value != value else value for value, none in zip(values.tolist(), hidden, strict=True)]  # noqa: PLR0124
    return nw.new_series("y", found, nw.Float64(), backend=y.implementation), codes


def among(values: NDArray[np.float64], missing: Iterable[str]) -> NDArray[np.bool_]:
    """Which values are among the numbers that the user says stand for a missing one."""
    from grucast.data.reading.numbers import parse_number

    return np.isin(values, [number for text in missing if (number := parse_number(text)) is not None])


def find_codes(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Numbers such as -999 that stand for a missing value: they repeat, and stand apart from all others.

    A code lies farther from the next value than all others lie from each other; a negative one also where all others
    are positive.

    >>> find_codes(np.array([1.5, -999, 2, -999, 4])), find_codes(np.array([1000.0, 999, 998, 999]))
    ((-999.0,), ())
    """
    if np.fmin.reduce(values, initial=0) > HIGHEST_BELOW and np.fmax.reduce(values, initial=0) < LOWEST_ABOVE:
        return ()
    candidates = CODE_ARRAY[np.isin(CODE_ARRAY, values)]
    found = [code for code in candidates.tolist() if stands_apart(values, code, candidates)]
    return tuple(found)


CODE_ARRAY = np.array(CODES)
HIGHEST_BELOW = max(code for code in CODES if code < 0)
LOWEST_ABOVE = min(code for code in CODES if code > 0)


def stands_apart(values: NDArray[np.float64], code: float, candidates: NDArray[np.float64]) -> bool:
    """Whether a code repeats and is far from what is not a code."""
    others = values[np.isfinite(values) & ~np.isin(values, candidates)]
    if (values == code).sum() < 2 or others.size < 3:
        return False
    low, high = float(others.min()), float(others.max())
    distance = max(low - code, code - high)
    return distance > high - low or (
        code < 0 <= low and distance > 0 and code <= -99 and low - code > 0.1 * (high - low)
    )
