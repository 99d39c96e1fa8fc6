"""Databases as frames: SQLite, PostgreSQL and DuckDB, opened read-only."""

import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from grucast.data.raw.content import checked, in_store, read_start
from grucast.data.raw.table import RawTable, name_frame
from grucast.data.raw.values import BATCH, gather
from grucast.errors import ConfigError, DataError, MissingExtraError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

SECONDS = 600  # that PostgreSQL may take for an answer
KNOWN = "a path, an http(s) URL, or the URL of a database: sqlite:///, postgresql:// or duckdb:///"


def read_url(source: str, query: str | None = None) -> RawTable:
    """Read the result of a query, or the only table, of a database.

    Args:
        source: `sqlite:///file.db`, `postgresql://user:password@host/database` or `duckdb:///file`.
        query: SQL.

    Raises:
        ConfigError: The URL names no such database.
        DataError: There is no answer, or no single table; the message holds no password.
        MissingExtraError: What talks to the database is not installed.
    """
    url = parse_url(source)
    if url.drivername.startswith("postgres"):
        return read_postgresql(url, query)
    if not url.database:
        raise ConfigError(f"{source} names no file: write {url.drivername}:///path")
    path = checked(Path(url.database))
    return read_file(path, str(path), query)


def read_file(path: Path, name: str, query: str | None = None) -> RawTable:
    """Read the result of a query, or the only table, of a file that is a database."""
    if read_start(path, 12)[8:] == b"DUCK":
        return read_duckdb(path, name, query)
    alchemy = load("sqlalchemy", "SQLAlchemy (to read databases)", "cli")
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    return run(alchemy.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True)), name, query)


def load(package: str, what: str, extra: str) -> Any:
    """A package of an extra."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(what, extra) from error


def parse_url(source: str) -> "URL":
    """The URL of a database that is known here; messages hold no more than its scheme."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to read databases)", "cli")
    scheme = source.partition("://")[0]
    if scheme.partition("+")[0] not in ("sqlite", "postgresql", "postgres", "duckdb"):
        other = "read by fit, predict, forecast and backtest only, as Parquet" if in_store(source) else "not read"
        raise ConfigError(f"{scheme}:// is {other}: give {KNOWN}")
    if source.partition("://")[2].partition("/")[0].count("@") > 1:
        raise ConfigError(f"the {scheme} URL has two @ before its host: write one in a password as %40")
    try:
        url: URL = alchemy.make_url(source)
    except (ValueError, alchemy.exc.ArgumentError):
        raise ConfigError(
            f"the {scheme} URL cannot be read: write {scheme}://user:password@host:port/database"
        ) from None
    return url


def read_postgresql(url: "URL", query: str | None) -> RawTable:
    """Read in a transaction that can change nothing; rows come through a cursor, which takes only queries."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to read databases)", "cli")
    load("psycopg", "psycopg (to read PostgreSQL)", "sql")
    name = url.set(drivername="postgresql", query={}).render_as_string()
    engine = alchemy.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": 60},
        poolclass=alchemy.pool.NullPool,
        execution_options={"stream_results": True, "max_row_buffer": BATCH, "postgresql_readonly": True},
    )
    alchemy.event.listen(engine, "begin", bound_time)
    return run(engine, name, query)


def bound_time(connection: "Connection") -> None:
    """Let no answer take forever."""
    connection.connection.cursor().execute(f"SET LOCAL statement_timeout = {SECONDS * 1000}")


def run(engine: "Engine", name: str, query: str | None) -> RawTable:
    """The result of a query, or the only table."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to read databases)", "cli")
    try:
        with engine.connect() as connection:
            if query is None:
                table = only(alchemy.inspect(connection).get_table_names(), name)
                query = f"SELECT * FROM {engine.dialect.identifier_preparer.quote_identifier(table)}"
            result = connection.execution_options(no_parameters=True).exec_driver_sql(query)
            names = list(result.keys())
            return name_frame(gather(len(names), result.fetchmany, name), names, name)
    except alchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if engine.url.password:
            reason = reason.replace(str(engine.url.password), "***")
        raise DataError(f"{name} cannot be read: {reason}") from None
    finally:
        engine.dispose()


def read_duckdb(path: Path, name: str, query: str | None) -> RawTable:
    """Read without a way to other files."""
    duckdb = load("duckdb", "duckdb (to read DuckDB files)", "sql")
    try:
        with closing(duckdb.connect(path, read_only=True, config={"enable_external_access": False})) as connection:
            if query is None:
                tables = connection.sql("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
                query = 'SELECT * FROM "{}"'.format(only([row[0] for row in tables], name).replace('"', '""'))
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description]
            return name_frame(gather(len(names), cursor.fetchmany, name), names, name)
    except duckdb.Error as error:
        raise DataError(f"{name} cannot be read: {str(error).partition(chr(10))[0]}") from error


def only(tables: list[str], name: str) -> str:
    """The only table."""
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise DataError(f"{name} holds no table: take rows from a view with query= (--query)")
    named = ", ".join(sorted(tables)[:20])
    raise DataError(f"{name} holds {len(tables)} tables ({named}): choose with query= (--query)")
