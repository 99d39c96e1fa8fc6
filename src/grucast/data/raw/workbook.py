"""Workbooks of Excel and OpenDocument as frames: dates stay dates, columns of mixed cells are text."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile, is_zipfile

import fastexcel
import polars as pl

from grucast.data.raw.extent import check_extents
from grucast.data.raw.header import Layout, find_header, kind_of
from grucast.data.raw.table import RawTable, check_width, name_frame, skipped
from grucast.data.scalars import listed
from grucast.errors import DataError

HEADER_ROWS = 500  # rows on which the header is looked for
TAIL_ROWS = 100  # rows at the end among which lines below the data are looked for
FEWEST_ROWS = 3  # rows that make a table, where several sheets might


def read_workbook(data: bytes, name: str, sheet: str | None = None, skip_rows: int = 0) -> list[RawTable]:
    """Read a sheet, or without `sheet` all that hold a table.

    Args:
        data: The workbook.
        name: For messages.
        sheet: A name, or a number from 1.
        skip_rows: Rows above the header; where there are some, nothing is guessed.

    Raises:
        DataError: It is damaged, has no such sheet, or no table.
    """
    if is_zipfile(BytesIO(data)):
        check_extents(ZipFile(BytesIO(data)), name)
    try:
        book = fastexcel.read_excel(data)
        wanted = book.sheet_names if sheet is None else [choose(sheet, book.sheet_names, name)]
        found = [read_sheet(book, title, name, skip_rows) for title in wanted]
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{name} cannot be read as a workbook: {str(error).splitlines()[0]}") from error
    filled = [raw for raw in found if raw]
    tables = [raw for raw in filled if len(filled) == 1 or is_table(raw.frame)]
    if not tables:
        sheets = listed([*map(repr, wanted)])
        raise DataError(f"{name} holds no table: none of its sheets ({sheets}) has a header and {FEWEST_ROWS} rows")
    if len(tables) == 1 < len(wanted):
        return [replace(tables[0], notes=("its other sheets hold no table", *tables[0].notes))]
    return tables


def choose(sheet: str, names: Sequence[str], name: str) -> str:
    """The sheet of a name or number."""
    if sheet in names:
        return sheet
    if sheet.isdecimal() and 1 <= int(sheet) <= len(names):
        return names[int(sheet) - 1]
    raise DataError(f"{name} has no sheet {sheet!r}: there are {listed([*map(repr, names)])}")


def is_table(frame: pl.DataFrame) -> bool:
    """Whether a sheet may be what the user wants."""
    return len(frame) >= FEWEST_ROWS and (frame.width > 1 or any(kind.is_numeric() for kind in frame.dtypes))


def read_sheet(book: fastexcel.ExcelReader, title: str, name: str, skip_rows: int) -> RawTable | None:
    """The table of a sheet; None where there is nothing."""
    text = book.load_sheet(title, header_row=None, skip_rows=skip_rows, dtypes="string").to_polars()
    check_width(text.width, name)
    filled = text.select(pl.any_horizontal(pl.all().str.strip_chars() != "").fill_null(value=False)).to_series()
    if not filled.any():
        return None
    begin = filled.arg_max() or 0
    text, filled = text[begin:], filled[begin:]
    layout = find_layout(text, skip_rows > 0)
    end = len(text) - count_below(text[layout.first :], layout)
    frame = book.load_sheet(
        title,
        header_row=None,
        skip_rows=skip_rows + begin + layout.first,
        n_rows=max(end - layout.first, 0),
        schema_sample_rows=None,
        whitespace_as_null=True,
    ).to_polars()
    header = None if layout.header is None else [cell or "" for cell in text.row(layout.header)]
    raw = name_frame(clean(frame if frame.width else text.clear()), header, name)
    top = layout.first if header is None else layout.header or 0
    between = layout.first - top - 1 if filled[top + 1 : layout.first].any() else 0
    lines = skipped(top, between, int(filled[end:].sum()), header is not None)
    several = f"{name}, sheet {title!r}" if len(book.sheet_names) > 1 else name
    return replace(raw, name=several, notes=(*lines, *raw.notes))


def find_layout(text: pl.DataFrame, given: bool) -> Layout:
    """Where the header is."""
    rows = [[(cell or "").strip() for cell in row] for row in text[:HEADER_ROWS].rows()]
    layout = find_header(rows, text.width)
    if given:
        first = next((index for index, row in enumerate(rows) if any(row)), 0)
        return Layout(first, first + 1, layout.shapes)
    return layout


def count_below(text: pl.DataFrame, layout: Layout) -> int:
    """How many rows at the end are empty, or notes below an empty row."""
    rows = text[-TAIL_ROWS:].rows()
    cut = len(rows)
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        if not any(row):
            cut = index
        elif not any(layout.shapes) or kind_of(row, layout.shapes) == "data":
            break
    return len(rows) - cut


def clean(frame: pl.DataFrame) -> pl.DataFrame:
    """Text without blanks around it, and no empty rows."""
    text = pl.col(pl.String).str.strip_chars()
    frame = frame.with_columns(pl.when(text != "").then(text).name.keep())
    return frame.filter(~pl.all_horizontal(pl.all().is_null())) if frame.width else frame
