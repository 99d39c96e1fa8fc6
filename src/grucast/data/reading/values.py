"""The target and the further columns of a table, as numbers where they hold numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np

from grucast.data.reading.looks import Look, to_cells
from grucast.data.reading.missing import LARGEST_Y
from grucast.data.reading.numbers import (
    MISSING,
    Evidence,
    Numbers,
    decide_decimal,
    is_missing,
    parse_number,
    parse_numbers,
    weigh,
)
from grucast.data.reading.origin import Origin
from grucast.errors import DataError

Frame = nw.DataFrame[Any]
TEXTS = (nw.String, nw.Object, nw.Categorical, nw.Enum)
PLAIN_NUMBER = r"^-?\d+(\.\d{1,2}|\.\d{4,})?$"  # numbers that leave nothing open


@dataclass(frozen=True)
class Marks:
    """What decides the decimal mark of a table's columns.

    Attributes:
        given: The mark that the user gave.
        separator: Between fields; None where the table is not delimited text.
        evidence: What the cells of each column of text say.
    """

    given: str | None
    separator: str | None
    evidence: Mapping[str, Evidence]

    @classmethod
    def of(cls, frame: Frame, looks: Mapping[str, Look], given: str | None, separator: str | None) -> "Marks":
        """Weigh the columns that hold numbers as text; those whose numbers leave nothing open are not looked at."""
        numeric = [] if given else [name for name, look in looks.items() if look.numeric and frame[name].dtype in TEXTS]
        return cls(given, separator, {name: weigh_column(frame[name]) for name in numeric})

    @cached_property
    def shown(self) -> Evidence:
        """What all columns show; those that show nothing themselves are told by it."""
        return Evidence({mark: text for own in self.evidence.values() for mark, text in own.shown.items()}, {})

    def decide(self, name: str, cells: Iterable[str | None], origin: Origin) -> str:
        """The decimal mark of a column.

        Raises:
            DataError: Nothing decides.
        """
        if self.given:
            return self.given
        own = self.evidence.get(name) or weigh({cell for cell in cells if cell})
        return decide_decimal(f"column {name} of {origin.name}", own, [self.shown], self.separator)


def weigh_column(column: nw.Series[Any]) -> Evidence:
    """What the cells of a column say of its decimal mark; of those that say the same, polars keeps one."""
    if column.implementation.is_polars() and column.dtype == nw.String:
        distinct = column.unique().drop_nulls()
        usual = distinct.str.contains(PLAIN_NUMBER)
        cells = (
            distinct.filter(~usual).to_list() + distinct.filter(usual & distinct.str.contains(r"\.")).head(1).to_list()
        )
        return weigh(cells)
    return weigh({cell for cell in to_cells(column) if cell})


def to_target(
    column: nw.Series[Any], name: str, origin: Origin, marks: Marks, missing: frozenset[str]
) -> nw.Series[Any]:
    """The column y: finite float64, null or NaN where it is missing.

    Raises:
        DataError: A cell holds something else.
    """
    target = column.alias("y")
    if column.is_null().all():  # of whatever type
        return nw.new_series("y", [None] * len(column), nw.Float64(), backend=column.implementation)
    if column.dtype in TEXTS:
        target = read_numbers(column, name, origin, marks, missing)
    elif not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
        raise DataError(f"column {name} of {origin.name} holds {column.to_native().dtype}, not numbers")
    elif column.dtype != nw.Float64:
        target = target.cast(nw.Float64)
    beyond = np.abs(target.to_numpy()) > LARGEST_Y
    if beyond.any():
        row = int(beyond.argmax())
        reason = f"{name} = {target[row]:g}, infinite or beyond {LARGEST_Y:g}"
        raise DataError(f"{origin.row(row)} has {reason}: correct it or leave it empty")
    return target


def read_numbers(
    column: nw.Series[Any], name: str, origin: Origin, marks: Marks, missing: frozenset[str]
) -> nw.Series[Any]:
    """A column y of numbers written as text."""
    cells = [] if marks.given or name in marks.evidence else to_cells(column)
    decimal = marks.decide(name, cells, origin)
    if (usual := read_usual(column, decimal, missing)) is not None:
        return usual.alias("y")
    cells = to_cells(column)
    numbers = parse_numbers(cells, decimal, missing)
    if numbers.bad.size:
        raise bad_cells(numbers, cells, name, origin, decimal)
    empty = np.isnan(numbers.values)
    values = (
        numbers.values
        if not empty.any()
        else [None if none else v for none, v in zip(empty, numbers.values.tolist(), strict=True)]
    )
    return nw.new_series("y", values, nw.Float64(), backend=column.implementation)


def read_usual(column: nw.Series[Any], decimal: str, missing: frozenset[str]) -> nw.Series[Any] | None:
    """Numbers as programs write them, by polars in a hundredth of the time; None if one is otherwise."""
    if not (column.implementation.is_polars() and column.dtype == nw.String and decimal == "."):
        return None
    column = column.str.strip_chars()
    words = column.str.to_lowercase().is_in(list(MISSING)) | column.is_in(list(missing))
    native = column.to_native().set(words.fill_null(True).to_native(), None)
    numbers = native.cast(float, strict=False)
    return None if numbers.null_count() > native.null_count() else nw.from_native(numbers, series_only=True)


def bad_cells(numbers: Numbers, cells: list[str | None], name: str, origin: Origin, decimal: str) -> DataError:
    """The error that names the first cell that is not a number, and says how many there are."""
    row = int(numbers.bad[0])
    text = (cells[row] or "")[:80]
    more = f" ({len(numbers.bad)} such rows)" if len(numbers.bad) > 1 else ""
    other = {".": ",", ",": "."}[decimal]
    if parse_number(text, other) is not None:
        return DataError(
            f"{origin.row(row)} has {name} = {text!r}, but its decimal mark is {decimal!r}{more}: write all alike, "
            f"or give decimal='{other}' (--decimal)"
        )
    return DataError(
        f"{origin.row(row)} has {name} = {text!r}, which is not a number{more}: correct it, or say that it stands for "
        f"a missing value with missing={text!r} (--missing)"
    )


def typed(column: nw.Series[Any], look: Look, origin: Origin, marks: Marks, missing: frozenset[str]) -> nw.Series[Any]:
    """A further column of delimited text as integers, numbers or truth values, if all of its cells are."""
    if look.kind == "boolean":
        cells = to_cells(column)
        values = [None if cell is None or is_missing(cell, missing) else cell.lower() == "true" for cell in cells]
        return nw.new_series(column.name, values, nw.Boolean(), backend=column.implementation)
    if look.kind == "empty":
        return nw.new_series(column.name, [None] * len(column), nw.Float64(), backend=column.implementation)
    if not look.numeric or has_leading_zero(column):
        return column
    try:
        numbers = read_numbers(column, column.name, origin, marks, missing).alias(column.name)
    except DataError:
        return column
    return numbers.cast(nw.Int64) if look.kind == "integer" and is_whole(numbers) else numbers


def is_whole(numbers: nw.Series[Any]) -> bool:
    """Whether all numbers are integers that int64 holds."""
    values = numbers.to_numpy()
    seen = values[np.isfinite(values)]
    return bool((seen == np.round(seen)).all() and (np.abs(seen) < 2**53).all())


def has_leading_zero(column: nw.Series[Any]) -> bool:
    """Whether integers are written as 007, which names something."""
    if column.implementation.is_polars() and column.dtype == nw.String:
        return bool(column.str.contains(r"^0\d+$").any())
    return any(cell and len(cell) > 1 and cell[0] == "0" and cell.isdigit() for cell in to_cells(column))
