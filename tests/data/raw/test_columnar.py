import io
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from grucast.data.raw.columnar import read_columnar
from grucast.data.raw.kinds import find_kind
from grucast.errors import DataError

TABLE = pa.table(
    {
        " day ": [date(2024, 1, 1), date(2024, 1, 2)],
        "sold": pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
        "tags": [["a"], []],
        "place": [{"town": "Leer", "stores": [1]}, {"town": "Emden", "stores": [2]}],
    }
)
FRAME = pl.DataFrame(
    {"day": [date(2024, 1, 1), date(2024, 1, 2)], "sold": [Decimal("1.50"), None], "place.town": ["Leer", "Emden"]},
    schema_overrides={"sold": pl.Decimal(9, 2)},
)


def parquet(table):
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return file.getvalue()


def arrow(table, opener, **options):
    file = io.BytesIO()
    with opener(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return file.getvalue()


WRITERS = {
    "Parquet": parquet,
    "Arrow": lambda table: arrow(table, pa.ipc.new_file, compression="zstd"),
    "an Arrow stream": lambda table: arrow(table, pa.ipc.new_stream),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_types_are_kept_and_lists_left_out(kind):
    data = WRITERS[kind](TABLE)
    assert find_kind(data, "x") == kind
    raw = read_columnar(data, "x", kind)
    assert raw.frame.equals(FRAME)
    assert raw.frame.dtypes == FRAME.dtypes
    left_out = {name for note in raw.notes for name in ("tags", "place.stores") if name in note}
    assert left_out == {"tags", "place.stores"}


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_file_is_refused(kind, capfd):
    data = WRITERS[kind](TABLE)
    for bad in (
        data[:12],
        data[: len(data) // 2],
        data[:8] + b"\x99" * 100,
        data[:-10] if kind != "an Arrow stream" else data[:20],
    ):
        with pytest.raises(DataError, match=f"x cannot be read as {kind}"):
            read_columnar(bad, "x", kind)
    assert capfd.readouterr() == ("", "")


def test_small_file_of_endless_rows_is_refused_before_it_is_read():
    zeros = pa.table({"y": np.zeros(2**28, np.int8)})
    for kind in ("Parquet", "Arrow"):
        data = WRITERS[kind](zeros)
        assert len(data) < 2**20
        with pytest.raises(DataError, match=r"x has .* bytes, but 268,435,456 rows of 1 columns"):
            read_columnar(data, "x", kind)
    stream = arrow(pa.table({"y": pa.nulls(1_234_567)}), pa.ipc.new_stream)
    endless = stream.replace((1_234_567).to_bytes(8, "little"), (10**12).to_bytes(8, "little"))
    with pytest.raises(DataError, match=r"but 1,000,000,000,000 rows"):
        read_columnar(endless, "x", "an Arrow stream")


@pytest.mark.parametrize("kind", WRITERS)
def test_columns_and_fields_of_records_beyond_the_most_are_refused_by_their_number(kind):
    flat = pa.table({f"a{i}": pa.array([1], pa.int8()) for i in range(10_001)})
    nested = pa.table({"a": [{f"b{i}": {f"c{j}": 1 for j in range(101)} for i in range(100)}]})
    for table, columns in ((flat, "10,001"), (nested, "10,100")):
        with pytest.raises(DataError, match=f"^x has {columns} columns, more than 10,000: put series one below"):
            read_columnar(WRITERS[kind](table), "x", kind)


def test_fields_of_records_count_as_columns_of_endless_rows():
    empty = pa.StructArray.from_arrays([pa.nulls(1_234_567) for _ in range(200)], [f"a{i}" for i in range(200)])
    stream = arrow(pa.table({"a": empty}), pa.ipc.new_stream)
    with pytest.raises(DataError, match=r"^x has .* bytes, but 1,234,567 rows of 200 columns, more than 134,217,728"):
        read_columnar(stream, "x", "an Arrow stream")


def test_many_batches_of_a_stream_are_read():
    table = pa.table({"y": list(range(1000))})
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    assert read_columnar(file.getvalue(), "x", "an Arrow stream").frame["y"].to_list() == list(range(1000))
