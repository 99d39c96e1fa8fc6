"""Messages with arrays between two processes; on one machine the arrays go through memory that both see."""

import os
from collections.abc import Sequence
from math import prod
from mmap import mmap
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
SHARES = hasattr(os, "memfd_create")  # memory without a name, which is gone with those who see it


class Channel:
    """One end of a connection.

    Args:
        connection: Between the two.
        shares: Whether it is a socket of one machine, through which memory can be handed over; both ends must agree.

    >>> from multiprocessing import Pipe
    >>> one, other = (Channel(end, SHARES) for end in Pipe())
    >>> one.send("weights", [np.ones(2, np.float32)])
    >>> other.receive()
    ('weights', [array([1., 1.], dtype=float32)])
    """

    def __init__(self, connection: Connection, shares: bool) -> None:
        self._connection, self._shares = connection, shares and SHARES
        self._sent: mmap | None = None
        self._received: mmap | None = None

    def send(self, value: Any, arrays: Sequence[Array]) -> None:
        """Send a value and arrays of float32."""
        if not self._shares:
            self._connection.send((value, arrays))
            return
        size = sum(array.nbytes for array in arrays)
        handle = None if self._sent is not None and size <= len(self._sent) else self._grow(size)
        for place, array in zip(views(self._sent, [array.shape for array in arrays]), arrays, strict=True):
            place[...] = array
        self._connection.send((value, [array.shape for array in arrays], handle is not None))
        if handle is not None:
            send_handle(self._connection, handle, os.getpid())
            os.close(handle)

    def _grow(self, size: int) -> int:
        """Take other memory; what it is called here."""
        handle = os.memfd_create("grucast")
        os.ftruncate(handle, max(size, 1))
        self._sent = mmap(handle, 0)
        return handle

    def receive(self) -> tuple[Any, list[Array]]:
        """The next message; its arrays last until the other end sends the next.

        Raises:
            EOFError: The other end is closed.
            OSError: The connection is lost.
        """
        if not self._shares:
            value, arrays = self._connection.recv()
            return value, list(arrays)
        value, shapes, grown = self._connection.recv()
        if grown:
            handle = recv_handle(self._connection)
            self._received = mmap(handle, 0)
            os.close(handle)
        return value, views(self._received, shapes)

    def poll(self, seconds: float) -> bool:
        """Whether a message comes within so many seconds."""
        return self._connection.poll(seconds)

    def close(self) -> None:
        """Close this end."""
        self._connection.close()


def views(memory: mmap | None, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Arrays of those shapes, one behind the other."""
    found, place = [], 0
    for shape in shapes:
        size = prod(shape)
        found.append(np.frombuffer(memory or b"", np.float32, size, place).reshape(shape))
        place += 4 * size
    return found
