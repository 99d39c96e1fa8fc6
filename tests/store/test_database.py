import contextlib
import sqlite3
import sys
from threading import Barrier, BrokenBarrierError, Event, Thread

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from grucast.errors import ConfigError, MissingExtraError, StoreError
from grucast.store import open_store
from grucast.store.database import TRIES


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


def test_reads_wait_for_no_writer(live, hourly, store):
    rows = hourly.filter(unique_id="a").to_dicts()
    live.update(rows[:60], sequence=3)

    def work(connection):
        store.lock(connection, live._key, ['"a"'])
        return live.standing("a"), live.held(), live.events("a"), "a" in live, "b" in live

    standing, (held,), _, *there = store.run(work)
    assert (standing.sequence, held.sequence, there) == (3, 3, [True, False])
    assert held.ds == np.datetime64(rows[59]["ds"], "us")


def test_a_locked_file_is_tried_again_a_few_times(store):
    calls = []

    def work(_):
        calls.append(1)
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
        if len(calls) % 3 or len(calls) > 3:
            raise OperationalError("BEGIN", {}, cause)
        return "done"

    assert store.run(work) == "done"
    with pytest.raises(StoreError, match="database is locked"):
        store.run(work)
    assert len(calls) == 3 + TRIES


def test_a_deadlock_of_postgresql_is_tried_again(server, opening):
    store, both, found = opening(server), Barrier(2, timeout=5), []

    def write(keys):
        def work(connection):
            store.lock(connection, "m", keys[:1])
            with contextlib.suppress(BrokenBarrierError):
                both.wait()
            store.lock(connection, "m", keys[1:])
            both.abort()
            return keys

        found.append(store.run(work))

    threads = [Thread(target=write, args=(keys,)) for keys in (["1", "2"], ["2", "1"])]
    for key in ("1", "2"):
        row = {"model": "m", "series": key, "sequence": 1, "version": 1, "state": b"", "ahead": None}
        store.run(lambda connection, row=row: store.write(connection, [row], []))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [["1", "2"], ["2", "1"]]


def test_writers_that_wait_for_a_series_that_is_deleted_lose_nothing(live, hourly, store, fitted):
    rows, gate, begun = hourly.filter(unique_id="a").to_dicts(), Event(), Event()
    live.update(rows[:40])

    def delete(connection):
        store.delete(connection, live._key, '"a"')
        begun.set()
        gate.wait(5)

    writing = [Thread(target=live.update, args=([rows[40], rows[k]],)) for k in range(41, 47)]
    deleting = Thread(target=store.run, args=(delete,))
    deleting.start()
    begun.wait(5)
    for thread in writing:
        thread.start()
    gate.wait(0.3)
    gate.set()
    for thread in (deleting, *writing):
        thread.join()
    wanted = fitted.stream().update(rows[40:47])[-1]
    assert all(np.array_equal(live.forecast("a")[name], wanted[name]) for name in list(wanted)[1:])


def test_idle_series_of_all_models_are_dropped_with_their_alarms(live, hourly, store):
    rows = hourly.filter(unique_id="a").to_dicts()
    for name in ("old", "new"):
        live.update([row | {"unique_id": name} for row in rows[:60]])
        live.update(rows[60] | {"unique_id": name, "y": 1e6})
    assert store.drop_idle(50) == 0
    store.run(lambda c: c.exec_driver_sql("UPDATE grucast_states SET written = written - 100 WHERE series = '\"old\"'"))
    assert store.drop_idle(50) == 1
    assert [own.unique_id for own in live.held()] == ["new"]
    assert (len(live.events("old")), live.events("new") == []) == (0, False)
    assert live.update(rows[0] | {"unique_id": "old"}).alarm is None
