"""What is read: a frame of cells as they stand, and what was decided on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grucast.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MOST_COLUMNS = 10_000


@dataclass(frozen=True)
class RawTable:
    """Cells as they stand; nothing here decides what a column means.

    Attributes:
        name: For messages: the path as given, "standard input" or a URL; with the sheet where there are several.
        frame: Names without blanks around them. Cells of delimited text are text without blanks, or null.
        separator: Of delimited text, a hint at the decimal mark; None for a single column and for other formats.
        notes: What was decided, a line each.
        twins: Names that two columns had, as the notes say.
    """

    name: str
    frame: "pl.DataFrame"
    separator: str | None = None
    notes: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()


def check_width(columns: int, name: str) -> None:
    """Refuse a table that lies on its side."""
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{name} has {columns:,} columns, more than {MOST_COLUMNS:,}: "
            "put series one below the other, with the columns unique_id, ds, y"
        )


def check_size(rows: int, columns: int, size: int, most: int, name: str) -> None:
    """Refuse a table that lies on its side, or whose cells would fill the memory where its bytes do not."""
    check_width(columns, name)
    if rows * columns > most:
        raise DataError(
            f"{name} has {size:,} bytes, but {rows:,} rows of {columns:,} columns, more than {most:,} cells: "
            "write it as CSV, series one below the other with the columns unique_id, ds, y"
        )


def name_frame(frame: "pl.DataFrame", header: Sequence[str] | None, name: str) -> RawTable:
    """The frame with the names of a header, without columns that have neither name nor cells."""
    names = header or [f"column_{index + 1}" for index in range(frame.width)]
    kept = [
        index
        for index, column in enumerate(frame.iter_columns())
        if (header and names[index].strip()) or column.null_count() < len(column)
    ]
    given = [names[index].strip() or f"column_{index + 1}" for index in kept]
    check_width(len(given), name)
    notes = [] if header else [f"no header: columns are called {', '.join(given[:3])}{', ...' * (len(given) > 3)}"]
    new = differ(given)
    twins = {old: name for old, name in zip(given, new, strict=True) if old != name}
    notes += [f"two columns called {old!r}: the second is {name!r}" for old, name in twins.items()]
    columns = frame.columns
    kept_frame = frame.select([columns[index] for index in kept])
    kept_frame.columns = new
    return RawTable(name, kept_frame, None, tuple(notes), tuple(twins))


def differ(names: Sequence[str]) -> list[str]:
    """The names, with a number added to those that stood before."""
    found: dict[str, None] = {}
    for given in names:
        new, count = given, 2
        while new in found or (new != given and new in names):
            new, count = f"{given}_{count}", count + 1
        found[new] = None
    return list(found)


def skipped(above: int, between: int, below: int, header: bool) -> tuple[str, ...]:
    """Notes of lines that are not part of the table."""
    top = f"above the {'header' if header else 'data'}"
    places = {top: above, "below the header": between, "below the data": below}
    return tuple(f"{lines} line{'s' * (lines > 1)} {place} skipped" for place, lines in places.items() if lines)
