"""Parquet files larger than memory, cut into parts that hold whole series."""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.parquet import File, refusing
from grucast.errors import ConfigError, MissingExtraError

try:
    import polars as pl
except ImportError as error:
    raise MissingExtraError("polars (to read files)", "cli") from error

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Each = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
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


def cut(
    files: Sequence[File], ids: Sequence[str], memory: int, folder: Path, each: Each = map, least: int = 1
) -> Parts:
    """Cut files into so many parts that each can be worked on in the memory; no more of them is read at once.

    Args:
        files: Parquet files with the same columns.
        ids: Columns that together name the series; all rows are one series without any.
        memory: Bytes.
        folder: Where the parts go, a folder of files each.
        each: Does the work on each piece of the files, as `map` does.
        least: Parts, some without a series where there are few.

    Raises:
        DataError: A file cannot be read, or lacks such a column.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.parquet")
    ...     pl.DataFrame({"id": ["a", "b", "a"], "y": [1, 2, 3]}).write_parquet(path)
    ...     cut([File(str(path))], ["id"], 2**30, Path(folder, "parts"))  # doctest: +ELLIPSIS
    Parts(folders=(PosixPath('.../parts/part-00000'),), rows=3)
    """
    with refusing(files[0].path):
        size = Size.of(files, memory)
        count = max(size.parts, least) if ids else 1
        folders = make_folders(folder, count)
        list(each(partial(hand_out, folders, partial(place_by_hash, ids, count)), slices_of(files, size)))
    return Parts(folders, sum(size.rows))


def place_by_hash(ids: Sequence[str], count: int, rows: pl.DataFrame) -> Integers:
    """The part of each row, one of so many."""
    return (hashes(rows, ids) % count).astype(np.int64) if count > 1 else np.zeros(len(rows), np.int64)


def cut_in_order(
    files: Sequence[File], ids: Sequence[str], memory: int, folder: Path, least: int = 1, each: Each = map
) -> list[list[File]]:
    """Cut files into parts that hold series in the order in which the files name them first; all names are in memory.

    Args:
        files: As in `cut`.
        ids: As in `cut`.
        memory: As in `cut`.
        folder: As in `cut`.
        least: Parts, if there are so many series.
        each: As in `cut`.

    Returns:
        The files of each part, which are the given ones if there is one.

    Raises:
        DataError: As `cut`.
    """
    with refusing(files[0].path):
        size = Size.of(files, memory)
        count = max(size.parts, least) if ids else 1
        if count == 1:
            return [list(files)]
        order, pieces = Order(), slices_of(files, size)
        for piece in pieces:
            order.add(hashes(piece.read(ids), ids))
        part_of = order.shares(count)
        folders = make_folders(folder, int(part_of.max()) + 1)
        list(each(partial(hand_out, folders, partial(place_in_order, ids, order, part_of)), pieces))
    return [[File(str(path)) for path in sorted(own.iterdir())] for own in folders]


def place_in_order(ids: Sequence[str], order: "Order", part_of: Integers, rows: pl.DataFrame) -> Integers:
    """The part of each row, given that of each series."""
    return part_of[order.find(hashes(rows, ids))]


class Order:
    """The series in the order in which they come first, and the rows of each; by hashes, which take little memory.

    Series with one hash count as one, so they come into one part.
    """

    def __init__(self) -> None:
        self._known, self._rank, self._rows = np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, names: Hashes) -> None:
        """Count further rows."""
        own, first, rows = np.unique(names, return_index=True, return_counts=True)
        place = np.searchsorted(self._known, own)
        new = self._known[np.minimum(place, len(self._known) - 1)] != own if len(self._known) else place == 0
        self._rows[place[~new]] += rows[~new]
        rank = len(self._known) + first[new].argsort().argsort()
        self._known = np.insert(self._known, place[new], own[new])
        self._rank = np.insert(self._rank, place[new], rank)
        self._rows = np.insert(self._rows, place[new], rows[new])

    def shares(self, count: int) -> Integers:
        """The part of each series, by its rank: so many of about as many rows, but no empty one."""
        ends = self._rows[self._rank.argsort()].cumsum()
        return np.unique((ends - 1) * count // ends[-1], return_inverse=True)[1]

    def find(self, names: Hashes) -> Integers:
        """The rank of each row's series."""
        return self._rank[np.searchsorted(self._known, names)]


def hashes(rows: pl.DataFrame, ids: Sequence[str]) -> Hashes:
    """A number for the series of each row, however wide the integers of its name are."""
    return rows.select(pl.struct(pl.col(ids).cast(pl.String)).hash(seed=0)).to_series().to_numpy()


class Size(NamedTuple):
    """How large files are: rows of each, how many of these may be read at once, and how many parts they make."""

    rows: list[int]
    at_once: int
    parts: int

    @classmethod
    def of(cls, files: Sequence[File], memory: int) -> "Size":
        """That of Parquet files, of which a part may take so much memory."""
        rows = [file.scan().select(pl.len()).collect().item() for file in files]
        sample = files[0].scan().head(SAMPLE).collect()
        width = max(sample.estimated_size() / max(len(sample), 1), 1.0) * GROWTH
        return cls(rows, max(int(memory / width), 1), max(math.ceil(sum(rows) * width / memory), 1))


class FileSlice(NamedTuple):
    """Rows of a file that are read at once.

    Attributes:
        number: Of the slice.
        file: The file.
        start: The first row.
        rows: How many.
    """

    number: int
    file: File
    start: int
    rows: int

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows, or some columns of them."""
        lazy = self.file.scan()
        return (lazy if columns is None else lazy.select(columns)).slice(self.start, self.rows).collect()


def slices_of(files: Sequence[File], size: Size) -> list[FileSlice]:
    """The files in slices, as large as may be."""
    places = [
        (file, start) for file, rows in zip(files, size.rows, strict=True) for start in range(0, rows, size.at_once)
    ]
    return [FileSlice(number, file, start, size.at_once) for number, (file, start) in enumerate(places)]


def make_folders(folder: Path, count: int) -> tuple[Path, ...]:
    """A folder for each part."""
    folders = tuple(folder / f"part-{number:05d}" for number in range(count))
    for own in folders:
        own.mkdir(parents=True)
    return folders


def hand_out(folders: Sequence[Path], place: Callable[[pl.DataFrame], Integers], piece: FileSlice) -> None:
    """Write rows to the folder of the part that each belongs to."""
    rows = piece.read()
    places = place(rows)
    for part in np.unique(places):
        rows.filter(pl.Series(places == part)).write_parquet(folders[part] / f"{piece.number:05d}.parquet")


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
