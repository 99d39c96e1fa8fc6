"""Where rows come from, for messages."""

from bisect import bisect_right
from typing import NamedTuple


class Origin(NamedTuple):
    """The files whose rows follow each other, and the number of the first row of each; or one frame.

    >>> Origin(("a.csv", "b.csv"), (0, 10)).row(12)
    'row 3 of b.csv'
    """

    names: tuple[str, ...]
    starts: tuple[int, ...] = (0,)

    @property
    def name(self) -> str:
        """All in a few words."""
        more = len(self.names) - 1
        return self.names[0] + (f" and {more} more" if more else "")

    def row(self, index: int) -> str:
        """A row, counted from 1 in its file."""
        file = bisect_right(self.starts, index) - 1
        return f"row {index - self.starts[file] + 1} of {self.names[file]}"
