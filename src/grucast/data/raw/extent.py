"""How far the sheets of a workbook reach: a few cells far apart would fill the memory with empty ones."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, iterparse
from zipfile import BadZipFile, ZipFile

from grucast.errors import DataError

SHEET_CELLS = 2**24  # that a sheet may always reach over; more at most a hundred times those that it holds
FAR_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{3}\d|[A-Za-z]*\d{5})""")  # a place that may be far out
PLACE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)(\d+)""")
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
Extent = tuple[int, int, int]  # rows, columns, cells that are held


def check_extents(archive: ZipFile, name: str) -> None:
    """Refuse a workbook with a sheet that reaches much further than its cells fill."""
    try:
        extents = list(open_document(archive) if "content.xml" in archive.namelist() else excel(archive))
    except (BadZipFile, OSError, NotImplementedError, ValueError, RuntimeError, ParseError) as error:
        raise DataError(f"{name} is a damaged workbook: {error}") from error
    for rows, columns, cells in extents:
        if rows * columns > max(SHEET_CELLS, 100 * cells):
            raise DataError(
                f"{name} has a sheet of {rows:,} rows and {columns:,} columns with {cells:,} cells: "
                "delete what stands far out, or save it as CSV"
            )


def excel(archive: ZipFile) -> Iterator[Extent]:
    """Of each sheet of a .xlsx file."""
    for member in archive.namelist():
        if not re.fullmatch(r"xl/\w*sheets/.*\.xml", member, re.IGNORECASE):
            continue
        xml = archive.read(member)
        if FAR_PLACE.search(xml):
            places = PLACE.findall(xml)
            columns = {letters.upper() for letters, _ in places}
            yield max(int(row) for _, row in places), max(map(number_of, columns)), len(places)


def number_of(letters: bytes) -> int:
    """The number of a column: 1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def open_document(archive: ZipFile) -> Iterator[Extent]:
    """Of each sheet of a .ods file, where rows and cells are written once and repeated."""
    rows = columns = cells = last = 0
    with archive.open("content.xml") as file:
        for _, element in iterparse(file):
            if element.tag == TABLE + "table":
                yield last, columns, cells
                rows = columns = cells = last = 0
            if element.tag == TABLE + "table-row":
                rows += repeated(element, "rows")
                width = reach(element)
                last, columns, cells = rows if width else last, max(columns, width), cells + len(element)
                element.clear()


def reach(row: Element) -> int:
    """How far the cells of a row reach that are not empty."""
    far = at = 0
    for cell in row:
        at += repeated(cell, "columns")
        far = at if len(cell) or any("value" in key for key in cell.attrib) else far
    return far


def repeated(element: Element, what: str) -> int:
    """How often a row or cell is repeated."""
    return int(element.get(f"{TABLE}number-{what}-repeated", 1))
