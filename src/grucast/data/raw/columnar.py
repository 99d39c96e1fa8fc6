"""Parquet and Arrow files, looked at before they are read: a small one may hold more than the memory does."""

from collections.abc import Iterator
from io import BytesIO
from struct import error as StructError
from struct import unpack_from

import polars as pl

from grucast.data.raw.flat import flatten, paths
from grucast.data.raw.nesting import parquet_depth
from grucast.data.raw.table import RawTable, check_size
from grucast.errors import DataError, InputError

FILE_CELLS = 2**27  # that a file may always have; more at most a hundred times its bytes
DEEPEST_TYPE = 100  # records and lists within each other
RECORD_BATCH = 3  # of Arrow's kinds of messages
END = b"\xff\xff\xff\xff\0\0\0\0"  # of an Arrow stream


def read_columnar(data: bytes, name: str, kind: str) -> RawTable:
    """Read the file of a table whose columns have types.

    Args:
        data: The file.
        name: For messages.
        kind: "Parquet", "Arrow" or "an Arrow stream".

    Raises:
        DataError: It is damaged, or far larger than it seems.
    """
    try:
        if kind == "an Arrow stream":
            first = data[: 8 + unpack_from("<I", data, 4)[0]]  # its columns, without a row
            schema, rows = pl.read_ipc_stream(BytesIO(first + END)).schema, sum(batch_lengths(data))
        else:
            if kind == "Parquet":
                require_shallow(data, name)
            table = (pl.scan_parquet if kind == "Parquet" else pl.scan_ipc)(BytesIO(data))
            schema, rows = table.collect_schema(), table.select(pl.len()).collect().item()
        check_size(rows, len(paths(schema)), len(data), max(FILE_CELLS, 100 * len(data)), name)
        frame, notes = flatten(pl.read_ipc_stream(BytesIO(data)).lazy() if kind == "an Arrow stream" else table)
    except InputError:
        raise
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        StructError,
        OSError,
        ValueError,
        RecursionError,
    ) as error:
        raise DataError(f"{name} cannot be read as {kind}: {str(error).splitlines()[0][:200]}") from error
    return RawTable(name, frame, None, notes)


def require_shallow(data: bytes, name: str) -> None:
    """Refuse columns so deep that what follows them ends the process."""
    try:
        depth = parquet_depth(data)
    except (ValueError, IndexError, RecursionError) as error:
        raise ValueError("its footer is damaged") from error
    if depth > DEEPEST_TYPE:
        raise DataError(
            f"{name} has {depth:,} records and lists within each other, more than {DEEPEST_TYPE}: write it as CSV"
        )


def batch_lengths(data: bytes) -> Iterator[int]:
    """How many rows each message of an Arrow stream holds, as its header says."""
    at = 0
    while at + 8 <= len(data):
        mark, size = unpack_from("<iI", data, at)
        if mark != -1 or not size:
            return
        message = data[at + 8 : at + 8 + size]
        (root,) = unpack_from("<I", message)
        if field(message, root, 1, "<B") == RECORD_BATCH:
            header = field_at(message, root, 2)
            yield field(message, header + unpack_from("<I", message, header)[0], 0, "<q")
        at += 8 + size + max(0, field(message, root, 3, "<q"))


def field(message: bytes, table: int, index: int, form: str) -> int:
    """A number in a table of a flatbuffer; 0 where it is left out."""
    at = field_at(message, table, index)
    return int(unpack_from(form, message, at)[0]) if at > table else 0


def field_at(message: bytes, table: int, index: int) -> int:
    """Where a field of a table is; at the table itself where it is left out."""
    entries = table - int(unpack_from("<i", message, table)[0])
    if 4 + 2 * index >= unpack_from("<H", message, entries)[0]:
        return table
    return table + int(unpack_from("<H", message, entries + 4 + 2 * index)[0])
