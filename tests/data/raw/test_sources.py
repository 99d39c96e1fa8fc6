import gzip
import io
import os
import sqlite3
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import polars as pl
import pytest
import xlsxwriter

from grucast.data.raw import content, read_raw
from grucast.errors import ConfigError, DataError, MissingExtraError

TEXT = b"day,sold\n2024-01-01,5\n2024-01-02,6\n"
ROWS = [("2024-01-01", "5"), ("2024-01-02", "6")]


def workbook():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([("n", "y"), (1, 2), (3, 4), (5, 6)]):
            sheet.write_row(row, 0, cells)
    return file.getvalue()


def parquet():
    file = io.BytesIO()
    pl.DataFrame({"n": [1]}).write_parquet(file)
    return file.getvalue()


def database(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    return path.read_bytes()


CONTENTS = {"a.csv": TEXT, "a.dat": TEXT, "a": TEXT, "a.csv.gz": gzip.compress(TEXT), "[1].csv": TEXT}


@pytest.mark.parametrize("name", CONTENTS)
def test_names_of_text_do_not_matter(tmp_path, name):
    (tmp_path / name).write_bytes(CONTENTS[name])
    [[raw]] = read_raw(str(tmp_path / name))
    assert raw.frame.rows() == ROWS
    assert raw.name == str(tmp_path / name)
    assert raw.notes == ()


def test_content_that_belies_its_name_is_told(tmp_path):
    for name, data, note in (
        ("a.csv", workbook(), "read as a workbook, though it is called .csv"),
        ("a.xlsx", TEXT, "read as delimited text, though it is called .xlsx"),
        ("a.txt", b'[{"n": 1}]', "read as JSON, though it is called .txt"),
        ("a.json", parquet(), "read as Parquet, though it is called .json"),
    ):
        (tmp_path / name).write_bytes(data)
        assert read_raw(str(tmp_path / name))[0][0].notes == (note,)


def test_files_of_a_glob_follow_each_other_in_order(tmp_path):
    (tmp_path / "b.csv").write_bytes(TEXT)
    (tmp_path / "a.parquet").write_bytes(parquet())
    names = [[raw.name for raw in tables] for tables in read_raw(str(tmp_path / "*"))]
    assert names == [[str(tmp_path / "a.parquet")], [str(tmp_path / "b.csv")]]


@pytest.mark.parametrize("kind", ["text", "workbook", "database", "packed"])
def test_standard_input_is_of_any_kind(tmp_path, monkeypatch, kind):
    data = {
        "text": TEXT,
        "workbook": workbook(),
        "database": database(tmp_path / "x.db"),
        "packed": gzip.compress(TEXT),
    }
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data[kind])))
    [[raw]] = read_raw("-")
    assert raw.name == "standard input"
    assert raw.frame.row(0) == {"text": ROWS[0], "workbook": (1, 2), "database": (1,), "packed": ROWS[0]}[kind]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [(".", r"name the files in it, such as '\./\*\.csv'"), ("no/*.csv", "matches no file"), ("no.csv", "exist")],
)
def test_what_is_no_file_is_refused(source, wanted):
    with pytest.raises(DataError, match=wanted):
        read_raw(source)


def test_unreadable_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(TEXT)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match=r"a\.csv cannot be read: Permission denied"):
        read_raw(str(tmp_path / "a.csv"))


def test_option_without_a_meaning_is_refused(tmp_path):
    for name, data in {"a.csv": TEXT, "a.parquet": parquet(), "a.xlsx": workbook()}.items():
        (tmp_path / name).write_bytes(data)
    database(tmp_path / "a.db")
    for name, option in (
        ("a.csv", {"query": "SELECT 1"}),
        ("a.xlsx", {"query": "SELECT 1"}),
        ("a.csv", {"sheet": "1"}),
        ("a.db", {"sheet": "1"}),
        ("a.parquet", {"skip_rows": 1}),
        ("a.db", {"skip_rows": 1}),
    ):
        with pytest.raises(ConfigError, match=rf"{next(iter(option))}= is for .*{name} is .*: leave it out"):
            read_raw(str(tmp_path / name), **option)
    with pytest.raises(ConfigError, match="skip_rows is -1"):
        read_raw("x", skip_rows=-1)


def test_sheet_may_be_a_number(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(workbook())
    assert read_raw(str(tmp_path / "a.xlsx"), sheet=1)[0][0].frame.row(0) == (1, 2)


@pytest.mark.parametrize(
    ("package", "name"), [("polars", "a.csv"), ("fastexcel", "a.xlsx"), ("zstandard", "a.zst"), ("sqlalchemy", "a.db")]
)
def test_missing_package_is_named(tmp_path, monkeypatch, package, name):
    data = {"a.csv": TEXT, "a.xlsx": workbook(), "a.zst": b"\x28\xb5\x2f\xfd ", "a.db": database(tmp_path / "a.db")}
    (tmp_path / name).write_bytes(data[name])
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"grucast\[cli\]"):
        read_raw(str(tmp_path / name))


class Answer(BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    def do_GET(self):
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/sales.csv?key=s3cret")
        elif self.path == "/sales/closed" and self.headers["Authorization"] != "Basic dXNlcjpwQHNz":  # user:p@ss
            self.send_response(401)
        elif self.path.startswith("/sales"):
            self.send_response(200)
        else:
            self.send_response(404)
        self.end_headers()
        if self.path.startswith("/sales"):
            self.wfile.write(gzip.compress(TEXT) if ".gz" in self.path else TEXT)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/sales.csv", "/sales?format=csv&key=s3cret", "/sales.csv.gz", "/elsewhere"])
def test_url_is_read(server, path):
    [[raw]] = read_raw(server + path)
    assert raw.frame.rows() == ROWS
    assert raw.name == (server + path).partition("?")[0]
    assert "s3cret" not in repr(raw)


def test_password_is_sent_and_not_shown(server):
    [[raw]] = read_raw(f"{server.replace('//', '//user:p%40ss@')}/sales/closed")
    assert raw.frame.rows() == ROWS
    assert raw.name == f"{server}/sales/closed"
    with pytest.raises(DataError, match="answers 401"):
        read_raw(f"{server}/sales/closed")


def test_error_of_a_server_is_told(server, monkeypatch):
    with pytest.raises(DataError, match=r"http://.*/none\.csv cannot be read: the server answers 404 Not Found"):
        read_raw(f"{server}/none.csv?key=s3cret")
    for url in ("http://user:s3cret@127.0.0.1:1/a.csv", "http://user:s3cret@no.host.invalid/", "http://u:s3cret@h:x/"):
        with pytest.raises(DataError, match="cannot be read: ") as caught:
            read_raw(url)
        assert "s3cret" not in str(caught.value)
    monkeypatch.setattr("grucast.data.raw.content.MOST_DOWNLOADED", 10)
    with pytest.raises(DataError, match="is larger than 0 GiB: download it"):
        read_raw(f"{server}/sales.csv")


def sparse(path, start, end=b"", size=200 * 2**30):
    """A file of nothing but its two ends."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)
        file.seek(size - len(end))
        file.write(end)
    return path


def test_large_file_of_nothing_is_refused_before_it_is_read(tmp_path, monkeypatch):
    table, book = parquet(), workbook()
    ends = {
        "a.csv": (TEXT, b""),
        "a.parquet": (b"PAR1", table),
        "b.parquet": (table, b""),
        "a.xlsx": (book[:100], book),
        "a.json": (b'[{"n": 1},', b"]"),
        "a.gz": (gzip.compress(TEXT), b""),
        "a.arrow": (b"ARROW1", b"ARROW1"),
    }
    said = r" has 214,748,364,800 bytes, but only [\d,]+ of them were ever written: write or download it again$"
    for name, (start, end) in ends.items():
        with pytest.raises(DataError, match=f"{name}{said}"):
            read_raw(str(sparse(tmp_path / name, start, end)))
    with (tmp_path / "a.csv").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(DataError, match=f"^standard input{said}"):
            read_raw("-")
        assert file.buffer.tell() == 0


def test_large_database_of_nothing_is_read_where_it_holds_something(tmp_path):
    database(tmp_path / "a.db")
    os.truncate(tmp_path / "a.db", 200 * 2**30)
    assert read_raw(str(tmp_path / "a.db"))[0][0].frame.rows() == [(1,)]


def test_file_with_holes_is_read_where_a_hundredth_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "SMALL", 1000)
    file = sparse(tmp_path / "a.csv", TEXT, TEXT, 100 * 8192)
    with file.open("rb") as opened:
        content.require_held(opened, "x")
        assert opened.tell() == 0


def test_file_larger_than_the_memory_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(TEXT)

    def full(file, name):
        raise MemoryError

    monkeypatch.setattr(content, "require_held", full)
    with pytest.raises(DataError, match=r"a\.csv is larger than the memory: leave out rows or columns"):
        read_raw(str(tmp_path / "a.csv"))
