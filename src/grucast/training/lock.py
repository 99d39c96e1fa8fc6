"""One run in a folder at a time: a lock that ends with the process that holds it, however that ends."""

import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grucast.errors import CheckpointError

LOCK = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder while the block runs; not where the folder or its file system takes no lock.

    Raises:
        CheckpointError: Another run is in it.
    """
    handle = open_lock(folder / LOCK)
    try:
        if handle is not None:
            take(handle, folder)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def open_lock(path: Path) -> int | None:
    """A handle of the file; None where there can be none, and on Windows."""
    if os.name == "nt":
        return None
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    return None


def take(handle: int, folder: Path) -> None:
    """Lock the file and write there who did."""
    from fcntl import LOCK_EX, LOCK_NB, flock

    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        owner = re.fullmatch(r"process \d+ on [\w.-]+", os.read(handle, 200).decode(errors="replace"))
        raise CheckpointError(
            f"{folder} is in use by {owner[0] if owner else 'another process'}: wait until that has ended, "
            "or give another folder"
        ) from error
    except OSError:
        return
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}".encode())
