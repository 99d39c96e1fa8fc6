"""Two tables of a SQLite file or a PostgreSQL database: the state of each series, and its alarms."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from grucast.data.raw.database import load, parse_url
from grucast.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

WAIT = 30  # seconds that a writer waits for another
BATCH = 500  # keys of a query


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
        self._tables = tables = sql.MetaData()
        key = [("model", sql.String(64)), ("series", sql.Text)]
        self.states = sql.Table(
            "grucast_states",
            tables,
            *(sql.Column(name, kind, primary_key=True) for name, kind in key),
            sql.Column("sequence", sql.BigInteger),
            sql.Column("version", sql.BigInteger),
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
            sql.Index("grucast_events_of_series", "model", "series"),
        )

    def create(self) -> None:
        """Make the tables that are not there yet."""
        with self.transaction() as connection:
            if connection.dialect.name == "postgresql":  # two that create at once would fail
                connection.execute(self._sql.text("SELECT pg_advisory_xact_lock(7290314)"))
            self._tables.create_all(connection)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator["Connection"]:
        """A transaction, committed at the end of the block; nothing of it is written where an error ends it.

        Raises:
            StoreError: The database does not answer, or refuses; the message holds no password.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except self._sql.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            if password := self._engine.url.password:
                reason = reason.replace(str(password), "***")
            raise StoreError(f"the store {self.name} failed, and nothing was written: {reason}") from None

    def lock(self, connection: "Connection", model: str, series: Iterable[str]) -> dict[str, Any]:
        """Let no one else write these series before the transaction ends; sequence and version of those that are there.

        SQLite has one writer at a time anyway. PostgreSQL locks rows, always in one order, so no two wait for each
        other; new series get a row first, which is gone if the transaction is.
        """
        keys = sorted(series)
        if connection.dialect.name == "postgresql" and (
            new := [key for key in keys if key not in self._heads(connection, model, keys)]
        ):
            from sqlalchemy.dialects.postgresql import insert

            rows = [{"model": model, "series": key} for key in new]
            connection.execute(insert(self.states).on_conflict_do_nothing(), rows)
        return {
            key: row for key, row in self._heads(connection, model, keys, lock=True).items() if row.version is not None
        }

    def _heads(
        self, connection: "Connection", model: str, keys: Sequence[str], *, lock: bool = False
    ) -> dict[str, Any]:
        table = self.states.c
        columns = self._sql.select(table.series, table.sequence, table.version)
        return {row.series: row for row in self._rows(connection, columns, model, keys, lock=lock)}

    def read(self, connection: "Connection", model: str, keys: Sequence[str]) -> dict[str, Any]:
        """All columns of these series."""
        found = self._rows(connection, self._sql.select(self.states), model, keys)
        return {row.series: row for row in found if row.version is not None}

    def _rows(
        self, connection: "Connection", columns: Any, model: str, keys: Sequence[str], *, lock: bool = False
    ) -> Iterator[Any]:
        for first in range(0, len(keys), BATCH):
            own = self.states.c.series.in_(keys[first : first + BATCH])
            query = columns.where(self.states.c.model == model, own).order_by(self.states.c.series)
            yield from connection.execute(query.with_for_update() if lock else query)

    def count(self, connection: "Connection", model: str) -> int:
        """How many series of a model are there."""
        query = self._sql.select(self._sql.func.count()).where(self.states.c.model == model)
        return int(connection.execute(query).scalar_one())

    def write(self, connection: "Connection", rows: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
        """Put states in place of those that were there, and add alarms."""
        from sqlalchemy.dialects import postgresql, sqlite

        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(self.states)
        changed = {name: insert.excluded[name] for name in ("sequence", "version", "state", "ahead")}
        connection.execute(insert.on_conflict_do_update(index_elements=["model", "series"], set_=changed), rows)
        if events:
            connection.execute(self.events.insert(), events)

    def delete(self, connection: "Connection", model: str, key: str) -> bool:
        """Forget a series and its alarms; whether it was there."""
        there = bool(self.lock(connection, model, [key]))
        for table in (self.states, self.events):
            connection.execute(table.delete().where(table.c.model == model, table.c.series == key))
        return there

    def alarms(
        self, connection: "Connection", model: str, key: str, most: int, version: int | None = None
    ) -> list[Any]:
        """The latest alarms of a series, oldest first; of one write alone where its version is given."""
        table = self.events.c
        query = self._sql.select(self.events).where(table.model == model, table.series == key)
        query = query if version is None else query.where(table.version == version)
        return list(connection.execute(query.order_by(table.id.desc()).limit(most)))[::-1]


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


def open_sqlite(address: "URL") -> "Engine":
    """A file with a write-ahead log, synced at each commit; a transaction has the right to write from its beginning."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to keep streams)", "cli")
    engine: Engine = alchemy.create_engine(address.set(drivername="sqlite", query={}), connect_args={"timeout": WAIT})

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # else the driver begins transactions itself
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    alchemy.event.listen(engine, "connect", prepare)
    alchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def open_postgresql(address: "URL") -> "Engine":
    """A server; a writer waits no longer than WAIT for another."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to keep streams)", "cli")
    load("psycopg", "psycopg (to keep streams in PostgreSQL)", "sql")
    options = {"connect_timeout": WAIT, "options": f"-c lock_timeout={WAIT}s"}
    engine: Engine = alchemy.create_engine(
        address.set(drivername="postgresql+psycopg"), connect_args=options, pool_pre_ping=True
    )
    return engine
