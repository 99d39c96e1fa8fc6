"""SQLite and PostgreSQL as a store opens them, and which of their failures pass by themselves."""

from typing import TYPE_CHECKING, Any

from grucast.data.raw.database import load

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

WAIT = 30  # seconds that a writer waits for another
GONE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}  # s, ms
PASSING = {"40001", "40P01"}  # PostgreSQL's codes of a serialization failure and a deadlock
BUSY = {5, 6}  # SQLite's codes of another connection in the way


def open_sqlite(address: "URL") -> "Engine":
    """A file with a write-ahead log, synced at each commit; what writes has the right to from its beginning."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to keep streams)", "cli")
    engine: Engine = alchemy.create_engine(address.set(drivername="sqlite", query={}), connect_args={"timeout": WAIT})

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # else the driver begins transactions itself
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    def begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    alchemy.event.listen(engine, "connect", prepare)
    alchemy.event.listen(engine, "begin", begin)
    return engine


def open_postgresql(address: "URL") -> "Engine":
    """A server; a writer waits no longer than WAIT for another."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to keep streams)", "cli")
    load("psycopg", "psycopg (to keep streams in PostgreSQL)", "sql")
    options = {"connect_timeout": WAIT, "options": f"-c lock_timeout={WAIT}s"} | GONE
    engine: Engine = alchemy.create_engine(
        address.set(drivername="postgresql+psycopg"), connect_args=options, pool_pre_ping=True
    )
    return engine


def is_passing(error: Any) -> bool:
    """Whether a transaction failed for nothing but others at work, and may succeed if it is tried again."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlstate", None) in PASSING or getattr(cause, "sqlite_errorcode", 0) & 0xFF in BUSY
