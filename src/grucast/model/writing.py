"""Files written whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grucast.errors import GrucastError

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary file beside the target, then move it there in one step.

    A link is followed, and a file that was there keeps its mode and owner. A device, a pipe and what standard output
    goes to are written into: nothing can be moved there.

    Raises:
        GrucastError: The file cannot be written; what was there is still there.
    """
    try:
        before = status_of(path)
        if before and is_ours(before):
            print(end="", flush=True)
            write_into(1, content)
        elif before and not stat.S_ISREG(before.st_mode):
            write_into(path, content)
        else:
            replace(Path(os.path.realpath(path)), content, before)
    except OSError as error:
        raise GrucastError(f"cannot write {path}: {error.strerror or error}") from error


def status_of(path: Path) -> os.stat_result | None:
    """What is at a path, links followed; None for nothing."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def is_device(path: Path) -> bool:
    """Something is there to write into, neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_ours(before: os.stat_result) -> bool:
    """Standard output goes there."""
    try:
        return os.path.samestat(before, os.fstat(1))
    except OSError:  # it is closed
        return False


def write_into(target: Path | int, content: bytes) -> None:
    """Write to what is open, or to what can only be opened."""
    with open(target, "wb", closefd=not isinstance(target, int)) as file:
        file.write(content)


def replace(path: Path, content: bytes, before: os.stat_result | None) -> None:
    """Put a new file in the place of the one before."""
    with temporary_beside(path) as temporary:
        handle = os.open(temporary, NEW, 0o666)  # less what the umask takes
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if before:
            with suppress(OSError, AttributeError):  # only root may give files away, and Windows knows no owners
                os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        temporary.replace(path)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name for a file in the same folder; none of that name is left behind."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
