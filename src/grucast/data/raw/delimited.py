"""Delimited text as a frame of text: a sample decides how it is written, polars reads it.

The sampler is our own: DuckDB's passes over `sep=` lines, UTF-16, Windows-1252 and lines above the header, and picks
day or month without a word; charset-normalizer takes short Windows-1252 texts for other alphabets.
"""

import csv
import re
from dataclasses import replace
from io import BytesIO, StringIO, TextIOWrapper
from itertools import islice

import polars as pl

from grucast.data.raw.dialect import Sample, decide, fields, ill_divided, too_many
from grucast.data.raw.header import kind_of
from grucast.data.raw.table import RawTable, check_width, name_frame, skipped
from grucast.data.raw.text import as_text
from grucast.errors import DataError

STATED = re.compile(rb'\s*"?sep=(.)"?[ \t]*\n')  # what Excel writes, and reads, as the first line
TAIL_BYTES = 2**16  # bytes at the end among which lines below the data are looked for
GAP = re.compile(rb"\n[^\S\n]*\n")


def read_delimited(data: bytes, name: str, skip_rows: int = 0) -> RawTable:
    """Read the text of a table.

    Args:
        data: The text, in any encoding.
        name: For messages.
        skip_rows: Lines above the header; where there are some, nothing is guessed.

    Raises:
        DataError: It is not a table.
    """
    text, notes = as_text(data, name)
    stated = STATED.match(text)
    text = text[max(stated.end() if stated else 0, size_of_lines(text, skip_rows)) :]
    if not text.strip():
        raise DataError(f"{name} is empty" + (f" below its first {skip_rows} lines" if skip_rows else ""))
    sample = decide(text, name, stated[1].decode() if stated else None, skip_rows > 0)
    body = text[size_of_lines(text, sample.lines[sample.layout.first]) :]
    body, below = cut_footer(body, sample)
    raw = parse(body, sample, name)
    lines = skipped(sample.above, sample.between, below, sample.header is not None)
    separator = sample.separator if sample.width > 1 else None
    return replace(raw, separator=separator, notes=(*notes, *lines, *raw.notes))


def parse(body: bytes, sample: Sample, name: str) -> RawTable:
    """The rows of data as a frame with the header's names."""
    wanted = len(sample.header or range(sample.width))
    widest = max((len(row) for row in sample.rows[sample.layout.first :]), default=0)
    check_width(widest, name)
    frame = read_body(body, sample.separator, max(wanted, widest), wanted, name)
    return name_frame(frame[:, :wanted], sample.header, name)


def read_body(body: bytes, separator: str, width: int, wanted: int, name: str) -> pl.DataFrame:
    """Rows of stripped text, without blank ones; refuses a field beyond those wanted."""
    mark = separator.encode()
    if mark + b' "' in body:
        body = re.sub(re.escape(mark) + rb' +"(?!")', mark + b'"', body)
    if not is_well_quoted(body, mark):
        return read_slowly(body, separator, wanted, name)
    try:
        frame = scan(body, mark, width)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return read_slowly(body, separator, wanted, name)
    if not all(column.is_null().all() for column in frame.iter_columns() if int(column.name) >= wanted):
        return read_slowly(body, separator, wanted, name)
    return frame


def is_well_quoted(body: bytes, mark: bytes) -> bool:
    """Whether each quote opens or closes a field; where one does not, polars loses rows without a word."""
    if b'"' not in body:
        return True
    body = body.replace(b'""', b"")
    opened = body.count(mark + b'"') + body.count(b'\n"') + body.startswith(b'"')
    closed = body.count(b'"' + mark) + body.count(b'"\n') + body.endswith(b'"')
    return opened == closed and opened + closed == body.count(b'"')


def scan(body: bytes, mark: bytes, width: int) -> pl.DataFrame:
    """Let polars read rows of text; with a header of our own, so that all rows are held to its width."""
    head = mark.join(b"%d" % index for index in range(width)) + b"\n"
    return strip(pl.read_csv(BytesIO(head + body), separator=mark.decode(), infer_schema=False))


def strip(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells without blanks around them, null where nothing is left, and no rows of nulls only."""
    text = pl.all().str.strip_chars()
    frame = frame.select(pl.when(text != "").then(text))
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))


def read_slowly(body: bytes, separator: str, wanted: int, name: str) -> pl.DataFrame:
    """Read with the standard library what polars does not; names the first row with more fields than wanted."""
    rows = []
    number = 0
    try:
        for row in csv.reader(TextIOWrapper(BytesIO(body), "utf-8", newline="\n"), delimiter=separator, strict=True):
            found = fields([cell.strip() for cell in row])
            number += found > 0
            if found > wanted:
                raise too_many(name, number, found, wanted)
            rows.append(row[:wanted] + [""] * (wanted - len(row)))
    except csv.Error as error:
        raise ill_divided(f"row {number + 1:,} of {name} or one below it", "limit" in str(error)) from error
    return strip(pl.DataFrame(rows, {str(index): pl.String for index in range(wanted)}, orient="row"))


def cut_footer(body: bytes, sample: Sample) -> tuple[bytes, int]:
    """The rows of data without lines of text below an empty line, and how many lines these are."""
    begin = max(0, len(body) - TAIL_BYTES)
    cut = len(body)
    for gap in reversed(list(GAP.finditer(body, begin))):
        below = StringIO(body[gap.end() : cut].decode(errors="replace"))
        kinds = [
            kind_of(row, sample.layout.shapes) for row in csv.reader(below, delimiter=sample.separator) if any(row)
        ]
        if "data" in kinds or not any(sample.layout.shapes) or body.count(b'"', 0, gap.start()) % 2:
            break
        cut = gap.start() + 1
    return body[:cut], len(body[cut:].strip().splitlines())


def size_of_lines(text: bytes, count: int) -> int:
    """How many bytes the first lines have."""
    return sum(len(line) for line in islice(BytesIO(text), count))
