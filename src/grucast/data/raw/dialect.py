"""How delimited text is written: its separator and header, decided on the first lines."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from grucast.data.raw.header import Layout, Row, find_header
from grucast.errors import DataError

SEPARATORS = "\t;|,"  # of those that fit alike the first: a comma is often decimal
QUOTES = "put a field that holds a quotation mark in quotes, and write the mark twice"
MOST_LINES = 500
MOST_BYTES = 2**19


@dataclass(frozen=True)
class Sample:
    """The first rows as a separator divides them.

    Attributes:
        separator: The separator.
        rows: Cells without blanks around them.
        lines: The line on which each row begins.
        width: How many fields most rows have.
        layout: Where the header is.
    """

    separator: str
    rows: list[list[str]]
    lines: list[int]
    width: int
    layout: Layout

    @property
    def header(self) -> list[str] | None:
        """The cells of the header."""
        return None if self.layout.header is None else self.rows[self.layout.header]

    @property
    def too_wide(self) -> int | None:
        """The index of the first row that has more fields than the header, if most have."""
        if self.header is None:
            return None
        wide = [fields(row) > len(self.header) for row in self.rows[self.layout.first :] if any(row)]
        if 2 * sum(wide) <= len(wide):
            return None
        return next(index for index, row in enumerate(self.rows) if fields(row) > len(self.header))

    @property
    def fitting(self) -> float:
        """The share of rows that have the usual number of fields, from the header on."""
        begin = self.layout.first if self.layout.header is None else self.layout.header
        return sum(len(row) == self.width for row in self.rows[begin:]) / max(sum(map(any, self.rows)), 1)

    @property
    def above(self) -> int:
        """How many lines stand above the header, or above the data where there is none."""
        top = self.layout.first if self.layout.header is None else self.layout.header
        return self.lines[top] if any(map(any, self.rows[:top])) else 0

    @property
    def between(self) -> int:
        """How many lines, as of units, stand between the header and the data."""
        if self.layout.header is None or not any(map(any, self.rows[self.layout.header + 1 : self.layout.first])):
            return 0
        return self.lines[self.layout.first] - self.lines[self.layout.header + 1]

    @property
    def numbers(self) -> bool:
        """Whether this is a single column of numbers."""
        return self.width == 1 and "0" in self.layout.shapes[0]


def fields(row: Row) -> int:
    """How many fields a row has, but for empty ones at its end."""
    return max((index + 1 for index, cell in enumerate(row) if cell), default=0)


def decide(text: bytes, name: str, stated: str | None, given: bool) -> Sample:
    """Choose the separator.

    Args:
        text: UTF-8 with line feeds.
        name: For messages.
        stated: The separator, where the file states it.
        given: The first line that is not blank is the header.
    """
    lines = list(first_lines(text))
    whole = sum(map(len, lines)) == len(text)
    decoded = [line.decode() for line in lines]
    samples = [divide(decoded, mark, whole, given) for mark in stated or SEPARATORS]
    several = [sample for sample in samples if sample and sample.width > 1]
    sound = [sample for sample in several if sample.too_wide is None]
    if sound:
        return max(sound, key=lambda sample: sample.fitting)
    single = divide(decoded, unused(text, name), whole, given)
    if several and not (single and single.numbers):
        raise wide_row(max(several, key=lambda sample: sample.fitting), name)
    if not single or (None in samples and not several):
        raise ill_divided(name, max(map(len, decoded)) > csv.field_size_limit())
    return single


def ill_divided(what: str, long: bool) -> DataError:
    """What to say of text that the standard library does not divide into fields."""
    if long:
        most = csv.field_size_limit()
        return DataError(f"{what} has a field of more than {most:,} characters: leave that column out")
    return DataError(f"{what} is not quoted well: {QUOTES}")


def wide_row(sample: Sample, name: str) -> DataError:
    """What to say where rows have more fields than the header."""
    index = sample.too_wide or 0
    number = 1 + sum(map(any, sample.rows[sample.layout.first : index]))
    return too_many(name, number, fields(sample.rows[index]), len(sample.header or ()))


def too_many(name: str, row: int, found: int, wanted: int) -> DataError:
    """What to say of a row with more fields than columns."""
    return DataError(
        f"row {row:,} of {name} has {found:,} fields, more fields than columns ({wanted:,}): "
        "put fields that hold the separator in quotes"
    )


def first_lines(text: bytes) -> Iterator[bytes]:
    """Enough lines to decide on."""
    size = 0
    for number, line in enumerate(BytesIO(text)):
        if number >= MOST_LINES or (size > MOST_BYTES and number > 3):
            return
        size += len(line)
        yield line


def divide(lines: list[str], separator: str, whole: bool, given: bool) -> Sample | None:
    """Divide lines into rows; None where quotes and the separator do not go together."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    starts = [0]
    try:
        for row in reader:
            rows.append([cell.strip() for cell in row])
            starts.append(reader.line_num)
    except csv.Error:
        if whole or reader.line_num < len(lines) or not rows:
            return None
    if not whole and len(rows) > 1:
        rows.pop()  # it may go on
    widths = Counter(len(row) for row in rows if any(row))
    width = max(widths, key=lambda width: (width > 1, widths[width]), default=1)
    layout = find_header(rows, width)
    if given:
        first = next((index for index, row in enumerate(rows) if any(row)), 0)
        layout = Layout(first, first + 1, layout.shapes)
    return Sample(separator, rows, starts, width, layout)


def unused(text: bytes, name: str) -> str:
    """A separator that does not stand in the text, so that each line is one cell."""
    for mark in SEPARATORS + "\x1f":
        if mark.encode() not in text:
            return mark
    raise DataError(f"{name} has no separator that divides each line alike: use commas, and quotes where they are text")
