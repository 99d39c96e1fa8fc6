"""Rows of series as arrays: of a table, or of plain columns such as JSON brings, without a data frame."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Times
from grucast.data.reading.missing import LARGEST_Y, find_codes
from grucast.data.stamps import is_zoned, outside, read_iso, to_times, zone_of
from grucast.data.table import COLUMNS, Table, factorize

FIRST_YEAR = 1800  # integers from here on may be years, or dates
FARTHEST = 2**62


class Rows(NamedTuple):
    """N rows of S series, in any order.

    Attributes:
        ids: Names of the series, (S,).
        codes: Which of them each row belongs to, (N,).
        times: int64, or datetime64[us] in UTC, (N,).
        y: Target, NaN where missing, (N,).
        zone: Time zone of the time stamps; None if they had none.
    """

    ids: Sequence[Any]
    codes: NDArray[np.int32]
    times: Times
    y: NDArray[np.float64]
    zone: str | None = None

    @classmethod
    def of_table(cls, table: Table) -> "Rows":
        """The rows of a table.

        Raises:
            DataError: A time stamp cannot be used.
        """
        codes, ids = factorize(table.ids)
        zone = (zone_of(table.ds) or "UTC") if is_zoned(table.ds) else None
        return cls(ids, codes, to_times(table.ds), table.y.to_numpy().astype(np.float64, copy=False), zone)

    @classmethod
    def of_columns(cls, columns: Mapping[str, Any]) -> "Rows | None":
        """Columns that say what they are: ids, ISO 8601 or counted steps, numbers or None. None for any others.

        A frame of them takes ten times as long, and reading it a hundred times.

        >>> Rows.of_columns({"unique_id": ["a", "a"], "ds": ["2024-01-31", "2024-02-01"], "y": [1, None]}).y
        array([ 1., nan])
        >>> Rows.of_columns({"unique_id": ["a"], "ds": ["31.01.2024"], "y": [1]}) is None
        True
        """
        if set(columns) != set(COLUMNS) or len({len(column) for column in columns.values()}) > 1:
            return None
        named, times, y = to_codes(columns["unique_id"]), to_steps(columns["ds"]), to_target(columns["y"])
        return None if named is None or times is None or y is None else cls(*named, times, y)


def to_codes(names: Sequence[Any]) -> tuple[list[Any], NDArray[np.int32]] | None:
    """The distinct names, all texts or all integers, and which of them each is."""
    if set(map(type, names)) not in ({str}, {int}):
        return None
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    if len(places) == 1 and isinstance(names[0], str):
        return [names[0]], np.zeros(len(names), np.int32)
    if isinstance(names[0], int) and max(map(abs, places)) >= 2**63:
        return None
    return list(places), np.fromiter(map(places.__getitem__, names), np.int32, len(names))


def to_steps(times: Any) -> Times | None:
    """Time stamps of ISO 8601, or integers that cannot be years or dates."""
    if not isinstance(times, np.ndarray):
        kinds = set(map(type, times))
        if kinds == {str}:
            return read_iso(times)
        times = np.array(times, object if kinds != {int} else None)
    if times.dtype.kind == "M":
        return None if outside(times).any() else times.astype("datetime64[us]", copy=False)
    return times.astype(np.int64, copy=False) if times.dtype.kind == "i" and counts(times) else None


def counts(steps: NDArray[Any]) -> bool:
    """Whether integers, one at least, cannot be years or dates."""
    return bool(steps[0] < FIRST_YEAR and -FARTHEST < steps.min() < FIRST_YEAR and steps.max() < FARTHEST)


def to_target(y: Any) -> NDArray[np.float64] | None:
    """Numbers and None, none too large and none that stands for a missing value."""
    try:
        if not isinstance(y, np.ndarray) and not set(map(type, y)) <= {int, float, type(None)}:
            return None
        values = np.array(y, np.float64)
    except OverflowError:
        return None
    return values if is_plain(values) else None


def is_plain(values: NDArray[np.float64]) -> bool:
    """Whether no number is too large, and none stands for a missing value."""
    return not (np.abs(values) > LARGEST_Y).any() and not find_codes(values)
