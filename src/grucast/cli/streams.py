"""The standard streams as commands need them: in letters that every terminal has, and a failure is one sentence."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from grucast.errors import GrucastError


class OutputStream:
    """A stream whose failures are errors of ours, or pass where it has no name; what it holds then goes nowhere."""

    def __init__(self, stream: Any, name: str = "") -> None:
        self.stream, self.name = stream, name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.stream, attribute)

    @property
    def buffer(self) -> "OutputStream":
        """The stream of bytes below."""
        return OutputStream(self.stream.buffer, self.name)

    def write(self, content: Any) -> Any:
        """Write text or bytes."""
        with self._refusing():
            return self.stream.write(content)

    def flush(self) -> None:
        """Bring what was written to where it goes."""
        with self._refusing():
            self.stream.flush()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with suppress(OSError):  # else Python tries again when it ends, and fails
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
            if self.name:
                raise GrucastError(f"cannot write to {self.name}: {error.strerror or error}") from error


@contextmanager
def standard_streams() -> Iterator[None]:
    """Standard output whose failures are errors of ours, and standard error that never fails."""
    before = sys.stdout, sys.stderr
    occupy()
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # for letters that the terminal has not
    sys.stdout = sys.stdout and OutputStream(sys.stdout, "standard output")
    sys.stderr = OutputStream(sys.stderr or open(os.devnull, "w"))  # noqa: SIM115, PTH123 - open to the end
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def occupy() -> None:
    """Put the null device in place of closed streams, so that no other file is opened there and taken for one."""
    while (handle := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(handle)
