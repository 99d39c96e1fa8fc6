"""Files of series: found by path or glob, checked before they are parsed, given as polars frames."""

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator
from glob import glob, has_magic
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from grucast.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import polars as pl

TABLES = ("csv", "tsv", "txt")
SUFFIXES = (*TABLES, "jsonl", "ndjson", "parquet")
CHUNK = 2**24  # bytes checked at once, and the longest line
MOST_COLUMNS = 10_000
UNPACKED = 2**27  # bytes that a .gz file may always unpack to; more at most a hundred times its size
UTF16 = (b"\xff\xfe", b"\xfe\xff")  # how such a file begins
REASONS = {  # what polars says: what to do
    "found more fields": "has a row with more fields than columns: put fields that hold a separator in quotes",
    "invalid utf-8": "is not UTF-8 text: save it as UTF-8",
    "empty CSV": "is empty",
}


def read_files(source: str) -> Iterator[tuple[str, "pl.DataFrame"]]:
    """The name and frame of each file of a path or glob, sorted; `-` is CSV on standard input.

    Raises:
        DataError: There is no such file, or one cannot be read; the message names the file and the cause.
        MissingExtraError: polars is not installed.
    """
    if source == "-":
        yield "standard input", parse(BytesIO(sys.stdin.buffer.read()), "csv", "standard input")
        return
    paths = [source]
    if has_magic(source) and not Path(source).exists():
        paths = sorted(glob(source, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not paths:
        raise DataError(f"{source} matches no file")
    for path in paths:
        yield path, read_file(Path(path))


def read_file(path: Path) -> "pl.DataFrame":
    """Read a file, the format told by the suffix."""
    if path.is_dir():
        raise DataError(f"{path} is a folder: name the files in it, such as '{path}/*.csv'")
    if not path.is_file():
        raise DataError(f"{path} does not exist or is not a file")
    packed = path.suffix.lower() == ".gz"
    suffix = (path.stem if packed else path.name).rpartition(".")[2].lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{path} has an unknown suffix: give a .{', .'.join(SUFFIXES)} file, or one of these as .gz")
    try:
        with path.open("rb") as file:
            return parse(unpack(file, path) if packed else file, suffix, str(path))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def unpack(file: IO[bytes], path: Path) -> BytesIO:
    """The content of a .gz file, refused before it fills the memory."""
    most = max(UNPACKED, 100 * path.stat().st_size)
    content = BytesIO()
    try:
        with gzip.open(file) as unpacked:
            while chunk := unpacked.read(CHUNK):
                content.write(chunk)
                if content.tell() > most:
                    raise DataError(f"{path} unpacks to more than a hundred times its size: unpack it yourself first")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}") from error
    content.seek(0)
    return content


def parse(file: IO[bytes], suffix: str, name: str) -> "pl.DataFrame":
    """A frame of the content of a file."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("polars (to read files)", "cli") from error
    text = file if suffix == "parquet" else as_text(file, name)
    try:
        if suffix == "parquet":
            return pl.read_parquet(text)
        if suffix not in TABLES:
            return pl.read_ndjson(text, infer_schema_length=None)
        separator = find_separator(text, suffix, name)
        frame = pl.read_csv(text, separator=separator, decimal_comma=separator == ";", infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        known = next((said for start, said in REASONS.items() if start in reason), None)
        raise DataError(f"{name} {known or f'cannot be read as {suffix}: {reason}'}") from error
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines


def as_text(file: IO[bytes], name: str) -> IO[bytes]:
    """A text file at its beginning, as UTF-8; refuses what is no text, and a line without end."""
    if file.read(2) in UTF16:
        file.seek(0)
        try:
            return BytesIO(file.read().decode("utf-16").encode())
        except UnicodeError as error:
            raise DataError(f"{name} begins as UTF-16 text but is not: save it as UTF-8") from error
    file.seek(0)
    line = 0
    while chunk := file.read(CHUNK):
        if b"\0" in chunk:
            raise DataError(f"{name} is a binary file, not text: export it as CSV or Parquet")
        end = chunk.rfind(b"\n")
        line = len(chunk) - end - 1 if end >= 0 else line + len(chunk)
        if line > CHUNK or (end < 0 and len(chunk) == CHUNK):
            raise DataError(f"{name} has a line of more than {CHUNK // 2**20} MiB: end each row with a line break")
    file.seek(0)
    return file


def find_separator(text: IO[bytes], suffix: str, name: str) -> str:
    """The separator that the header has, once the header is found sound."""
    line = text.readline()
    text.seek(0)
    header = line.decode("utf-8-sig", errors="replace").rstrip("\r\n")
    if "\r" in header:
        raise DataError(f"{name} ends its lines with carriage returns alone: save it with line feeds")
    separator = "\t" if suffix == "tsv" else next((mark for mark in ",;\t" if mark in header), ",")
    if header.count(separator) >= MOST_COLUMNS:
        raise DataError(
            f"{name} has {header.count(separator) + 1:,} columns, more than {MOST_COLUMNS:,}: "
            "put series one below the other, with the columns unique_id, ds, y"
        )
    columns = next(csv.reader([header], delimiter=separator), [])
    twice = [column for index, column in enumerate(columns) if column in columns[:index]]
    if twice:
        raise DataError(f"{name} has two columns named {twice[0]!r}: rename one")
    return separator
