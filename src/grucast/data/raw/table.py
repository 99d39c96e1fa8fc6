"""What is read: a frame of cells as they stand, and what was decided on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grucast.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MOST_COLUMNS = 10_000


@dataclass(frozen=True)
class Raw:
    """Cells as they stand; nothing here decides what a column means.

    Attributes:
        name: For messages: the path as given, "standard input" or a URL; with the sheet where there are several.
        frame: Names without blanks around them. Cells of delimited text are text without blanks, or null.
        separator: Of delimited text, a hint at the decimal mark; None for a single column and for other formats.
        notes: What was decided, a line each.
    """

    name: str
    frame: "pl.DataFrame"
    separator: str | None = None
    notes: tuple[str, ...] = ()


def check_width(columns: int, name: str) -> None:
    """Refuse a table that lies on its side."""
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{name} has {columns:,} columns, more than {MOST_COLUMNS:,}: "
            "put series one below the other, with the columns unique_id, ds, y"
        )


def name_columns(cells: Sequence[str], name: str) -> tuple[list[str], list[str]]:
    """Names that differ, of the cells of a header; and notes of what was renamed."""
    check_width(len(cells), name)
    names: list[str] = []
    notes = []
    taken = {cell.strip() for cell in cells}
    for index, cell in enumerate(cells):
        given = new = cell.strip() or f"column_{index + 1}"
        count = 2
        while new in names or (new != given and new in taken):
            new = f"{given}_{count}"
            count += 1
        if new != given:
            notes.append(f"two columns called {given!r}: the second is {new!r}")
        names.append(new)
    return names, notes
