"""The bytes that a source names: files, standard input, URLs."""

import sys
from base64 import b64encode
from collections.abc import Iterator
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
LARGEST = 2**30  # bytes taken from the network
TIMEOUT = 60  # seconds without an answer


def find_paths(source: str) -> list[Path]:
    """The files of a path or glob, sorted.

    Raises:
        DataError: There is none, or it is none.
    """
    paths = [source]
    if is_pattern(source):
        paths = sorted(glob(source, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not paths:
        raise DataError(f"{source} matches no file")
    return [checked(Path(path)) for path in paths]


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


def read_start(path: Path, size: int = -1) -> bytes:
    """The first bytes of a file, or all."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def read_input() -> bytes:
    """All of standard input."""
    try:
        return standard_input().read()
    except OSError as error:
        raise DataError(f"standard input cannot be read: {error.strerror or error}") from error


def standard_input() -> BinaryIO:
    """The bytes of standard input.

    Raises:
        DataError: It is closed.
    """
    if sys.stdin is None:
        raise DataError("standard input is closed: send it a file, or name one in the place of -")
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
        if size > LARGEST:
            raise DataError(f"{name} is larger than {LARGEST // 2**30} GiB: download it and name the file")
        yield chunk
