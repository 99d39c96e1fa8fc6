"""Rows as they came: which of them can be used, and in which order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.files import read_file
from grucast.data.panel import factorize, show
from grucast.data.sources import LARGEST, MISSING, read, rename
from grucast.data.stamps import parse_time, to_times
from grucast.errors import DataError

Array = NDArray[Any]


def read_usable(source: Any, id_col: str | None, time_col: str | None, target_col: str | None) -> tuple[Any, list[str]]:
    """Read what `grucast.read` can, and say which rows were left out for what reason.

    Raises:
        DataError: There is nothing to read, or a row is bad in a way that cannot be listed.
    """
    try:
        return read(source, id_col, time_col, target_col), []
    except DataError as error:
        if isinstance(source, str | Path) and not Path(source).is_file():
            raise  # standard input has been read by now, and of many files each is better checked alone
        native = read_file(Path(source)) if isinstance(source, str | Path) else source
        raw = rename(
            nw.from_native(native, eager_only=True), {"unique_id": id_col, "ds": time_col, "y": target_col}, ""
        )
        bad = bad_rows(raw)
        usable = ~np.logical_or.reduce([rows for _, rows in bad] or [np.zeros(len(raw), bool)])
        if usable.all() or not usable.any():
            raise error
    return read(raw.filter(usable.tolist()).to_native()), [f"{text} ({place(rows)})" for text, rows in bad]


def bad_rows(raw: nw.DataFrame[Any]) -> list[tuple[str, Array]]:
    """Reasons why rows cannot be used, each with the rows it holds for."""
    ds, y = raw["ds"], raw["y"]
    found = [(f"no {column}", raw[column].is_null().to_numpy()) for column in ("unique_id", "ds")]
    if ds.dtype in (nw.String, nw.Object):
        readable = np.array([is_time(text) for text in ds.to_list()])
        found.append(("a ds that is no time stamp", ~readable & ~ds.is_null().to_numpy()))
    if y.dtype in (nw.String, nw.Object, nw.Categorical):
        numbers = np.array([to_number(value) for value in y.to_list()])
        found.append(("a y that is not a number", np.isnan(numbers) & ~np.array([is_missing(v) for v in y.to_list()])))
    elif y.dtype.is_numeric():
        numbers = y.cast(nw.Float64).to_numpy()
    else:
        return found
    found.append((f"a y that is infinite or beyond {LARGEST:g}", np.abs(numbers) > LARGEST))
    return [(text, rows) for text, rows in found if rows.any()]


def is_time(text: Any) -> bool:
    """Whether `read` takes it for a time stamp."""
    return succeeds(lambda: parse_time(str(text), [str(text)], ""))


def is_missing(value: Any) -> bool:
    """Whether `read` takes it for a missing value."""
    return value is None or str(value).strip().lower() in MISSING


def to_number(value: Any) -> float:
    """The number that a text holds, NaN if none."""
    return float(value) if succeeds(lambda: float(value)) else np.nan


def succeeds(call: Callable[[], Any]) -> bool:
    """Whether a call raises neither TypeError nor ValueError."""
    try:
        call()
    except (TypeError, ValueError):
        return False
    return True


def place(rows: Array) -> str:
    """How many rows, and which comes first."""
    count = int(rows.sum())
    return f"row {int(rows.argmax()) + 1}" if count == 1 else f"{count:,} rows, the first is {int(rows.argmax()) + 1}"


class Ordered:
    """Rows by series, in the order of their first appearance, and time; of duplicates the first is kept.

    Attributes:
        ids: Names of the series.
        order: Row of the frame for each sorted row.
        codes: Series of each.
        times: Time stamp of each.
        y: Target of each, NaN where missing.
        unsorted: Rows earlier than the row of their series before.
        duplicates: Rows whose series and time were there before.
        example: The first duplicate, in words.
    """

    def __init__(self, frame: nw.DataFrame[Any]) -> None:
        times = to_times(frame["ds"])
        codes, self.ids = factorize(frame["unique_id"])
        came = np.argsort(codes, kind="stable")
        self.unsorted = int(((np.diff(codes[came]) == 0) & (times[came][1:] < times[came][:-1])).sum())
        order = came if self.unsorted == 0 else np.lexsort((times, codes))
        codes, times = codes[order], times[order]
        twice = np.append(False, (np.diff(codes) == 0) & (times[1:] == times[:-1]))
        self.duplicates = int(twice.sum())
        row = int(twice.argmax())
        self.example = f"series {self.ids[codes[row]]!r} at {show(times[row])}" if self.duplicates else ""
        self.order, self.codes, self.times = order[~twice], codes[~twice], times[~twice]
        self.y = frame["y"].to_numpy().astype(np.float64)[self.order]
