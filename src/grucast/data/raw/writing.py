"""Frames into databases: SQLite, PostgreSQL and DuckDB, each in one transaction."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from grucast.data.raw.database import KNOWN, load, parse_url
from grucast.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import URL, Connection

Existing = Literal["refuse", "append", "replace"]
ROWS = 10_000  # of one statement
PASSWORD = "***"


class TablePlace(NamedTuple):
    """A table of a database.

    Attributes:
        url: Of the database.
        table: Its name; with its schema before a point where PostgreSQL has several.
        existing: What becomes of a table that is there: it is refused, rows are appended, or it is replaced.
    """

    url: "URL"
    table: str
    existing: Existing

    @classmethod
    def of(cls, url: str, table: str | None, existing: str) -> "TablePlace":
        """The place of these words.

        Raises:
            ConfigError: The URL names no database, or there is no table or no such treatment.
        """
        if not table:
            raise ConfigError("a database has many tables: name the one to write with table= (--table)")
        if existing not in get_args(Existing):
            raise ConfigError(f"existing must be one of {', '.join(get_args(Existing))}, not {existing!r}")
        place = cls(parse_url(url), table, existing)  # type: ignore[arg-type]
        if not place.url.database and not place.url.drivername.startswith("postgres"):
            raise ConfigError(f"{place.url.drivername}:// names no file: give {KNOWN}")
        return place

    @property
    def name(self) -> str:
        """The database without a password, for messages."""
        return self.url.set(query={}).render_as_string()


def require_table(place: TablePlace) -> None:
    """See, before any work, that a table can be written there.

    Raises:
        ConfigError: It is there, and is to be refused.
        DataError: The database does not answer.
    """
    file = None if place.url.drivername.startswith("postgres") else Path(str(place.url.database))
    new = file is not None and not file.exists()
    try:
        with refusing(place):
            there = duckdb_has(place) if place.url.drivername.startswith("duckdb") else alchemy_has(place)
    finally:
        if file and new:
            file.unlink(missing_ok=True)  # to look is to make one
    if there and place.existing == "refuse":
        raise ConfigError(
            f"table {place.table} is in {place.name} already: say what becomes of it with --if-exists append or replace"
        )


def write_database(frame: "pl.DataFrame", place: TablePlace) -> None:
    """Write a frame as a table, all rows or none; NaN becomes NULL.

    Raises:
        DataError: The database refuses; it is as it was.
    """
    import polars as pl

    plain = frame.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
    require_table(place)
    with refusing(place):
        if place.url.drivername.startswith("duckdb"):
            write_duckdb(plain, place)
        else:
            write_alchemy(plain, place)


@contextmanager
def refusing(place: TablePlace) -> Iterator[None]:
    """What a driver refuses is an error of ours, without a password."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to write databases)", "cli")
    errors: tuple[type[Exception], ...] = (alchemy.exc.SQLAlchemyError, sqlite3.Error)
    if place.url.drivername.startswith("duckdb"):
        errors = (load("duckdb", "duckdb (to write DuckDB files)", "sql").Error,)
    try:
        yield
    except errors as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if place.url.password:
            reason = reason.replace(str(place.url.password), PASSWORD)
        raise DataError(f"table {place.table} of {place.name} cannot be written: {reason}") from None


@contextmanager
def connected(place: TablePlace) -> "Iterator[Connection]":
    """A transaction of SQLite or PostgreSQL; both can take back what becomes of tables."""
    alchemy = load("sqlalchemy", "SQLAlchemy (to write databases)", "cli")
    postgres = place.url.drivername.startswith("postgres")
    if postgres:
        load("psycopg", "psycopg (to write PostgreSQL)", "sql")
    url = place.url.set(drivername="postgresql+psycopg" if postgres else "sqlite")
    engine = alchemy.create_engine(url, poolclass=alchemy.pool.NullPool)
    if not postgres:
        alchemy.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        alchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        yield connection


def parts_of(place: TablePlace) -> tuple[str | None, str]:
    """Schema and name of a table."""
    schema, point, name = place.table.rpartition(".")
    return (schema, name) if point and place.url.drivername.startswith("postgres") else (None, place.table)


def alchemy_has(place: TablePlace) -> bool:
    """Whether the table is there."""
    from sqlalchemy import inspect

    schema, name = parts_of(place)
    with connected(place) as connection:
        return bool(inspect(connection).has_table(name, schema))


def write_alchemy(frame: "pl.DataFrame", place: TablePlace) -> None:
    """Write to SQLite or PostgreSQL."""
    import polars as pl
    from sqlalchemy import Column, MetaData, Table

    postgres, (schema, name) = place.url.drivername.startswith("postgres"), parts_of(place)
    if not postgres:  # it has no zones: time stamps keep their offset as text
        frame = frame.with_columns(pl.col(pl.Datetime("us", "*"), pl.Datetime("ns", "*")).dt.to_string("iso:strict"))
    columns = [Column(column, type_of(dtype)) for column, dtype in frame.schema.items()]
    with connected(place) as connection:
        table = Table(name, MetaData(), *columns, schema=schema)
        if place.existing == "replace":
            table.drop(connection, checkfirst=True)
        table.create(connection, checkfirst=place.existing == "append")
        for part in frame.iter_slices(ROWS):
            connection.execute(table.insert(), part.to_dicts())


def type_of(dtype: Any) -> Any:
    """The database's type for one of polars."""
    import polars as pl
    from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, String

    if isinstance(dtype, pl.Datetime):
        return DateTime(timezone=dtype.time_zone is not None)
    if dtype.is_integer():
        return BigInteger()
    kinds = {pl.Boolean: Boolean, pl.Date: Date, pl.Float32: Double, pl.Float64: Double}
    return kinds.get(dtype.base_type(), String)()


class ArrowStream:
    """A frame as a stream of Arrow, which DuckDB reads without pyarrow."""

    def __init__(self, frame: "pl.DataFrame") -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._frame.__arrow_c_stream__(requested_schema)


def open_duckdb(place: TablePlace) -> Any:
    """A connection to a DuckDB file."""
    duckdb = load("duckdb", "duckdb (to write DuckDB files)", "sql")
    return closing(duckdb.connect(place.url.database))


def duckdb_has(place: TablePlace) -> bool:
    """Whether the table is there."""
    with open_duckdb(place) as connection:
        query = "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?"
        return bool(connection.execute(query, [place.table]).fetchone()[0])


def write_duckdb(frame: "pl.DataFrame", place: TablePlace) -> None:
    """Write to a DuckDB file."""
    quoted = '"{}"'.format(place.table.replace('"', '""'))
    with open_duckdb(place) as connection:
        connection.register("grucast_rows", ArrowStream(frame))
        connection.execute("BEGIN")
        if place.existing == "replace":
            connection.execute(f"DROP TABLE IF EXISTS {quoted}")
        connection.execute(f"CREATE TABLE IF NOT EXISTS {quoted} AS SELECT * FROM grucast_rows LIMIT 0")
        connection.execute(f"INSERT INTO {quoted} BY NAME SELECT * FROM grucast_rows")
        connection.execute("COMMIT")
