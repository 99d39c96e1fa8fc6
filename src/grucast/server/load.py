"""What the server has at work, and when that is all it takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from grucast.server.settings import Limits


class Load:
    """Requests at work, and the bytes of bodies that they hold.

    Attributes:
        coming: Requests that have come and not begun.
        busy: Those whose answer has not ended.
        listening: Those of them that only wait for events.
        held: Bytes of bodies.

    >>> load = Load(Limits(queue=2))
    >>> load.busy = 2
    >>> load.is_full(), load.is_full(2**30)
    (True, True)
    >>> load.listening = 1
    >>> load.is_full(), load.is_full(2**30)
    (False, True)
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.coming, self.busy, self.listening, self.held = 0, 0, 0, 0

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count a request until it is answered."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1

    def is_full(self, length: int = 0) -> bool:
        """Whether one more request, with a body of so many bytes, is too much."""
        many = self.coming + self.busy - self.listening >= self._limits.queue
        return many or self.held + length > self._limits.memory
