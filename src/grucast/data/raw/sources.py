"""Find what a source names, and read it by its kind."""

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from grucast.data.raw.content import fetch, find_paths, read_all, read_input, read_start
from grucast.data.raw.kinds import HEAD_BYTES, is_database
from grucast.data.raw.packed import unpack
from grucast.data.raw.table import RawTable
from grucast.errors import ConfigError, MissingExtraError

WEB = ("http", "https")
PROMISED = {  # what names end with: kinds that they promise
    (".csv", ".tsv", ".txt"): ("delimited text",),
    (".xlsx", ".xlsm", ".xls", ".ods"): ("a workbook",),
    (".json", ".jsonl", ".ndjson"): ("JSON",),
    (".parquet",): ("Parquet",),
}


@dataclass(frozen=True)
class SourceOptions:
    """What the user says of the source; each has a meaning only for some kinds."""

    skip_rows: int = 0
    sheet: str | None = None
    query: str | None = None


def read_raw(
    source: str, *, skip_rows: int = 0, sheet: str | int | None = None, query: str | None = None
) -> list[list[RawTable]]:
    r"""Read files, a URL, standard input or a database as tables of cells.

    Args:
        source: A path or glob, an http(s) URL, `-`, or the URL of a database.
        skip_rows: Lines above the header.
        sheet: The sheet of a workbook, by name or by number from 1.
        query: SQL whose result is the table.

    Returns:
        For each file its table; for a workbook without `sheet` a table for each sheet that holds one.

    Raises:
        DataError: A file is missing or cannot be read; the message names it and the cause.
        ConfigError: An option has no meaning for what the source is.
        MissingExtraError: What reads it is not installed.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     written = Path(folder, "sales.csv").write_text("Sales in 2024\n\nday; sold\n2024-01-01; 1,5\n")
        ...     [[raw]] = read_raw(f"{folder}/sales.csv")
        >>> raw.frame.rows(named=True), raw.separator, raw.notes
        ([{'day': '2024-01-01', 'sold': '1,5'}], ';', ('2 lines above the header skipped',))
    """
    require("polars (to read files)", "polars", "cli")
    options = SourceOptions(skip_rows, None if sheet is None else str(sheet), query)
    if skip_rows < 0:
        raise ConfigError(f"skip_rows is {skip_rows}, but must be 0 or more")
    if source == "-":
        return [read_bytes(read_input(), "standard input", options)]
    scheme, divider, _ = source.partition("://")
    if divider and scheme.lower() in WEB:
        return [read_bytes(*fetch(source), options)]
    if divider and scheme.isascii() and scheme.replace("+", "").isalnum():
        check("a database", scheme + "://", options)
        from grucast.data.raw.database import read_url

        return [[read_url(source, query)]]
    return [read_path(path, options) for path in find_paths(source)]


def require(what: str, package: str, extra: str) -> None:
    """Refuse to go on without a package."""
    try:
        import_module(package)
    except ImportError as error:
        raise MissingExtraError(what, extra) from error


def read_path(path: Path, options: SourceOptions) -> list[RawTable]:
    """Read a file; a database is not loaded first."""
    if is_database(read_start(path, HEAD_BYTES)):
        return read_database(path, str(path), options)
    return read_bytes(read_all(path), str(path), options)


def read_bytes(data: bytes, name: str, options: SourceOptions) -> list[RawTable]:
    """Read what is in the memory."""
    data, kind, name = unpack(data, name)
    if kind == "a database":
        with TemporaryDirectory() as folder:
            path = Path(folder, "database")
            path.write_bytes(data)
            return read_database(path, name, options)
    check(kind, name, options)
    suffix = PurePath(name.rstrip(")")).suffix.lower()
    promised = next((kinds for suffixes, kinds in PROMISED.items() if suffix in suffixes), (kind,))
    notes = () if kind in promised else (f"read as {kind}, though it is called {suffix}",)
    return [replace(raw, notes=(*notes, *raw.notes)) for raw in read_kind(data, kind, name, options)]


def check(kind: str, name: str, options: SourceOptions) -> None:
    """Refuse an option that has no meaning here."""
    if options.query is not None and kind != "a database":
        raise ConfigError(f"query= is for databases, but {name} is {kind}: leave it out")
    if options.sheet is not None and kind != "a workbook":
        raise ConfigError(f"sheet= is for workbooks, but {name} is {kind}: leave it out")
    if options.skip_rows and kind not in ("delimited text", "a workbook"):
        raise ConfigError(f"skip_rows= is for delimited text and workbooks, but {name} is {kind}: leave it out")


def read_database(path: Path, name: str, options: SourceOptions) -> list[RawTable]:
    """Read a file that is a database."""
    check("a database", name, options)
    from grucast.data.raw.database import read_file

    return [read_file(path, name, options.query)]


def read_kind(data: bytes, kind: str, name: str, options: SourceOptions) -> list[RawTable]:
    """Read a content by its kind; the readers need polars, so they are imported here."""
    if kind == "a workbook":
        require("fastexcel (to read workbooks)", "fastexcel", "cli")
        from grucast.data.raw.workbook import read_workbook

        return read_workbook(data, name, options.sheet, options.skip_rows)
    if kind == "JSON":
        from grucast.data.raw.records import read_records

        return [read_records(data, name)]
    if kind == "delimited text":
        from grucast.data.raw.delimited import read_delimited

        return [read_delimited(data, name, options.skip_rows)]
    from grucast.data.raw.columnar import read_columnar

    return [read_columnar(data, name, kind)]
