import io
import json

import pandas as pd
import polars as pl
import pytest

from grucast.data.raw.records import read_records
from grucast.errors import DataError

RECORDS = [{"ds": "2024-01-01", "y": 1}, {"ds": "2024-01-02", "y": 2.5}, {"ds": "2024-01-03", "y": None}]
FRAME = pl.DataFrame({"ds": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1.0, 2.5, None]})
COLUMNS = {key: [record[key] for record in RECORDS] for key in ("ds", "y")}
WAYS = {
    "records": json.dumps(RECORDS),
    "records, indented": json.dumps(RECORDS, indent=1),
    "NaN": json.dumps(RECORDS).replace("null", "NaN"),
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "lines and blank ones": "\n\n".join(map(json.dumps, RECORDS)) + "\r\n",
    "columns": json.dumps(COLUMNS),
    "columns by row": json.dumps({key: dict(enumerate(values)) for key, values in COLUMNS.items()}),
    "rows by column": json.dumps(dict(enumerate(RECORDS))),
    "inside": json.dumps({"data": RECORDS}),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_write_a_table_gives_the_same_cells(way):
    raw = read_records(WAYS[way].encode(), "x")
    assert raw.frame.equals(FRAME)
    assert raw.notes == ()


@pytest.mark.parametrize("orient", ["records", "columns", "index"])
def test_what_pandas_writes_is_read(orient):
    frame = pd.DataFrame({"ds": ["a", "b"], "y": [1.5, 2.5]})
    assert read_records(frame.to_json(orient=orient).encode(), "x").frame.equals(pl.from_pandas(frame))


def test_names_of_rows_are_kept():
    frame = pd.Series([1, 2], index=["2024-01-01", "2024-01-02"]).to_frame("y")
    raw = read_records(frame.to_json().encode(), "x")
    assert raw.frame.rows() == [("2024-01-01", 1), ("2024-01-02", 2)]
    assert raw.frame.columns == ["index", "y"]


def test_records_beside_other_members_are_found_and_told():
    raw = read_records(json.dumps({"status": "ok", "data": RECORDS}).encode(), "x")
    assert raw.frame.equals(FRAME)
    assert raw.notes == ("read the records in 'data'",)


def test_records_in_records_become_columns():
    lines = b'{"a": {"b": 1, "c": {"d": 2}}, "e": [1]}\n{"a": {"b": 2}}\n'
    raw = read_records(lines, "x")
    assert raw.frame.rows(named=True) == [{"a.b": 1}, {"a.b": 2}]
    assert raw.notes == ("left out a.c, e: more than a value in each row",)


def test_numbers_among_text_are_text():
    assert read_records(b'[{"a": 1}, {"a": "x"}]', "x").frame["a"].to_list() == ["1", "x"]


BAD = {
    "deep record a line": ('{"ds": 1, "y": 1, "x": ' + "[" * 200 + "]" * 200 + "}\n{}", "more than 32 brackets"),
    "deep records": ('[{"ds": 1, "y": 1, "x": ' + '{"a":' * 200 + "1" + "}" * 200 + "}]", "more than 32 brackets"),
    "cut": ('[{"a": 1}, {"a"', "cannot be read as JSON"),
    "cut line": ('{"a": 1}\n{"a": }\n', "cannot be read as JSON"),
    "NaN in a line": ('{"a": 1}\n{"a": NaN}\n', "cannot be read as JSON"),
    "Infinity": ('[{"a": Infinity}]', "Infinity is no number of JSON"),
    "deep": ("[" * 100_000, "cannot be read as JSON"),
    "deep line": ('{"a": 1}\n{"a": ' + "[" * 10_000 + "\n", "cannot be read as JSON"),
    "nothing": ("[]", "JSON, but no records"),
    "numbers": ("[1, 2]", "JSON, but no records"),
    "lists": ("[[1, 2], [3, 4]]", "JSON, but no records"),
    "half columns": ('{"a": [1], "b": 2}', "neither records nor columns"),
    "columns of two lengths": ('{"a": [1], "b": [1, 2]}', "not the same rows"),
    "two tables": (json.dumps({"a": RECORDS, "b": RECORDS}), "several arrays of records: .* a, b"),
    "GeoJSON": ('{"type": "FeatureCollection", "features": [{"type": "Feature"}]}', "is GeoJSON"),
    "objects among values": ('[{"a": {"b": 1}}, {"a": 2}]', "cannot be read as JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_table_is_refused(name, capfd):
    text, wanted = BAD[name]
    with pytest.raises(DataError, match=f"^x .*{wanted}") as caught:
        read_records(text.encode(), "x")
    assert len(str(caught.value)) < 300
    assert capfd.readouterr() == ("", "")


def test_column_for_each_record_is_refused_before_it_fills_the_memory():
    lines = "\n".join(f'{{"a{i}": 1}}' for i in range(11_000))
    with pytest.raises(DataError, match="11,000 columns, more than 10,000"):
        read_records(lines.encode(), "x")


def test_long_lines_of_pandas_are_read():
    frame = pd.DataFrame({"ds": pd.date_range("2024", periods=1000).astype(str), "y": range(1000)})
    file = io.StringIO()
    frame.to_json(file, orient="records", lines=True)
    assert read_records(file.getvalue().encode(), "x").frame.equals(pl.from_pandas(frame))
