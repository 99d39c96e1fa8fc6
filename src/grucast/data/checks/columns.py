"""What the columns besides the series, the time stamp and the target hold."""

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.checks.rows import Ordered
from grucast.data.reading.looks import to_cells
from grucast.data.reading.missing import LARGEST_Y
from grucast.data.reading.numbers import parse_numbers
from grucast.data.scalars import are_numbers

Array = NDArray[Any]


@dataclass(frozen=True)
class ColumnSummary:
    """A further column.

    Attributes:
        name: Its name.
        kind: number, boolean, text, time or the type's own name.
        missing: Rows without a value.
        values: Different values.
        static: It has one value in each series, like a shop's region.
        known_ahead: Share of the rows after their series' last y that have a value; None if there are no such rows.
    """

    name: str
    kind: str
    missing: int
    values: int
    static: bool
    known_ahead: float | None

    @property
    def constant(self) -> bool:
        """Whether it has at most one value."""
        return self.values <= 1


def describe_columns(frame: nw.DataFrame[Any], rows: Ordered) -> list[ColumnSummary]:
    """Describe all columns but unique_id, ds and y."""
    after, series = rows_after_last(rows), len(rows.ids)
    further = (column for column in frame.iter_columns() if column.name not in ("unique_id", "ds", "y"))
    return [describe(frame, column, after, series) for column in further]


def rows_after_last(rows: Ordered) -> Array:
    """Rows of the frame that come after the last y of their series."""
    seen = np.isfinite(rows.y)
    place = np.arange(len(rows.y))
    last = np.full(len(rows.ids), -1)
    np.maximum.at(last, rows.codes[seen], place[seen])
    after: Array = rows.order[place > last[rows.codes]]
    return after


def describe(frame: nw.DataFrame[Any], column: nw.Series[Any], after: Array, series: int) -> ColumnSummary:
    """Describe one column of a frame of so many series."""
    missing = absent(column)
    count = int(missing.sum())
    present = column.filter((~missing).tolist()) if count else column
    distinct = present.n_unique() if len(present) else 0
    static = distinct <= 1 or (distinct <= series and varies_never(frame, column.name, missing))
    known = float((~missing[after]).mean()) if len(after) else None
    return ColumnSummary(column.name, kind_of(column), count, int(distinct), bool(static), known)


def absent(column: nw.Series[Any]) -> Array:
    """Which values are null or NaN."""
    values = column.to_numpy() if column.dtype.is_float() else None
    if values is not None and values.dtype.kind == "f":
        return np.isnan(values)
    missing = column.is_null().to_numpy()
    return np.asarray(missing | column.is_nan().fill_null(True).to_numpy()) if column.dtype.is_float() else missing


def varies_never(frame: nw.DataFrame[Any], name: str, missing: Array) -> bool:
    """Whether each series has one value, in the rows where there is one."""
    present = frame.select("unique_id", name).filter((~missing).tolist())
    return bool(present.group_by("unique_id").agg(nw.col(name).n_unique()).get_column(name).max() == 1)


def kind_of(column: nw.Series[Any]) -> str:
    """The type in a word."""
    dtype = column.dtype
    if dtype.is_numeric() or are_numbers(column):
        return "number"
    if dtype == nw.Boolean:
        return "boolean"
    if dtype.is_temporal():
        return "time"
    return "text" if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object) else str(dtype)


def numbers(frame: nw.DataFrame[Any], columns: list[ColumnSummary], rows: Ordered) -> dict[str, NDArray[np.float64]]:
    """The columns of numbers that vary, also as text, in the order of the rows; NaN where missing or too large."""
    found = {}
    for column in columns:
        if not column.static and (values := as_numbers(frame[column.name], column.kind)) is not None:
            found[column.name] = np.where(np.abs(values) <= LARGEST_Y, values, np.nan)[rows.order]
    return found


def as_numbers(column: nw.Series[Any], kind: str) -> NDArray[np.float64] | None:
    """The column as numbers; None if it holds anything else."""
    if kind not in ("number", "boolean", "text"):
        return None
    if kind != "text" and column.dtype != nw.Object:
        return column.cast(nw.Float64).to_numpy().astype(np.float64)
    found = parse_numbers(to_cells(column), ".")
    return None if found.bad.size else found.values
