import sys

import pytest

from grucast.errors import ConfigError, MissingExtraError, StoreError
from grucast.store import open_store


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("mysql://u:s3cret@h/d", "mysql:// is not read"),
        ("sqlite://", "would keep nothing"),
        ("sqlite:///:memory:", "would keep nothing"),
        ("duckdb:///x.duckdb", "not DuckDB"),
    ],
)
def test_url_of_no_store_is_refused(url, wanted):
    with pytest.raises(ConfigError, match=wanted) as caught:
        open_store(url)
    assert "s3cret" not in str(caught.value)


def test_a_store_that_does_not_answer_is_one_error_without_its_password(tmp_path):
    for url in (f"sqlite:///{tmp_path}/no/such/folder.db", "postgresql://tester:s3cret@127.0.0.1:1/postgres"):
        with pytest.raises(StoreError, match="nothing was written") as caught:
            open_store(url)
        assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path):
    path = tmp_path / "notes.db"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"not a database " * 100


def test_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[sql\]"):
        open_store("postgresql://h/d")


def test_each_commit_of_sqlite_is_synced(opening, tmp_path):
    store = opening(f"sqlite:///{tmp_path / 'streams.db'}")
    settings = ("journal_mode", "wal"), ("synchronous", 2)
    for name, wanted in settings:
        assert store.run(lambda c, name=name: c.exec_driver_sql(f"PRAGMA {name}").scalar()) == wanted
