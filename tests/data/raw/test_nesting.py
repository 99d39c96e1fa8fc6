import io
import struct
from contextlib import suppress

import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from grucast.data.raw.columnar import read_columnar
from grucast.data.raw.nesting import parquet_depth
from grucast.errors import DataError


def written(table):
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


def deep(records):
    """A file without rows whose only column lies in so many records."""
    within = b"\x35\x02\x18\x01f\x15\x02\x00"  # optional, called f, of one field
    count = records + 2
    size = bytes([0xFC, count & 127 | 128, count >> 7 & 127 | 128, count >> 14])
    schema = size + b"\x48\x01r\x15\x02\x00" + within * records + b"\x15\x02\x25\x02\x18\x01x\x00"
    footer = b"\x15\x04\x19" + schema + b"\x16\x00\x19\x0c\x00"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


@pytest.mark.parametrize("records", [0, 1, 5, 40])
def test_depth_is_that_of_what_was_written(records):
    kind = pa.int8()
    for _ in range(records):
        kind = pa.struct([("f", kind), ("g", pa.string())])
    columns = {"y": pa.nulls(2, kind), "ds": pa.array([1, 2], pa.timestamp("us", "UTC")), "n": pa.array([1, 2])}
    assert parquet_depth(written(pa.table(columns))) == 1 + records
    assert parquet_depth(written(pa.table({**columns, "m": pa.nulls(2, pa.map_(pa.string(), pa.int8()))}))) >= 3


def test_depth_of_what_polars_writes_is_known():
    file = io.BytesIO()
    pl.DataFrame({"a": [1], "b": [{"x": 1, "l": [1]}]}).write_parquet(file)
    assert parquet_depth(file.getvalue()) == 4


@pytest.mark.parametrize("records", [100, 1000, 100_000])
def test_columns_so_deep_that_they_would_end_the_process_are_refused(records):
    with pytest.raises(DataError, match=f"^x has {records + 1:,} records and lists within each other, more than 100"):
        read_columnar(deep(records), "x", "Parquet")


def test_columns_that_are_less_deep_are_left_out():
    assert read_columnar(deep(50), "x", "Parquet").notes == ("left out f.f: more than a value in each row",)


def test_damaged_footer_is_refused_or_read(rng):
    whole = written(pa.table({"a": [1, 2], "b": ["x", "y"]}))
    for place, bit in zip(rng.integers(len(whole) // 3, len(whole), 300), rng.integers(0, 8, 300), strict=True):
        content = bytearray(whole)
        content[place] ^= 1 << bit
        with suppress(DataError):
            read_columnar(bytes(content), "x", "Parquet")
