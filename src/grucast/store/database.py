"""Two tables of a SQLite file or a PostgreSQL database: the state of each series, and its alarms."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from grucast.data.raw.database import load, parse_url
from grucast.errors import ConfigError, StoreError
from grucast.store.engines import WAIT, is_passing, open_postgresql, open_sqlite

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BATCH = 500  # keys of a query
TRIES = 5  # of a transaction that others are in the way of
ALARMS = 1000  # kept of a series, the newest
T = TypeVar("T")


class Store:
    """A database of states; `open_store` makes one. Threads may share it.

    A state is committed before an update returns: it survives kill -9, and a power cut where the disk keeps what it has
    confirmed (SQLite: write-ahead log, synchronous=FULL; PostgreSQL: as the server is set, by default
    synchronous_commit=on).

    Args:
        engine: SQLAlchemy's engine.
        name: What messages call it, without a password.
    """

    def __init__(self, engine: "Engine", name: str) -> None:
        self.name, self._engine = name, engine
        self._sql = sql = load("sqlalchemy", "SQLAlchemy (to keep streams)", "cli")
        self._turn: Any = Lock() if engine.dialect.name == "sqlite" else nullcontext()  # fairer than SQLite's waiting
        self._tables = tables = sql.MetaData()
        key = [("model", sql.String(64)), ("series", sql.Text)]
        self.states = sql.Table(
            "grucast_states",
            tables,
            *(sql.Column(name, kind, primary_key=True) for name, kind in key),
            sql.Column("sequence", sql.BigInteger),
            sql.Column("version", sql.BigInteger),
            sql.Column("written", sql.BigInteger),  # seconds since 1970
            sql.Column("state", sql.LargeBinary),
            sql.Column("ahead", sql.LargeBinary),
        )
        number = sql.BigInteger().with_variant(sql.Integer, "sqlite")  # SQLite counts up INTEGER alone
        self.events = sql.Table(
            "grucast_events",
            tables,
            sql.Column("id", number, primary_key=True),
            *(sql.Column(name, kind, nullable=False) for name, kind in key),
            *(sql.Column(name, sql.BigInteger, nullable=False) for name in ("version", "ds")),
            *(sql.Column(name, sql.Double, nullable=False) for name in ("y", "lo", "hi")),
            sql.Index("grucast_events_of_series", "model", "series", "id"),
            sqlite_autoincrement=True,  # no number comes twice, so that who follows alarms misses none
        )

        states = self.states.c
        self._mine = sql.and_(
            states.model == sql.bindparam("own"), states.series.in_(sql.bindparam("keys", expanding=True))
        )
        heads = sql.select(states.series, states.sequence, states.version)
        self._unlocked = heads.where(self._mine)
        self._locked = self._unlocked.order_by(states.series).with_for_update()

    def create(self) -> None:
        """Make the tables that are not there yet."""

        def work(connection: "Connection") -> None:
            if connection.dialect.name == "postgresql":  # two that create at once would fail
                connection.execute(self._sql.text("SELECT pg_advisory_xact_lock(7290314)"))
            self._tables.create_all(connection)

        self.run(work)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def run(self, work: Callable[["Connection"], T], *, reading: bool = False) -> T:
        """What `work` gives in a transaction of its own; nothing of it is written where an error ends it.

        Where others were in its way (a deadlock, a locked file) it is done again, `TRIES` times in all.

        Args:
            work: From a connection to anything; it may be called again.
            reading: It writes nothing, so in SQLite it needs to wait for no writer.

        Raises:
            StoreError: The database does not answer, or refuses; the message holds no password.
        """
        end = time.monotonic() + WAIT
        for turn in range(1, TRIES + 1):
            done = False
            try:
                with (
                    nullcontext() if reading else self._turn,
                    self._engine.connect().execution_options(reading=reading) as connection,
                    connection.begin(),
                ):
                    found = work(connection)
                    done = True
                return found
            except self._sql.exc.SQLAlchemyError as error:
                if not is_passing(error) or turn == TRIES or time.monotonic() > end:
                    raise self._failure(error, done) from None
            time.sleep(random.uniform(0, 0.05 * turn))
        raise AssertionError  # the last turn returns or raises

    def _failure(self, error: Any, done: bool) -> StoreError:
        """What went wrong; a connection that was lost at the very end may have written."""
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if password := self._engine.url.password:
            reason = reason.replace(str(password), "***")
        lost = done and getattr(error, "connection_invalidated", False)
        fate = "it is not known whether it was written: send it again" if lost else "nothing was written"
        return StoreError(f"the store {self.name} failed, and {fate}: {reason}")

    def lock(self, connection: "Connection", model: str, series: Iterable[str]) -> dict[str, Any]:
        """Let no one else write these series before the transaction ends; sequence and version of those that are there.

        SQLite has one writer at a time anyway. PostgreSQL locks rows, always in one order, so no two wait for each
        other; new series get a row first, which is gone if the transaction is. A row that another deletes meanwhile
        is made anew, since none can be locked that is not there.
        """
        keys = sorted(series)
        found = self._heads(connection, model, keys)
        while connection.dialect.name == "postgresql":
            if new := [{"model": model, "series": key} for key in keys if key not in found]:
                from sqlalchemy.dialects.postgresql import insert

                connection.execute(insert(self.states).on_conflict_do_nothing(), new)
            found = self._heads(connection, model, keys, lock=True)
            if len(found) == len(keys):
                break
        return {key: row for key, row in found.items() if row.version is not None}

    def release(self, connection: "Connection", model: str, series: Iterable[str]) -> None:
        """Drop the rows that `lock` made of series that were not written; in SQLite it makes none."""
        if connection.dialect.name != "postgresql":
            return
        keys, own = list(series), [self._mine, self.states.c.version.is_(None)]
        for first in range(0, len(keys), BATCH):
            connection.execute(self.states.delete().where(*own), {"own": model, "keys": keys[first : first + BATCH]})

    def heads(self, connection: "Connection", model: str, keys: Sequence[str]) -> dict[str, Any]:
        """Sequence and version of those of these series that are there."""
        return {key: row for key, row in self._heads(connection, model, keys).items() if row.version is not None}

    def _heads(
        self, connection: "Connection", model: str, keys: Sequence[str], *, lock: bool = False
    ) -> dict[str, Any]:
        query = self._locked if lock else self._unlocked
        return {row.series: row for row in self._rows(connection, query, model, keys)}

    def read(self, connection: "Connection", model: str, keys: Sequence[str]) -> dict[str, Any]:
        """All columns of these series."""
        found = self._rows(connection, self._sql.select(self.states).where(self._mine), model, keys)
        return {row.series: row for row in found if row.version is not None}

    def _rows(self, connection: "Connection", query: Any, model: str, keys: Sequence[str]) -> Iterator[Any]:
        for first in range(0, len(keys), BATCH):
            yield from connection.execute(query, {"own": model, "keys": keys[first : first + BATCH]})

    def page(self, connection: "Connection", model: str, after: str | None, most: int) -> list[Any]:
        """Series of a model in the database's order: all columns, and so many of those that follow a key."""
        table = self.states.c
        query = self._sql.select(self.states).where(table.model == model, table.version.is_not(None))
        query = query if after is None else query.where(table.series > after)
        return list(connection.execute(query.order_by(table.series).limit(most)))

    def count(self, connection: "Connection", model: str) -> int:
        """How many series of a model are there."""
        table = self.states.c
        query = self._sql.select(self._sql.func.count()).where(table.model == model, table.version.is_not(None))
        return int(connection.execute(query).scalar_one())

    def write(self, connection: "Connection", rows: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
        """Put states in place of those that were there, and add alarms; of each series the newest are kept."""
        now = int(time.time())
        connection.execute(self._upsert, [row | {"written": now} for row in rows])
        if events:
            connection.execute(self.events.insert(), events)
        for model, series in sorted({(event["model"], event["series"]) for event in events}):
            self._trim(connection, model, series)

    @cached_property
    def _upsert(self) -> Any:
        """The statement that puts a state in the place of one before."""
        from sqlalchemy.dialects import postgresql, sqlite

        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(self.states)
        changed = {name: insert.excluded[name] for name in ("sequence", "version", "written", "state", "ahead")}
        return insert.on_conflict_do_update(index_elements=["model", "series"], set_=changed)

    def _trim(self, connection: "Connection", model: str, key: str) -> None:
        """Drop the alarms of a series beyond the newest."""
        table = self.events.c
        own = self._sql.and_(table.model == model, table.series == key)
        oldest = self._sql.select(table.id).where(own).order_by(table.id.desc()).offset(ALARMS - 1).limit(1)
        connection.execute(self.events.delete().where(own, table.id < oldest.scalar_subquery()))

    def delete(self, connection: "Connection", model: str, key: str) -> bool:
        """Forget a series and its alarms; whether it was there."""
        there = bool(self.lock(connection, model, [key]))
        for table in (self.states, self.events):
            connection.execute(table.delete().where(table.c.model == model, table.c.series == key))
        return there

    def drop_idle(self, seconds: float) -> int:
        """Forget the series of all models, and their alarms, that no one wrote for so long; how many they were.

        Raises:
            StoreError: The store failed; some may be gone.
        """
        before, table = int(time.time() - seconds), self.states.c
        query = self._sql.select(table.model, table.series).where(table.written < before).limit(BATCH)
        count = 0
        while late := self.run(lambda connection: list(connection.execute(query)), reading=True):
            count += self.run(partial(self._drop, keys=sorted(map(tuple, late)), before=before))
        return count

    def _drop(self, connection: "Connection", keys: list[tuple[str, str]], before: int) -> int:
        """Forget those of these series that were not written meanwhile."""
        states, events, count = self.states.c, self.events.c, 0
        for model, series in keys:
            idle = states.model == model, states.series == series, states.written < before
            if connection.execute(self.states.delete().where(*idle)).rowcount:
                connection.execute(self.events.delete().where(events.model == model, events.series == series))
                count += 1
        return count

    def alarms(
        self, connection: "Connection", model: str, key: str, most: int, version: int | None = None, after: int = 0
    ) -> list[Any]:
        """The latest alarms of a series, oldest first; of one write alone where its version is given."""
        table = self.events.c
        query = self._sql.select(self.events).where(table.model == model, table.series == key, table.id > after)
        query = query if version is None else query.where(table.version == version)
        return list(connection.execute(query.order_by(table.id.desc()).limit(most)))[::-1]

    def last_alarms(self, connection: "Connection", model: str, keys: Sequence[str]) -> dict[str, Any]:
        """The last alarm of those of these series that have one."""
        table, sql = self.events.c, self._sql
        found: dict[str, Any] = {}
        for first in range(0, len(keys), BATCH):
            own = sql.and_(table.model == model, table.series.in_(keys[first : first + BATCH]))
            last = sql.select(sql.func.max(table.id)).where(own).group_by(table.series)
            rows = connection.execute(sql.select(self.events).where(table.id.in_(last)))
            found |= {row.series: row for row in rows}
        return found


def open_store(url: str) -> Store:
    """Open the store at a URL, and make its tables if they are not there.

    Args:
        url: `sqlite:///streams.db` or `postgresql://user:password@host/database`.

    Raises:
        ConfigError: The URL names no such database.
        StoreError: The database does not answer.
        MissingExtraError: What talks to the database is not installed.

    >>> open_store("sqlite:///:memory:")
    Traceback (most recent call last):
    ...
    grucast.errors.ConfigError: a store in memory would keep nothing: write sqlite:///streams.db
    """
    address = parse_url(url)
    kind = address.drivername.partition("+")[0]
    if kind == "duckdb":
        raise ConfigError("a store is sqlite:///streams.db or postgresql://user:password@host/database, not DuckDB")
    if kind == "sqlite" and address.database in (None, "", ":memory:"):
        raise ConfigError("a store in memory would keep nothing: write sqlite:///streams.db")
    engine = open_sqlite(address) if kind == "sqlite" else open_postgresql(address)
    store = Store(engine, address.set(drivername=kind, query={}).render_as_string())
    try:
        store.create()
    except StoreError:
        store.close()
        raise
    return store
