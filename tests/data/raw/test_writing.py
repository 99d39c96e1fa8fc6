import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from math import nan

import polars as pl
import pytest

import grucast
from grucast.data.raw.writing import TablePlace, require_table, write_database
from grucast.errors import ConfigError, DataError

FRAME = pl.DataFrame(
    {
        "unique_id": ["a", "o'b"],
        "ds": [datetime(2024, 1, 31), datetime(2024, 2, 29, 13, 0, 0, 5)],
        "GRU": [1.1, nan],
        "level": [80, 95],
    }
)


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def url(request, tmp_path):
    """A database of each kind, without tables of ours."""
    if request.param != "postgresql":
        return f"{request.param}:///{tmp_path}/x.db"
    import psycopg

    found = request.getfixturevalue("server")
    with psycopg.connect(found) as connection:
        connection.execute('DROP TABLE IF EXISTS "fore casts", t')
    return found


def read(url, table="t"):
    return grucast.data.raw.read_raw(url, query=f'SELECT * FROM "{table}" ORDER BY unique_id')[0][0].frame


def test_a_frame_is_read_as_it_was_written_and_nan_is_null(url):
    write_database(FRAME, TablePlace.of(url, "fore casts", "refuse"))
    found = read(url, "fore casts")
    assert found.columns == FRAME.columns
    assert found["GRU"].to_list() == [1.1, None]
    assert found["level"].cast(pl.Int64).to_list() == [80, 95]
    ds = found["ds"] if found["ds"].dtype != pl.String else found["ds"].str.to_datetime(time_unit="us")
    assert ds.cast(pl.Datetime("us")).to_list() == FRAME["ds"].to_list()


def test_a_table_that_is_there_is_refused_appended_to_or_replaced_as_asked(url):
    write_database(FRAME, TablePlace.of(url, "t", "refuse"))
    with pytest.raises(ConfigError, match=r"already: say what becomes of it"):
        require_table(TablePlace.of(url, "t", "refuse"))
    write_database(FRAME.head(1), TablePlace.of(url, "t", "append"))
    assert read(url)["unique_id"].to_list() == ["a", "a", "o'b"]
    write_database(FRAME.tail(1).drop("level"), TablePlace.of(url, "t", "replace"))
    assert read(url).columns == ["unique_id", "ds", "GRU"]
    assert len(read(url)) == 1


def test_what_fails_leaves_the_table_as_it_was(url):
    write_database(FRAME, TablePlace.of(url, "t", "refuse"))
    for frame, existing in [(FRAME.rename({"level": "other"}), "append"), *unwritable(url)]:
        with pytest.raises(DataError, match="cannot be written") as caught:
            write_database(frame, TablePlace.of(url, "t", existing))
        assert "s3cret" not in str(caught.value)
        assert read(url)["level"].cast(pl.Int64).to_list() == [80, 95]


def unwritable(url):
    """What such a database refuses only when the old table is gone, if there is such a thing."""
    if url.startswith("postgresql"):
        return [(pl.DataFrame({"unique_id": ["a\0"]}), "replace")]
    return [(pl.DataFrame({"unique_id": ["x"], "a": [1], "A": [2]}), "replace")] if url.startswith("sqlite") else []


def test_zones_are_kept(url):
    times = pl.Series([datetime(2024, 7, 1, 10, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))
    frame = pl.DataFrame({"unique_id": ["a"], "ds": times.dt.convert_time_zone("Europe/Berlin"), "y": [1.0]})
    write_database(frame, TablePlace.of(url, "t", "refuse"))
    found = read(url)["ds"][0]
    when = datetime.fromisoformat(found) if isinstance(found, str) else found
    assert when.astimezone(UTC) == times[0]


def test_schemas_of_postgresql_are_named_before_a_point(server):
    import psycopg

    with psycopg.connect(server) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS sales")
        connection.execute("DROP TABLE IF EXISTS sales.t")
    write_database(FRAME, TablePlace.of(server, "sales.t", "refuse"))
    with psycopg.connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM sales.t").fetchone() == (2,)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sqlite:///x.db", None, "append"), "name the one to write with table="),
        (("sqlite:///x.db", "t", "merge"), "existing must be one of refuse, append, replace"),
        (("sqlite://", "t", "append"), "names no file"),
        (("mysql://a/b", "t", "append"), "mysql:// is not read"),
    ],
)
def test_places_without_meaning_are_refused(words, said):
    with pytest.raises(ConfigError, match=said):
        TablePlace.of(*words)


def test_what_is_no_database_is_said_and_stays(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(DataError, match="cannot be written"):
        write_database(FRAME, TablePlace.of(f"sqlite:///{path}", "t", "append"))
    assert path.read_bytes() == b"no database" * 200


def test_a_server_that_is_not_there_is_said_without_its_password():
    with pytest.raises(DataError) as caught:
        require_table(TablePlace.of("postgresql://u:s3cret@127.0.0.1:1/x", "t", "append"))
    assert "s3cret" not in str(caught.value)


def test_many_rows_are_one_transaction(tmp_path, monkeypatch):
    monkeypatch.setattr("grucast.data.raw.writing.ROWS", 2)
    frame = pl.DataFrame({"unique_id": [f"{i}" for i in range(7)], "y": [float(i) for i in range(7)]})
    url = f"sqlite:///{tmp_path}/x.db"
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection, connection:
        connection.execute("CREATE TABLE t (unique_id TEXT, y REAL CHECK (y < 5))")
    with pytest.raises(DataError, match="CHECK"):
        write_database(frame, TablePlace.of(url, "t", "append"))
    assert len(read(url)) == 0
    write_database(frame.head(5), TablePlace.of(url, "t", "append"))
    assert read(url)["y"].to_list() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_to_look_for_a_table_makes_no_file(tmp_path, kind):
    require_table(TablePlace.of(f"{kind}:///{tmp_path}/x.db", "t", "refuse"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DataError, match="cannot be written"):
        require_table(TablePlace.of(f"{kind}:///{tmp_path}/no/x.db", "t", "refuse"))
