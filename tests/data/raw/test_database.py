import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import polars as pl
import psycopg
import pytest

from grucast.data.raw import read_raw
from grucast.errors import ConfigError, DataError, MissingExtraError

ROWS = [
    (date(2024, 1, 1), Decimal("1.50"), "a"),
    (date(2024, 1, 2), None, "b"),
    (date(2024, 1, 3), Decimal("3.25"), "a%b"),
]
FRAME = pl.DataFrame(ROWS, schema={"day": pl.Date, "sold": pl.Decimal(38, 2), "shop": pl.String}, orient="row")
QUERY = "SELECT day, sold, shop FROM sales ORDER BY day"


@pytest.fixture
def sqlite_file(tmp_path):
    path = tmp_path / "shop #1 50%.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "the sales" (day TEXT, sold REAL, any)')
        connection.executemany(
            'INSERT INTO "the sales" VALUES (?, ?, ?)', [("2024-01-01", 1.5, 7), ("2024-01-02", None, "x")]
        )
    return path


@pytest.fixture
def duckdb_file(tmp_path):
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE sales (day DATE, sold DECIMAL(9, 2), shop TEXT)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", ROWS)
    return path


@pytest.fixture
def filled(server):
    """The server with one table."""
    with psycopg.connect(server) as connection:
        connection.execute("DROP TABLE IF EXISTS sales, till")
        connection.execute("CREATE TABLE sales (day date, sold numeric(9, 2), shop text)")
        connection.cursor().executemany("INSERT INTO sales VALUES (%s, %s, %s)", ROWS)
    return server


def read(source, **options):
    [[raw]] = read_raw(str(source), **options)
    return raw


def test_only_table_of_sqlite_is_read(sqlite_file):
    for source in (sqlite_file, f"sqlite:///{sqlite_file}"):
        raw = read(source)
        assert raw.name == str(sqlite_file)
        assert raw.frame.rows() == [("2024-01-01", 1.5, "7"), ("2024-01-02", None, "x")]
        assert raw.frame.dtypes == [pl.String, pl.Float64, pl.String]


def test_query_of_sqlite_is_run_as_given(sqlite_file):
    raw = read(sqlite_file, query="SELECT day, sold, sold FROM 'the sales' WHERE day LIKE '%01' OR day = ':x?'")
    assert raw.frame.to_dict(as_series=False) == {"day": ["2024-01-01"], "sold": [1.5], "sold_2": [1.5]}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT * FROM no_table", "no such table: no_table"),
        ("DELETE FROM 'the sales'", "readonly"),
        ("SELECT 1; SELECT 2", "one statement"),
    ],
)
def test_query_that_gives_no_rows_is_refused(sqlite_file, query, wanted):
    with pytest.raises(DataError, match=rf"shop #1 50%.sqlite cannot be read: .*{wanted}"):
        read(sqlite_file, query=query)
    assert len(read(sqlite_file).frame) == 2


def test_several_tables_are_named(sqlite_file, duckdb_file, filled):
    with closing(sqlite3.connect(sqlite_file)) as connection, connection:
        connection.execute("CREATE TABLE till (a)")
    with duckdb.connect(duckdb_file) as connection:
        connection.execute("CREATE TABLE till (a INT)")
    with psycopg.connect(filled) as connection:
        connection.execute("CREATE TABLE till (a int)")
    for source in (sqlite_file, duckdb_file, filled):
        with pytest.raises(
            DataError, match=r"holds 2 tables \((sales, till|the sales, till)\): choose with query= \(--query\)"
        ):
            read(source)


def test_database_without_a_table_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        connection.execute("CREATE VIEW v AS SELECT 1")
    with pytest.raises(DataError, match="holds no table: take rows from a view with query="):
        read(tmp_path / "x.db")


def test_duckdb_keeps_types(duckdb_file):
    for source in (duckdb_file, f"duckdb:///{duckdb_file}"):
        for query in (None, QUERY):
            raw = read(source, query=query)
            assert raw.frame.rows() == ROWS
            assert raw.frame.dtypes == FRAME.dtypes


@pytest.mark.parametrize(
    "query", ["DELETE FROM sales", "COPY sales TO 'x.csv'", "SELECT * FROM read_csv('/etc/passwd')"]
)
def test_duckdb_is_read_alone(duckdb_file, query):
    with pytest.raises(DataError, match=r"shop.duckdb cannot be read: "):
        read(duckdb_file, query=query)


def test_postgresql_keeps_types(filled):
    for source in (filled, filled.replace("postgresql", "postgres", 1)):
        for query in (None, QUERY, QUERY + ";", "WITH x AS (SELECT * FROM sales) SELECT * FROM x ORDER BY day"):
            raw = read(source, query=query)
            assert raw.frame.rows() == ROWS
            assert raw.frame.dtypes == FRAME.dtypes
            assert raw.name == filled.replace("s3cret", "***")


def test_times_with_a_zone_are_the_same_instants(filled):
    moment = datetime(2024, 7, 1, 12, tzinfo=UTC)
    query = (
        "SELECT timestamptz '2024-07-01 14:00+02' AS at, 'NaN'::numeric AS no, 5::bigint AS n, '{\"a\": 1}'::jsonb AS j"
    )
    raw = read(filled, query=query)
    assert raw.frame.row(0) == (moment, None, 5, "{'a': 1}")


def test_many_rows_come_whole(filled):
    raw = read(filled, query="SELECT n, n / 4.0 AS y FROM generate_series(1, 25001) n")
    assert raw.frame["n"].to_list() == list(range(1, 25002))


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM sales",
        "COMMIT; DELETE FROM sales",
        "WITH x AS (DELETE FROM sales RETURNING 1) SELECT * FROM x",
        "SELEC",
    ],
)
def test_postgresql_is_read_alone(filled, query):
    with pytest.raises(DataError, match="cannot be read"):
        read(filled, query=query)
    assert read(filled).frame.rows() == ROWS


def test_endless_answer_of_postgresql_is_ended(filled, monkeypatch):
    monkeypatch.setattr("grucast.data.raw.database.SECONDS", 1)
    with pytest.raises(DataError, match="statement timeout"):
        read(filled, query="SELECT pg_sleep(60)")


def test_too_many_cells_are_refused(sqlite_file, monkeypatch):
    monkeypatch.setattr("grucast.data.raw.values.MOST_CELLS", 100_000)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with pytest.raises(DataError, match="more than 100,000 cells: take fewer rows"):
        read(sqlite_file, query=endless)


@pytest.mark.parametrize(
    "url",
    [
        "{scheme}://tester:wr0ng@{host}/postgres",
        "{scheme}://tester:wr0ng@{host}/postgres?password=wr0ng",
        "{scheme}://tester:wr0ng@127.0.0.1:1/postgres",
        "{scheme}://tester:wr0ng@no.such.host.invalid/postgres?connect_timeout=2",
        "{scheme}://tester:w@r0ng@{host}/postgres",
        "{scheme}://tester:wr0ng@{host}x/postgres",
        "mysql://tester:wr0ng@{host}/postgres",
        "{scheme}://tester:wr0ng@{host}/postgres?wr0ng=1",
    ],
)
def test_no_message_holds_a_password(server, url):
    host = server.partition("@")[2].partition("/")[0]
    with pytest.raises((DataError, ConfigError)) as caught:
        read(url.format(scheme="postgresql", host=host), query="SELECT 1")
    assert "r0ng" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "error", "wanted"),
    [
        ("mysql://h/d", ConfigError, "mysql:// is not read: give a path"),
        ("sqlite://", ConfigError, "names no file"),
        ("sqlite:///no/such.db", DataError, "no/such.db does not exist"),
        ("duckdb:///no/such.db", DataError, "no/such.db does not exist"),
        ("postgresql://h:port/d", ConfigError, "cannot be read: write postgresql://user:password@host"),
    ],
)
def test_url_of_no_database_is_refused(source, error, wanted):
    with pytest.raises(error, match=wanted):
        read(source)


def test_damaged_database_is_refused(sqlite_file, duckdb_file):
    for path in (sqlite_file, duckdb_file):
        data = path.read_bytes()
        path.write_bytes(data[:100] + b"\x99" * (len(data) - 100))
        with pytest.raises(DataError, match="cannot be read: "):
            read(path)


def test_missing_driver_is_named(server, duckdb_file, monkeypatch):
    for package in ("psycopg", "duckdb"):
        monkeypatch.setitem(sys.modules, package, None)
    for source in (server, duckdb_file):
        with pytest.raises(MissingExtraError, match=r"grucast\[sql\]"):
            read(source)
