"""Rows that steps to come will read, in a file that is gone when nobody has it open."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Spool:
    """Places for rows of one kind, as many as are written; each is read once all of a step's are there.

    Args:
        folder: Where the file is; wherever the system has such files when None.

    >>> spool = Spool()
    >>> spool.write(np.array([2, 0, 1]), np.array([30, 10, 20]))
    >>> spool.read(1, 2)
    array([20, 30])
    >>> spool.close()
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - it is open as long as this is
        self._kind: np.dtype[Any] | None = None

    def write(self, places: NDArray[np.int64], rows: Array) -> None:
        """Put rows to their places; what was there before is gone."""
        self._kind, order = rows.dtype, np.argsort(places)
        content = rows[order].view(np.uint8).data
        edges = [0, *(np.flatnonzero(np.diff(places[order]) != 1) + 1).tolist(), len(rows)]
        for first, last in pairwise(edges):  # places that follow each other are written at once
            self._file.seek(int(places[order[first]]) * rows.itemsize)
            self._file.write(content[first * rows.itemsize : last * rows.itemsize])

    def read(self, first: int, count: int) -> Array:
        """The rows at that place and the next ones."""
        if self._kind is None:
            raise ValueError("nothing was written")
        self._file.seek(first * self._kind.itemsize)
        return np.frombuffer(self._file.read(count * self._kind.itemsize), self._kind)

    def close(self) -> None:
        """Give the room back."""
        self._file.close()
