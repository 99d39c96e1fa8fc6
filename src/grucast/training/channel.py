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


class Channel:
    """One end of a connection.

    Args:
        connection: Between the two.
        shares: Whether arrays are sent through memory: the connection is a socket of one machine.

    >>> from multiprocessing import Pipe
    >>> one, other = (Channel(end, shares=True) for end in Pipe())
    >>> one.send("weights", [np.ones(2, np.float32)])
    >>> other.receive()
    ('weights', [array([1., 1.], dtype=float32)])
    """

    def __init__(self, connection: Connection, shares: bool) -> None:
        self._connection, self._shares = connection, shares
        self._sent: mmap | None = None
        self._received: mmap | None = None

    def send(self, value: Any, arrays: Sequence[Array]) -> None:
        """Send a value and arrays of float32."""
        size, memory, handle = sum(array.nbytes for array in arrays), self._sent, None
        if memory is None or size > len(memory):
            handle = self._new_memory(size)
            memory = None if handle is None else mmap(handle, 0)
        try:
            self._send(value, arrays, memory, handle)
            self._sent = memory
        finally:
            if handle is not None:
                os.close(handle)

    def _send(self, value: Any, arrays: Sequence[Array], memory: mmap | None, handle: int | None) -> None:
        if memory is None:
            self._connection.send((value, arrays, None))
            return
        shapes = [array.shape for array in arrays]
        for place, array in zip(views(memory, shapes), arrays, strict=True):
            place[...] = array
        self._connection.send((value, shapes, handle is not None))
        if handle is not None:
            send_handle(self._connection, handle, os.getpid())

    def _new_memory(self, size: int) -> int | None:
        """A file of that size which has no name and is nowhere but in memory, where the system has such."""
        if not self._shares or not hasattr(os, "memfd_create"):
            return None
        try:
            handle = os.memfd_create("grucast")
        except OSError:  # forbidden
            self._shares = False
            return None
        os.ftruncate(handle, max(size, 1))
        return handle

    def receive(self) -> tuple[Any, list[Array]]:
        """The next message; its arrays last until the other end sends the next.

        Raises:
            EOFError: The other end is closed.
            OSError: The connection is lost.
        """
        value, arrays, is_new = self._connection.recv()
        if is_new is None:
            return value, list(arrays)
        if is_new:
            self._received = self._receive_memory()
        return value, views(self._received, arrays)

    def _receive_memory(self) -> mmap:
        try:
            handle = recv_handle(self._connection)
        except RuntimeError as error:  # this process may open no more files
            raise OSError(str(error)) from error
        try:
            return mmap(handle, 0)
        finally:
            os.close(handle)

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
