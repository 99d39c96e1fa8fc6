"""Where a table begins: which row of cells is its header, told by how the cells of rows look."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Row = Sequence[str | None]

NUMBER = re.compile(
    r"[(+\-\u2212]?\s?[$€£¥]?\s?[+\-\u2212]?"
    r"(\d{1,3}([.,'\u2019\s]\d{3})+|\d+)?([.,]\d*)?(e[+\-]?\d+)?"
    r"\s?[%$€£¥]?\)?",
    re.IGNORECASE,
)
EMPTY_WORDS = [
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "#n/a",
    "#na",
    "#ref!",
    "#value!",
    "#div/0!",
    "#name?",
    "#num!",
    "#null!",
]
MONTH_OR_DAY = re.compile(r"(1[5-9]|2[0-4])\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])?")
HEADER_YEARS = range(1500, 2501)


@dataclass(frozen=True)
class Layout:
    """Rows of a sample.

    Attributes:
        header: Index of the header's row; None where there is none.
        first: Index of the first row of data.
        shapes: How the cells of each column look; empty for a column of words.
    """

    header: int | None
    first: int
    shapes: tuple[frozenset[str], ...]


def find_header(rows: Sequence[Row], width: int) -> Layout:
    """The layout of a table whose rows of data have so many fields; rows above may have any number."""
    shapes = find_shapes([row for row in rows if len(row) == width], width)
    filled = [index for index, row in enumerate(rows) if any(row)]
    kinds = {index: kind_of(rows[index], shapes) for index in filled}
    following = dict(pairwise(filled))
    for index in filled:
        after = following.get(index)
        if kinds[index] == "data" and (after is None or kinds[after] != "names"):
            if after is not None and is_count(rows[index], shapes) and not is_count(rows[after], shapes):
                return Layout(index, after, shapes)
            return look_above(rows, kinds, index, shapes)
    first = next((index for index in filled if len(rows[index]) == width), 0)
    return Layout(first, first + 1, shapes)


def look_above(rows: Sequence[Row], kinds: dict[int, str], first: int, shapes: tuple[frozenset[str], ...]) -> Layout:
    """The layout where a row is surely data: names stand right above it, or above rows that may be data."""
    unsure = None
    begin = first
    above = sorted((index for index in kinds if index < first), reverse=True)
    for index, higher in zip(above, [*above[1:], None], strict=False):
        apart = index + 1 not in kinds and len(rows[index]) == 1 < len(rows[first])  # a title, then an empty line
        if kinds[index] == "names" and not apart:
            if higher is not None and kinds[higher] == "names" and is_fuller(rows[higher], rows[index]):
                return Layout(higher, begin, shapes)
            return Layout(index, begin, shapes)
        if kinds[index] == "data" or len(rows[index]) != len(rows[first]):
            break
        if kinds[index] == "unsure" and unsure is None:
            unsure = index
        begin = index
    return Layout(unsure, first, shapes)


def is_fuller(row: Row, below: Row) -> bool:
    """Whether a row has names for more columns than the one below it, which then holds units."""
    return len(row) == len(below) and sum(map(bool, row)) > sum(map(bool, below))


def kind_of(row: Row, shapes: tuple[frozenset[str], ...]) -> str:
    """Whether a row is like those below ("data"), unlike them ("names"), both ("unsure") or neither ("words")."""
    like = unlike = 0
    for wanted, cell in zip(shapes, row, strict=False):
        found = shape(cell)
        if wanted and found:
            like += (1 + (found.count("0") > 1)) * (found in wanted)  # a date is not by chance
            unlike += found not in wanted
    if like > unlike:
        return "data"
    if unlike:
        return "unsure" if like else "names"
    return "words"


def find_shapes(rows: Sequence[Row], width: int) -> tuple[frozenset[str], ...]:
    """How the cells of each column usually look; nothing for a column of words."""
    shapes = []
    for column in range(width):
        counts = Counter(found for row in rows if (found := shape(row[column])))
        words = counts.pop("a", 0)
        total = counts.total()
        most = max(counts.values(), default=0)
        usual = {found for found, count in counts.items() if count >= min(most, 2) and 20 * count >= total}
        shapes.append(frozenset(usual if total >= words else ()))
    return tuple(shapes)


def shape(cell: str | None) -> str | None:
    """How a cell looks: "0" for a number, "a" for words, "0-0-0" or "a 0" and so on; None where nothing is told."""
    if not cell or cell.lower() in EMPTY_WORDS or not any(letter.isalnum() for letter in cell):
        return None
    if not any(letter.isdigit() for letter in cell):
        return "a"
    if NUMBER.fullmatch(cell):
        return "0"
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell))


def is_count(row: Row, shapes: tuple[frozenset[str], ...]) -> bool:
    """Whether the cells above numbers are times that follow each other: 1990, 1991, 1992 or 202001, 202002."""
    above = [cell for wanted, cell in zip(shapes, row, strict=False) if "0" in wanted and cell]
    cells = [cell for cell in above if cell.isdecimal()]
    if len(cells) < 2 or any(shape(cell) == "0" for cell in above if cell not in cells):
        return False
    steps = {int(after) - int(before) for before, after in pairwise(cells)}
    if all(MONTH_OR_DAY.fullmatch(cell) for cell in cells):
        return min(steps) > 0 or max(steps) < 0
    return len(steps) == 1 and 0 < abs(min(steps)) <= 10 and all(int(cell) in HEADER_YEARS for cell in cells)
