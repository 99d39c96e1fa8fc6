"""Files written whole or not at all."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grucast.errors import GrucastError

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: str | Path, content: bytes) -> None:
    """Write to a temporary file beside the target, then move it there in one step.

    A link is followed, and a file that was there keeps its mode, owner and other names. A device, a pipe and what
    standard output goes to are written into: nothing can be moved there.

    Raises:
        GrucastError: The file cannot be written; what was there is still there.
    """
    try:
        target = Path(path)
        before = status_of(target)
        if (handle := handle_of(target, before)) is not None:
            print(end="", flush=True)
            write_into(handle, content)
        elif before and not stat.S_ISREG(before.st_mode):
            write_into(target, content)
        else:
            replace(Path(os.path.realpath(target)), content, before)
    except (OSError, ValueError) as error:  # ValueError: the path holds NUL
        raise GrucastError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error


def status_of(path: Path) -> os.stat_result | None:
    """What is at a path, links followed; None for nothing."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def is_device(path: Path) -> bool:
    """Something is there to write into: a device, a pipe, what is open already; no file or folder."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)) or handle_of(path, status) is not None


def handle_of(path: Path, status: os.stat_result | None) -> int | None:
    """The handle that the path names: of standard output and error by any name, of others as /dev/fd/3."""
    if os.path.realpath(path.parent) in ("/dev/fd", f"/proc/{os.getpid()}/fd") and path.name.isdecimal():
        return int(path.name)
    for handle in (1, 2):
        with suppress(OSError):  # it is closed
            if status and os.path.samestat(status, os.fstat(handle)):
                return handle
    return None


def write_into(target: Path | int, content: bytes) -> None:
    """Write to what is open, or to what can only be opened."""
    with open(target, "wb", closefd=not isinstance(target, int)) as file:
        file.write(content)


def replace(path: Path, content: bytes, before: os.stat_result | None) -> None:
    """Put a new file in the place of the one before, or its content into one that is mounted or has other names."""
    with temporary_beside(path) as temporary:
        handle = os.open(temporary, NEW, stat.S_IMODE(before.st_mode) if before else 0o666)  # less what the umask takes
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if before:
            with suppress(OSError, AttributeError):  # only root may give files away, and Windows knows no owners
                os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        if (before and before.st_nlink > 1) or not moved(temporary, path):
            write_into(path, content)


def moved(temporary: Path, path: Path) -> bool:
    """Whether the system lets a file take the place of another, which a mounted one keeps."""
    try:
        temporary.replace(path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name for a file in the same folder; none of that name is left behind."""
    start = os.fsdecode(os.fsencode(path.name)[:200])  # a name has at most 255 bytes
    temporary = path.with_name(f".{start}.{secrets.token_hex(4)}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
