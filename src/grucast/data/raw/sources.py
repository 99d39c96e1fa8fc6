"""Find what a source names, and read it by its kind."""

from glob import glob, has_magic
from pathlib import Path

from grucast.data.raw.table import Raw
from grucast.errors import DataError, MissingExtraError


def read_raw(source: str, *, skip_rows: int = 0, sheet: str | None = None, query: str | None = None) -> list[list[Raw]]:
    """Read files, a URL or a database as tables of cells."""
    try:
        from grucast.data.raw.delimited import read_delimited
    except ImportError as error:
        raise MissingExtraError("polars (to read files)", "cli") from error
    paths = [source]
    if has_magic(source) and not Path(source).exists():
        paths = sorted(glob(source, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not paths:
        raise DataError(f"{source} matches no file")
    return [[read_delimited(Path(path).read_bytes(), path, skip_rows)] for path in paths]
