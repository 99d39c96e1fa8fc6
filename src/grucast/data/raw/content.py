"""The bytes that a source names: files, standard input, URLs."""

import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import glob, has_magic
from http.client import HTTPException
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import Request, urlopen

from grucast.errors import DataError

CHUNK = 2**20
MOST_DOWNLOADED = 2**30  # bytes taken from the network
SMALL = 2**27  # bytes of a file that may be empty
TIMEOUT = 60  # seconds without an answer
STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "adl", "abfs", "abfss", "hf")  # that Polars reads


def find_paths(source: str) -> list[Path]:
    """The files of a path or glob, sorted.

    Raises:
        DataError: There is no such file, or it is not a file.
    """
    paths = [source]
    if is_pattern(source):
        paths = sorted(glob(source, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not paths:
        raise DataError(f"{source} matches no file")
    return [checked(Path(path)) for path in paths]


def in_store(source: str) -> bool:
    """The source is a URL of a store of objects, read by Polars.

    >>> in_store("s3://bucket/sales/"), in_store("s3/sales"), in_store("https://example.org/sales.csv")
    (True, False, False)
    """
    scheme, divider, _ = source.partition("://")
    return bool(divider) and scheme.lower() in STORES


def is_pattern(name: str) -> bool:
    """The name is a glob, not that of a file."""
    try:
        return has_magic(name) and not Path(name).exists()
    except OSError:  # it is too long for a file
        return True


def checked(path: Path) -> Path:
    """A path that is a file."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: it holds NUL
        missing = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
        said = "does not exist or is not a file" if missing else f"cannot be read: {getattr(error, 'strerror', error)}"
        raise DataError(f"{path} {said}") from error
    if S_ISDIR(mode):
        raise DataError(f"{path} is a folder: name the files in it, such as '{path}/*.csv'")
    if not S_ISREG(mode):
        raise DataError(f"{path} does not exist or is not a file")
    return path


def read_start(path: Path, size: int) -> bytes:
    """The first bytes of a file."""
    with reading(str(path)), path.open("rb") as file:
        return file.read(size)


def read_all(path: Path) -> bytes:
    """All bytes of a file."""
    with reading(str(path)), path.open("rb") as file:
        require_held(file, str(path))
        return file.read()


def read_input() -> bytes:
    """All of standard input."""
    with reading("standard input"):
        file = standard_input()
        require_held(file, "standard input")
        return file.read()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say in one sentence why something cannot be read."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise DataError(f"{name} is larger than the memory: leave out rows or columns, or divide it") from error


def require_held(file: BinaryIO, name: str) -> None:
    """Refuse a large file of which the disk holds next to nothing: the memory would hold all of it.

    Raises:
        DataError: It is that.
    """
    try:
        number = file.fileno()
        size, place = os.fstat(number).st_size, os.lseek(number, 0, os.SEEK_CUR)
    except OSError:  # a pipe, which has no size
        return
    if size > SMALL and hasattr(os, "SEEK_DATA"):
        held = held_bytes(number, size)
        os.lseek(number, place, os.SEEK_SET)
        if 100 * held < size:
            raise DataError(
                f"{name} has {size:,} bytes, but only {held:,} of them were ever written: write or download it again"
            )


def held_bytes(number: int, size: int) -> int:
    """How many bytes of an open file lie on the disk; counted until they are a hundredth of all."""
    end = held = 0
    with suppress(OSError):  # nothing more is held
        while end < size and 100 * held < size:
            begin = os.lseek(number, end, os.SEEK_DATA)
            end = os.lseek(number, begin, os.SEEK_HOLE)
            held += end - begin
    return held


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises:
        DataError: It is closed.
    """
    if sys.stdin is None:
        raise DataError("standard input is closed: send it a file, or name one instead of -")
    return sys.stdin.buffer


def fetch(url: str) -> tuple[bytes, str]:
    """What a web server answers, and the URL without anything secret.

    Raises:
        DataError: The server cannot be reached, answers with an error or with too much.
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = f"{parts.scheme}://{host}{parts.path}"
    request = Request(parts._replace(netloc=host).geturl())  # http and https only, as the caller has seen
    if user:
        request.add_unredirected_header("Authorization", "Basic " + b64encode(unquote_to_bytes(user)).decode())
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            return b"".join(bounded(iter(lambda: answer.read(CHUNK), b""), name)), name
    except HTTPError as error:
        with error:
            raise DataError(f"{name} cannot be read: the server answers {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"{name} cannot be read: {getattr(error, 'reason', error)}") from error


def bounded(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The chunks, until they are too many."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST_DOWNLOADED:
            raise DataError(f"{name} is larger than {MOST_DOWNLOADED // 2**30} GiB: download it and name the file")
        yield chunk
