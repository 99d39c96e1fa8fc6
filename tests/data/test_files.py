import gzip
import io
import sys
import tracemalloc

import polars as pl
import pytest

from grucast import read
from grucast.errors import DataError

FRAME = pl.DataFrame({"unique_id": ["a", "a", "b"], "ds": [1, 2, 1], "y": [1.5, None, -2.0]})
ROWS = "unique_id,ds,y\na,1,1.5\na,2,\nb,1,-2.0\n"
CONTENTS = {
    "data.csv": ROWS.encode(),
    "data.tsv": ROWS.replace(",", "\t").encode(),
    "data.txt": ROWS.replace(",", "\t").encode(),
    "upper.CSV": ROWS.encode(),
    "crlf.csv": ROWS.replace("\n", "\r\n").encode(),
    "mark.csv": b"\xef\xbb\xbf" + ROWS.encode(),
    "wide.csv": ROWS.encode("utf-16"),
    "no last line end.csv": ROWS.rstrip().encode(),
    "blank lines.csv": ROWS.replace("a,2", "\na,2").encode() + b"\n\n",
    "semicolons.csv": ROWS.replace(",", ";").replace(".", ",").encode(),
    "semicolons and points.csv": ROWS.replace(",", ";").encode(),
    "quotes.csv": ROWS.replace("b,", '"b",').encode(),
    "[1].csv": ROWS.encode(),
    "data.jsonl": FRAME.write_ndjson().encode(),
    "data.ndjson": b'{"unique_id":"a","ds":1,"y":1.5}\n{"unique_id":"a","ds":2}\n{"unique_id":"b","ds":1,"y":-2}',
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_file_of_each_kind_is_read(tmp_path, name, packed):
    path = tmp_path / (name + ".gz" * packed)
    path.write_bytes(gzip.compress(CONTENTS[name]) if packed else CONTENTS[name])
    assert read(path).equals(FRAME)


def test_packed_parquet_is_read(tmp_path):
    buffer = io.BytesIO()
    FRAME.write_parquet(buffer)
    (tmp_path / "data.parquet.gz").write_bytes(gzip.compress(buffer.getvalue()))
    assert read(tmp_path / "data.parquet.gz").equals(FRAME)


def test_line_breaks_in_quotes_belong_to_the_field(tmp_path):
    (tmp_path / "data.csv").write_text('unique_id,ds,y\n"a\nb",1,2\n')
    assert read(tmp_path / "data.csv")["unique_id"].to_list() == ["a\nb"]


def test_files_of_a_glob_follow_each_other_in_order(tmp_path):
    FRAME[2:].with_columns(note=pl.lit("x")).write_csv(tmp_path / "b.csv")
    FRAME[:2].write_parquet(tmp_path / "a.parquet")
    got = read(str(tmp_path / "*"))
    assert got.drop("note").equals(FRAME)
    assert got["note"].to_list() == [None, None, "x"]


def test_standard_input_is_read_as_csv(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ROWS.encode())))
    assert read("-").equals(FRAME)


def test_file_of_a_glob_is_named_in_its_error(tmp_path):
    FRAME.write_csv(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("ds,y\n1,x\n")
    with pytest.raises(DataError, match=r"row 1 of .*b\.csv has y = 'x'"):
        read(tmp_path / "*.csv")
    (tmp_path / "b.csv").write_text("unique_id,ds,y\n7,1,2\n")
    with pytest.raises(DataError, match=r"unique_id is String in .*a\.csv but Int64 in .*b\.csv"):
        read(tmp_path / "*.csv")


BAD = {
    "empty.csv": (b"", "is empty"),
    "lines.csv": (b"\n\n", "is empty|no column"),
    "header.csv": (b"ds,y\n", "no rows"),
    "no header.csv": (b"2024-01-01,5\n2024-01-02,6\n", "no column for ds: .* found 2024-01-01, 5"),
    "latin.csv": ("ds,y,größe\n1,2,ü\n".encode("latin-1"), "not UTF-8 text: save"),
    "half.csv": (b"\xff\xfed", "UTF-16 text but is not"),
    "binary.csv": (bytes(range(256)), "binary file"),
    "ragged.csv": (b"ds,y\n1,2\n1,2,3\n", "more fields than columns"),
    "quote.csv": (b'ds,y\n1,"2\n', "cannot be read as csv"),
    "formula.csv": (b"ds,y\n1,=1+1\n", r"row 1 .* y = '=1\+1', which is not a number"),
    "mac.csv": (b"ds,y\r1,2\r", "carriage returns"),
    "twice.csv": (b"ds,y,y\n1,2,3\n", "two columns named 'y'"),
    "both.csv": (b"ds;y\n1;1.234,5\n", "decimal point alone"),
    "columns.csv": (b"ds," + b",".join(b"y%d" % i for i in range(100_000)) + b"\n", "100,001 columns, .*below"),
    "data.parquet": (b"PAR1 not really", "cannot be read as parquet"),
    "data.jsonl": (b'{"ds": 1, "y": }\n', "cannot be read as jsonl"),
    "deep.jsonl": (b'{"ds": ' + b"[" * 10_000 + b"\n", "cannot be read as jsonl"),
    "list.jsonl": (b'{"ds": 1, "y": [1, 2]}\n', "y .*List"),
    "data.csv.gz": (b"ds,y\n1,2\n", "not a whole gzip file"),
    "cut.csv.gz": (gzip.compress(ROWS.encode())[:-9], "not a whole gzip file"),
    "data.xlsx": (b"PK", "unknown suffix"),
    "data": (b"", "unknown suffix"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_refused_with_its_name_and_cause(tmp_path, name, capfd):
    content, wanted = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=wanted) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 500
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("source", "wanted"), [(".", "folder"), ("no/*.csv", "matches no file"), ("no.csv", "exist")])
def test_what_is_no_file_is_refused(source, wanted):
    with pytest.raises(DataError, match=wanted):
        read(source)


@pytest.mark.parametrize(("name", "wanted"), [("line.csv", "line of more than 16 MiB"), ("bomb.csv.gz", "hundred")])
def test_endless_line_and_gzip_bomb_are_refused_in_little_memory(tmp_path, name, wanted):
    with gzip.open(tmp_path / name, "wb", 1) if name.endswith("gz") else (tmp_path / name).open("wb") as file:
        file.write(b"ds,y\n")
        for _ in range(100):
            file.write((b"1,0\n" if name.endswith("gz") else b"1111") * 2**19)
    tracemalloc.start()
    with pytest.raises(DataError, match=wanted):
        read(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**28
