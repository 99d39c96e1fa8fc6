"""A frame with the columns unique_id, ds, y, each fetched once: that takes narwhals longer than looking at it."""

from typing import Any, NamedTuple

import narwhals as nw

COLUMNS = ("unique_id", "ds", "y")


class Table(NamedTuple):
    """A frame, and the three of its columns that every series has."""

    frame: nw.DataFrame[Any]
    ids: nw.Series[Any]
    ds: nw.Series[Any]
    y: nw.Series[Any]

    @classmethod
    def of(cls, frame: Any) -> "Table":
        """The table of a frame as `read` returns it; a table is its own."""
        if isinstance(frame, Table):
            return frame
        data = nw.from_native(frame, eager_only=True)
        return cls(data, *(data.get_column(name) for name in COLUMNS))
