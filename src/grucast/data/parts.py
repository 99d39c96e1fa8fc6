"""Parquet files larger than memory, cut into parts that hold whole series."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grucast.data.raw.content import find_paths
from grucast.errors import ConfigError, DataError, MissingExtraError

try:
    import polars as pl
except ImportError as error:
    raise MissingExtraError("polars (to read files)", "cli") from error

GROWTH = 8  # bytes at work for each byte of a table that is forecast, its copies and the forecast included
SAMPLE = 10_000  # rows that tell how large the others are
LEAST = 2**26  # bytes with which anything can be done
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Parts:
    """Folders of Parquet files, one a part, in which all rows of a series are.

    Attributes:
        folders: Of the parts.
        rows: In all.
    """

    folders: tuple[Path, ...]
    rows: int


def find_parquet(source: str) -> list[Path]:
    """The Parquet files of a folder, a glob or a path.

    Raises:
        DataError: There are none.
    """
    folder = Path(source)
    paths = sorted(folder.rglob("*.parquet")) if folder.is_dir() else find_paths(source)
    if not paths:
        raise DataError(f"{source} holds no Parquet file")
    return paths


def cut(paths: Sequence[Path], ids: Sequence[str], memory: int, folder: Path) -> Parts:
    """Cut files into so many parts that each can be worked on in the memory; no more of them is read at once.

    Args:
        paths: Parquet files with the same columns.
        ids: Columns that together name the series; all rows are one series without any.
        memory: Bytes.
        folder: Where the parts go, a folder of files each.

    Raises:
        DataError: A file cannot be read, or lacks such a column.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.parquet")
    ...     pl.DataFrame({"id": ["a", "b", "a"], "y": [1, 2, 3]}).write_parquet(path)
    ...     cut([path], ["id"], 2**30, Path(folder, "parts"))  # doctest: +ELLIPSIS
    Parts(folders=(PosixPath('.../parts/part-00000'),), rows=3)
    """
    try:
        sizes = [pl.scan_parquet(path).select(pl.len()).collect().item() for path in paths]
        sample = pl.scan_parquet(paths[0]).head(SAMPLE).collect()
        width = max(sample.estimated_size() / max(len(sample), 1), 1.0)
        count = max(math.ceil(sum(sizes) * width * GROWTH / memory), 1) if ids else 1
        folders = tuple(folder / f"part-{number:05d}" for number in range(count))
        for own in folders:
            own.mkdir(parents=True)
        at_once = max(int(memory / width / GROWTH), 1)
        starts = [(path, start) for path, size in zip(paths, sizes, strict=True) for start in range(0, size, at_once)]
        for number, (path, start) in enumerate(starts):
            rows = pl.scan_parquet(path).slice(start, at_once).collect()
            for place, shared in share(rows, ids, count):
                shared.write_parquet(folders[place] / f"{number:05d}.parquet")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{paths[0]} and the files like it cannot be cut: {error}") from error
    return Parts(folders, sum(sizes))


def share(rows: pl.DataFrame, ids: Sequence[str], count: int) -> list[tuple[int, pl.DataFrame]]:
    """The rows of each part, told by a hash of the series' names."""
    if count == 1:
        return [(0, rows)]
    places = rows.select(pl.struct(ids).hash(seed=0) % count).to_series()
    return [(place, rows.filter(places == place)) for place in places.unique().sort()]


def to_bytes(text: str) -> int:
    """Bytes of 2GB, 500MB or 1000000.

    Raises:
        ConfigError: It is no size, or too little for anything.

    >>> to_bytes("2GB"), to_bytes("1.5 gb")
    (2000000000, 1500000000)
    """
    number = text.strip().upper().rstrip("KMGTB")
    unit = text.strip().upper()[len(number) :]
    try:
        found = int(float(number) * UNITS[unit.strip()])
    except (ValueError, KeyError, OverflowError) as error:
        raise ConfigError(f"{text!r} is no size of memory: give some, such as 2GB or 500MB") from error
    if found < LEAST:
        raise ConfigError(f"{text} of memory is too little: give at least {LEAST // 10**6} MB")
    return found


def usual_memory() -> int:
    """A quarter of what the machine has, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
