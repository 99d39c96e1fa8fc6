"""JSON as a frame: records, columns or lines, told by their build."""

import json
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any

import polars as pl

from grucast.data.depth import DEEPEST, is_deep
from grucast.data.raw.flat import flatten, paths
from grucast.data.raw.table import RawTable, check_size
from grucast.data.raw.text import as_text
from grucast.data.scalars import listed
from grucast.errors import DataError

MOST_BYTES_AT_ONCE = 2**27  # bytes of JSON that is not in lines: in the memory it takes many times as much
ALWAYS_CELLS = 2**24  # that lines may always make; more at most ten times their bytes
FIRST_LINES, MOST_LINES = 1000, 16_000  # lines looked at together
WANTED = 'write [{"ds": ..., "y": ...}, ...] or {"ds": [...], "y": [...]}'
GEOJSON = ("FeatureCollection", "Feature", "GeometryCollection")


def read_records(data: bytes, name: str) -> RawTable:
    """Read JSON: an array of records, an object of columns or of one such array, or a record a line.

    Raises:
        DataError: It is neither.
    """
    text, notes = as_text(data, name)
    if not is_lines(text):
        if len(text) > MOST_BYTES_AT_ONCE:
            raise DataError(
                f"{name} has more than {MOST_BYTES_AT_ONCE // 2**20} MiB of JSON: write a record a line, CSV or Parquet"
            )
        try:
            content = json.loads(text, parse_constant=constant)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{name} cannot be read as JSON: {error}") from error
        records, found = find_records(content, name)
        notes += found
        try:
            text = "\n".join(json.dumps(record) for record in records).encode()
        except RecursionError as error:
            raise DataError(f"{name} cannot be read as JSON: it is nested too deeply") from error
    return RawTable(name, *parse_lines(text, name, tuple(notes)))


def is_lines(text: bytes) -> bool:
    """Whether the first line is a whole record, and more follow."""
    line, _, rest = text.lstrip().partition(b"\n")
    try:
        return isinstance(json.loads(line), dict) and bool(rest.strip())
    except (ValueError, RecursionError):
        return False


def parse_lines(text: bytes, name: str, notes: tuple[str, ...]) -> tuple[pl.DataFrame, None, tuple[str, ...]]:
    """A frame of a record a line; objects in it become columns."""
    if is_deep(text):
        raise DataError(f"{name} cannot be read as JSON: more than {DEEPEST} brackets are within each other; {WANTED}")
    try:
        schema = find_schema(text, name)
        frame, left = flatten(pl.scan_ndjson(BytesIO(text), schema=shallow(schema)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{name} cannot be read as JSON: {str(error).splitlines()[0][:200]}") from error
    return frame, None, (*notes, *left)


def find_schema(text: bytes, name: str) -> pl.Schema:
    """The columns of all lines, found piece by piece: the time for a piece grows with its lines times its columns.

    Raises:
        DataError: Lines hold so many different fields that the table would fill the memory.
    """
    lines, most = text.count(b"\n") + 1, max(ALWAYS_CELLS, 10 * len(text))
    kinds: dict[tuple[Any, ...], bytes] = {}
    fields: set[str] = set()
    for piece in pieces(text):
        schema = infer(piece)
        kinds.setdefault(tuple(schema.items()), piece)
        fields |= paths(schema)
        check_size(lines, len(fields), len(text), most, name)
    return schema if len(kinds) == 1 else infer(b"".join(kinds.values()))


def pieces(text: bytes) -> Iterator[bytes]:
    """The lines, more of them each time."""
    file, count = BytesIO(text), FIRST_LINES
    while piece := b"".join(islice(file, count)):
        if not piece.isspace():
            yield piece + b"\n"
        count = min(2 * count, MOST_LINES)


def infer(text: bytes) -> pl.Schema:
    """The columns that polars finds in lines."""
    return pl.scan_ndjson(BytesIO(text), infer_schema_length=None).collect_schema()


def shallow(schema: pl.Schema) -> dict[str, Any]:
    """The columns without what lies deeper than the fields of a record, which would be read only to be left out."""
    return {
        column: pl.Struct({own.name: hollow(own.dtype) for own in kind.fields})
        if isinstance(kind, pl.Struct)
        else hollow(kind)
        for column, kind in schema.items()
    }


def hollow(kind: Any) -> Any:
    """A type of records or lists, with records that hold nothing."""
    if isinstance(kind, pl.List):
        return pl.List(hollow(kind.inner))
    return pl.Struct([]) if isinstance(kind, pl.Struct) else kind


def constant(word: str) -> None:
    """NaN, which some write for a missing number; no other word is JSON."""
    if word != "NaN":
        raise ValueError(f"{word} is not a number of JSON")


def find_records(content: Any, name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The records that JSON holds; and a note of where in it."""
    if is_table(content):
        return content, []
    if not isinstance(content, dict) or not content:
        raise DataError(f"{name} is JSON, but no records: {WANTED}")
    if content.get("type") in GEOJSON:
        raise DataError(f"{name} is GeoJSON, not a table: export the properties as CSV")
    tables = [key for key, value in content.items() if is_table(value)]
    if len(tables) > 1:
        raise DataError(f"{name} holds several arrays of records: write one of {listed(tables)} to a file")
    if tables:
        return content[tables[0]], [f"read the records in {tables[0]!r}"] * (len(content) > 1)
    return from_columns(content, name), []


def from_columns(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The records of an object of columns, or of one that is a record."""
    kinds = {type(value) for value in content.values()}
    if kinds == {dict}:
        return by_row(content, name)
    if kinds == {list}:
        return by_row({key: dict(enumerate(value)) for key, value in content.items()}, name)
    if kinds & {list, dict}:
        raise DataError(f"{name} is JSON, but neither records nor columns: {WANTED}")
    return [content]


def is_table(value: Any) -> bool:
    """Whether this is an array of records."""
    return isinstance(value, list) and bool(value) and all(isinstance(record, dict) for record in value)


def by_row(columns: dict[str, dict[Any, Any]], name: str) -> list[dict[str, Any]]:
    """Records of columns by row, as pandas writes them; of rows by column where only the outer names are numbers."""
    first, *others = columns.values()
    if any(column.keys() != first.keys() for column in others):
        raise DataError(f"{name} is JSON of columns, but they differ in length: write an array of records")
    if all(key.isdecimal() for key in columns) and not any(str(key).isdecimal() for key in first):
        return list(columns.values())
    if "index" not in columns and any(str(key) != str(index) for index, key in enumerate(first)):
        columns = {"index": {key: key for key in first}, **columns}
    return [{column: cells[key] for column, cells in columns.items()} for key in first]
