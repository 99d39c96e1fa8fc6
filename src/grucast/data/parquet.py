"""Parquet data sets: the files of a folder, here or in a store such as S3, and what the names of folders tell."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from grucast.data.raw.content import find_paths, in_store, is_pattern
from grucast.errors import DataError, MissingExtraError

try:
    import polars as pl
except ImportError as error:
    raise MissingExtraError("polars (to read files)", "cli") from error

WILDCARD = re.compile(r"[*?\[]")
NONE = "__HIVE_DEFAULT_PARTITION__"  # what writers put where there is no value


class File(NamedTuple):
    """A Parquet file, and the columns that stand in the names of its folders.

    Attributes:
        path: Where it is; of a store its URL.
        keys: Names and values.
    """

    path: str
    keys: tuple[tuple[str, str | None], ...] = ()

    def scan(self) -> pl.LazyFrame:
        """The rows; a column of the file comes before one of a folder's name, which is text."""
        rows = pl.scan_parquet(self.path, hive_partitioning=False, glob=False)
        if not self.keys:
            return rows
        there = rows.collect_schema()
        return rows.with_columns(pl.lit(value, pl.String).alias(name) for name, value in self.keys if name not in there)

    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.scan().collect_schema().names()


def read(files: Sequence[File], most: int | None = None) -> pl.DataFrame:
    """The rows of several files, one after the other, or the first of them; a lazy frame of all would take ever longer.

    Raises:
        DataError: A file cannot be read, or has other columns than the first.
    """
    frames, rows = list[pl.DataFrame](), 0
    with refusing(files[0].path):
        for file in files:
            lazy = file.scan()
            frames.append((lazy if most is None else lazy.head(most - rows)).collect())
            rows += len(frames[-1])
            if most is not None and rows >= most:
                break
        return pl.concat(frames)


def find_parquet(source: str) -> list[File]:
    """The Parquet files of a folder, a glob or a path, sorted; absolute, since workers have folders of their own.

    Folders may be named as Hive does, `shop=north/year=2024`: those names below the folder, or the first
    wildcard of a glob, become columns of text.
    Names that begin with a dot or an underscore are left out, as what writers keep for themselves.

    Args:
        source: A path, or the URL of a store that Polars reads, such as s3://bucket/sales/.

    Raises:
        DataError: There are none.

    Source: https://docs.pola.rs/user-guide/io/cloud-storage, which says how a store is told who asks.
    """
    top = unchanging(source)
    if in_store(source):
        named = [(path, PurePosixPath(path).relative_to(top).parts) for path in stored(source)]
    else:
        paths = sorted(Path(source).rglob("*.parquet")) if Path(source).is_dir() else find_paths(source)
        named = [(str(path.absolute()), path.relative_to(top).parts) for path in paths]
    files = [
        File(path, keys_of(below[:-1]))
        for path, below in named
        if not any(name.startswith((".", "_")) for name in below)
    ]
    if not files:
        raise DataError(f"{source} holds no Parquet file")
    return files


def unchanging(source: str) -> str:
    """What all files of a source have in common: a folder or file itself, of a glob what is above its first wildcard.

    >>> unchanging("data/sales"), unchanging("s3://bucket/_raw/shop=*/2024.parquet")
    ('data/sales', 's3://bucket/_raw')
    """
    return WILDCARD.split(source)[0].rpartition("/")[0] if is_pattern(source) else source


def stored(source: str) -> list[str]:
    """The URLs of the files of a folder, a glob or a file in a store."""
    single = is_pattern(source) or source.endswith(".parquet")
    place = source if single else f"{source.rstrip('/')}/**/*.parquet"
    with refusing(source):
        rows = pl.scan_parquet(place, include_file_paths="path", hive_partitioning=False)
        return sorted(rows.select("path").unique().collect(engine="streaming")["path"])


def keys_of(folders: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    """What the names of folders tell.

    >>> keys_of(["sales", "shop=north%20side", "year=__HIVE_DEFAULT_PARTITION__"])
    (('shop', 'north side'), ('year', None))
    """
    pairs = [name.partition("=") for name in folders if name.find("=") > 0]
    return tuple((unquote(key), None if value == NONE else unquote(value)) for key, _, value in pairs)


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Name the files where Polars does not read them."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).partition("\n")[0]
        raise DataError(f"{name} and the files like it cannot be read: {said}") from error
