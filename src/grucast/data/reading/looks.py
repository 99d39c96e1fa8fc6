"""What a column seems to hold, told from a sample of its cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.numbers import is_missing, parse_number
from grucast.data.reading.written import DECIMAL, Written, read_clock, take_apart

CellKind = Literal["time", "clock", "integer", "number", "boolean", "text", "empty", "other"]
CELLS = 2000  # cells looked at
MOSTLY = 0.95  # share of cells that makes a column one of numbers or times
TRUTH_WORDS = frozenset(("true", "false"))


@dataclass(frozen=True)
class Look:
    """A column's kind.

    Attributes:
        name: Its name.
        kind: What its cells hold; `integer` is a kind of number.
        share: Share of the cells that hold it; of text, share of numbers.
        dated: Share of the cells that are dates or other time stamps, not mere numbers.
        integers: The integers of the sample, sorted and distinct.
        fine: Some time stamps have a time of day.
        distinct: Different cells in the sample.
    """

    name: str
    kind: CellKind
    share: float = 1.0
    dated: float = 0.0
    integers: NDArray[np.int64] | None = None
    fine: bool = False
    distinct: int = 0

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.kind in ("integer", "number")

    def within(self, low: int, high: int) -> bool:
        """Whether it holds integers of a range."""
        return (
            self.integers is not None
            and len(self.integers) > 0
            and low <= self.integers[0]
            and self.integers[-1] <= high
        )


def look_at(column: nw.Series[Any], missing: frozenset[str] = frozenset()) -> Look:
    """Look at a column of any type.

    >>> import polars as pl
    >>> look_at(nw.from_native(pl.Series("t", ["2024-01-31", "2024-02-29"]), series_only=True)).kind
    'time'
    """
    name, dtype = column.name, column.dtype
    sample = column if len(column) <= CELLS else column[np.linspace(0, len(column) - 1, CELLS).astype(int).tolist()]
    values = [value for value in to_values(sample) if value is not None]
    distinct = len(set(map(str, values)))
    if not values:
        return Look(name, "empty")
    if dtype.is_temporal() or hasattr(column.to_native().dtype, "tz"):
        fine = any(str(value)[11:19].strip("0:") for value in values)
        return Look(
            name,
            "time" if dtype in (nw.Date, nw.Datetime) or dtype == nw.Unknown else "other",
            fine=fine,
            distinct=distinct,
        )
    if dtype == nw.Boolean:
        return Look(name, "boolean", distinct=distinct)
    if dtype.is_numeric():
        return look_at_numbers(name, np.array([float(value) for value in values]), values, distinct)
    if dtype.is_nested():
        return Look(name, "other")
    return look_at_texts(name, [str(value).strip() for value in values], missing, distinct)


def look_at_numbers(name: str, numbers: NDArray[np.float64], values: Sequence[Any], distinct: int) -> Look:
    """Integers, also those that stand as 1.0, or other numbers."""
    whole = bool((np.isfinite(numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) < 2**62)).all())
    if not whole:
        return Look(name, "number", distinct=distinct)
    return Look(
        name, "integer", integers=np.unique(np.array([int(value) for value in values], np.int64)), distinct=distinct
    )


def look_at_texts(name: str, texts: Sequence[str], missing: frozenset[str], distinct: int) -> Look:
    """Text that may hold times, numbers or truth values."""
    seen = [text for text in texts if not is_missing(text, missing)]
    if not seen:
        return Look(name, "empty")
    written = [None if DECIMAL.fullmatch(text) else take_apart(text) for text in seen]
    times = [one for one in written if one and one.form not in ("integer", "seconds")]
    if (share := len(times) / len(seen)) >= MOSTLY and not all_clocks(seen, times):
        return Look(name, "time", share, dated=share, fine=any(one.clock for one in times), distinct=distinct)
    integers = [one.numbers[0] for one in written if one and one.form == "integer"]
    if len(integers) == len(seen) and max(map(abs, integers)) < 2**62:
        return Look(name, "integer", integers=np.unique(np.array(integers, np.int64)), distinct=distinct)
    tests: tuple[tuple[CellKind, Callable[[str], bool]], ...] = (
        ("number", lambda text: parse_number(text) is not None or parse_number(text, ",") is not None),
        ("clock", lambda text: read_clock(text) is not None),
        ("boolean", lambda text: text.lower() in TRUTH_WORDS),
    )
    shares = []
    for kind, test in tests:
        shares.append(sum(map(test, seen)) / len(seen))
        if shares[-1] >= (1 if kind == "boolean" else MOSTLY):
            return Look(name, kind, shares[-1], distinct=distinct)
    return Look(name, "text", shares[0], dated=share, distinct=distinct)


def all_clocks(texts: Sequence[str], times: Sequence[Written]) -> bool:
    """Whether what might be days is clocks such as 06.00.00: no day and no month is 0."""
    zero = any(one.form == "two-digit year" and 0 in one.numbers[:2] for one in times)
    return zero and all(read_clock(text) is not None for text in texts)


def to_values(column: nw.Series[Any]) -> list[Any]:
    """The cells of a column, None where they are null or NaN."""
    empty = column.is_null().to_list()
    return [None if none or is_nan(value) else value for value, none in zip(column.to_list(), empty, strict=True)]


def is_nan(value: Any) -> bool:
    """Whether a cell is NaN."""
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN alone is not itself


def to_cells(column: nw.Series[Any]) -> list[str | None]:
    """The cells of a column as text without outer blanks, None where they are null or NaN."""
    return [None if value is None else show_cell(value) for value in to_values(column)]


def show_cell(value: Any) -> str:
    """A cell as people write it."""
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value).strip()
