"""What lies in the folder of checkpoints: found, read and removed by name, and never through a link."""

import errno
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grucast.errors import CheckpointWarning, GrucastError
from grucast.model.writing import replace

STATE, MANIFEST, LATEST = "state.safetensors", "manifest.json", "latest"
COMPLETE = "complete"
NAMES = re.compile(rf"step-[0-9]{{6,}}|{COMPLETE}")
UNFINISHED = re.compile(rf"\.({re.escape(STATE)}|{re.escape(MANIFEST)}|{LATEST})\.[0-9a-f]{{8}}")
PLAIN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def newest(folder: Path) -> Path | None:
    """The checkpoint that the pointer names; if there is no such, the last one that is complete."""
    found = folders(folder)
    with suppress(OSError):
        named = folder / content_of(folder / LATEST, 100).decode(errors="replace")
        if named in found:
            return named
    return max((path for path in found if (path / MANIFEST).exists()), key=age, default=None)


def folders(folder: Path) -> list[Path]:
    """All folders that are named like checkpoints, links to others left out."""
    return [path for path in folder.iterdir() if NAMES.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def find_unfinished(folder: Path) -> list[Path]:
    """What a process left that was killed while it wrote a file."""
    return [path for path in folder.iterdir() if UNFINISHED.fullmatch(path.name) and not path.is_dir()]


def content_of(path: Path, most: int) -> bytes:
    """The first bytes of a file; OSError where it is a link, a device or a pipe."""
    with open(path, "rb", opener=lambda name, _: os.open(name, PLAIN)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file", path)
        return file.read(min(status.st_size, most))


def age(path: Path) -> tuple[int, str]:
    """Orders checkpoints by their steps, a complete run last."""
    return (path.name == COMPLETE) * 10**9 + len(path.name), path.name


def synchronise(folder: Path) -> None:
    """Bring a folder's entries to the disk; Windows has no way, and no need."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put(path: Path, content: bytes) -> None:
    """Write a file into the place of whatever has its name."""
    try:
        replace(path, content, None)
    except OSError as error:
        raise GrucastError(f"cannot write {path}: {error.strerror}") from error


def point(pointer: Path, name: str) -> None:
    """Let the pointer name a checkpoint; without one, the last that is complete counts."""
    try:
        replace(pointer, name.encode(), None)
    except IsADirectoryError:
        warn(f"{pointer} is a folder, where the name of the last checkpoint should be: move it away")


def clear(path: Path) -> bool:
    """Remove the files of a checkpoint, whole or not; whether there were any.

    The manifest goes first, so that nothing takes the rest for one.
    """
    if not path.exists():
        return False
    files = [file for file in (path / MANIFEST, path / STATE) if file.is_symlink() or file.exists()]
    files += find_unfinished(path)
    for file in files:
        file.unlink()
    return bool(files)


def remove(path: Path) -> None:
    """Remove a checkpoint with its folder, or a file; a folder that holds nothing but other files is neither."""
    if not path.is_dir():
        path.unlink()
    elif clear(path) or not any(path.iterdir()):
        path.rmdir()


@contextmanager
def pruning(path: Path) -> Iterator[None]:
    """Warn of what the system does not remove."""
    try:
        yield
    except OSError as error:
        warn(f"{path} is no longer needed and cannot be removed: {error.strerror}")


def warn(text: str) -> None:
    """Warn of something in the folder of checkpoints."""
    warnings.warn(text, CheckpointWarning, stacklevel=2)
