import io
import json
import time

import pandas as pd
import polars as pl
import pytest

from grucast.data.raw import records
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


def test_of_many_columns_that_are_left_out_the_first_are_named():
    raw = read_records(json.dumps([{"ds": 1, **{f"a{i}": [1] for i in range(20)}}]).encode(), "x")
    assert raw.notes == (
        f"left out {', '.join(f'a{i}' for i in range(10))} and 10 more: more than a value in each row",
    )


def test_numbers_among_text_are_text():
    assert read_records(b'[{"a": 1}, {"a": "x"}]', "x").frame["a"].to_list() == ["1", "x"]


BAD = {
    "deep record a line": ('{"ds": 1, "y": 1, "x": ' + "[" * 200 + "]" * 200 + "}\n{}", "more than 32 brackets"),
    "deep records": ('[{"ds": 1, "y": 1, "x": ' + '{"a":' * 200 + "1" + "}" * 200 + "}]", "more than 32 brackets"),
    "cut": ('[{"a": 1}, {"a"', "cannot be read as JSON"),
    "cut line": ('{"a": 1}\n{"a": }\n', "cannot be read as JSON"),
    "NaN in a line": ('{"a": 1}\n{"a": NaN}\n', "cannot be read as JSON"),
    "Infinity": ('[{"a": Infinity}]', "Infinity is not a number of JSON"),
    "deep": ("[" * 100_000, "cannot be read as JSON"),
    "deep line": ('{"a": 1}\n{"a": ' + "[" * 10_000 + "\n", "cannot be read as JSON"),
    "nothing": ("[]", "JSON, but no records"),
    "numbers": ("[1, 2]", "JSON, but no records"),
    "lists": ("[[1, 2], [3, 4]]", "JSON, but no records"),
    "half columns": ('{"a": [1], "b": 2}', "neither records nor columns"),
    "columns of two lengths": ('{"a": [1], "b": [1, 2]}', "they differ in length"),
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


RAGGED = {  # how a record holds a field that no other has
    "fields": '{{"ds": 1, "a{i}": 1}}',
    "fields of records": '{{"ds": 1, "a": {{"a{i}": 1}}}}',
    "fields of records in lists": '{{"ds": 1, "a": [{{"b": {{"a{i}": 1}}}}]}}',
}


@pytest.mark.parametrize("way", RAGGED)
def test_field_for_each_record_is_refused_before_the_table_is_built(way):
    lines = [RAGGED[way].format(i=i) for i in range(9000)]
    begin = time.process_time()
    for text in ("\n".join(lines), f"[{','.join(lines)}]"):
        with pytest.raises(DataError, match=r"^x has .* bytes, but 9,000 rows of \d,\d{3} columns, more than"):
            read_records(text.encode(), "x")
    assert time.process_time() - begin < 5


def test_fields_of_records_count_as_columns():
    record = json.dumps({f"a{i}": {f"b{j}": 1 for j in range(101)} for i in range(100)})
    with pytest.raises(DataError, match=r"^x has 10,100 columns, more than 10,000"):
        read_records(f"{record}\n{record}".encode(), "x")


def test_lists_of_records_that_differ_are_left_out_unread():
    ragged = [{f"a{i}": 1} for i in range(2000)]
    begin = time.process_time()
    raw = read_records(json.dumps([{"ds": 1, "a": ragged, "b": {"c": 2, "d": ragged}}, {"ds": 2}]).encode(), "x")
    assert time.process_time() - begin < 2
    assert raw.frame.rows(named=True) == [{"ds": 1, "b.c": 2}, {"ds": 2, "b.c": None}]
    assert raw.notes == ("left out a, b.d: more than a value in each row",)


def test_columns_found_piece_by_piece_are_those_of_the_whole(monkeypatch, rng):
    monkeypatch.setattr(records, "FIRST_LINES", 1)
    cells = ("1", "2.5", '"x"', "true", "null", '{"a": 1}', '{"a": 2.5, "b": null}', "[1]", '[{"c": 1}]')
    for _ in range(100):
        drawn = rng.choice(cells, (20, 3))
        drawn[:, 0] = rng.choice(cells[:5], 20)
        lines = "\n".join(
            "{" + ", ".join(f'"{rng.choice(list("kl"))}{j}": {c}' for j, c in enumerate(row)) + "}" for row in drawn
        )
        try:
            whole = pl.read_ndjson(io.BytesIO(lines.encode()), infer_schema_length=None).schema
        except pl.exceptions.PolarsError:
            continue
        assert records.find_schema(lines.encode(), "x") == whole


def test_blank_lines_however_many_are_passed_over():
    text = "\n" * 5000 + '{"ds": 1}\n' + "\n" * 40_000 + '{"ds": 2}'
    assert read_records(text.encode(), "x").frame.rows() == [(1,), (2,)]


def test_long_lines_of_pandas_are_read():
    frame = pd.DataFrame({"ds": pd.date_range("2024", periods=1000).astype(str), "y": range(1000)})
    file = io.StringIO()
    frame.to_json(file, orient="records", lines=True)
    assert read_records(file.getvalue().encode(), "x").frame.equals(pl.from_pandas(frame))
