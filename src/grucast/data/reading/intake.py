"""A table as it came, and the series that it was understood to hold."""

from collections.abc import Collection
from typing import Any, NamedTuple

import narwhals as nw

from grucast.data.reading.options import ReadOptions
from grucast.data.reading.origin import Origin
from grucast.data.table import Table

Frame = nw.DataFrame[Any]
DEFAULT = ReadOptions()
COUNTER = "integer"  # the reading of time stamps that are left as they are


class Cells(NamedTuple):
    """A table as it came.

    Attributes:
        frame: Its columns.
        origin: Where its rows come from.
        separator: Between fields of delimited text.
        twins: Names that two columns had.
        notes: What was decided before.
        texts: Columns that are text, whatever they hold here.
    """

    frame: Frame
    origin: Origin
    separator: str | None = None
    twins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    texts: Collection[str] = ()


class Intake(NamedTuple):
    """Series as they were understood.

    Attributes:
        table: The series.
        target: The column that y was.
        notes: What was taken for what, a line each.
        doubts: What may be wrong, a line each.
        options: What to tell `read` so that it reads another such source alike.
    """

    table: Table
    target: str = "y"
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    options: ReadOptions = DEFAULT

    @property
    def guesses(self) -> tuple[str, ...]:
        """The notes, unless all columns had usual names and there was one way to read them."""
        from grucast.data.reading.names import ALIASES, plain

        told = self.options
        columns = {"unique_id": told.id_col, "ds": told.time_col, "y": (self.target,)}
        usual = all(plain(name) in ALIASES[role] for role, names in columns.items() for name in names)
        return () if usual and told.time_format in (None, COUNTER) and not told.wide else self.notes
