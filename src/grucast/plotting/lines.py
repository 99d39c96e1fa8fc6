"""Which series are drawn, and the line of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.panel import Panel, make_panel
from grucast.data.stamps import to_times, zone_of
from grucast.data.zones import to_local
from grucast.errors import ConfigError, DataError, plain

Array = NDArray[Any]
Frame = nw.DataFrame[Any]
MOST_SERIES = 4  # series in one figure, unless they are named
MOST_NAMED = 50
NAME_LETTERS = 48  # letters of a name


@dataclass(frozen=True)
class Line:
    """Values at times; NaN where nothing was observed, so that the line breaks there."""

    times: Array
    values: Array

    def last(self, steps: int | None) -> "Line":
        """The end of the line; all of it for None."""
        return self if steps is None else Line(self.times[-steps:], self.values[-steps:])

    def until(self, time: Any) -> "Line":
        """The line up to a time and with it."""
        kept = self.times <= time
        return Line(self.times[kept], self.values[kept])

    @property
    def end(self) -> "Line":
        """Its last observed point; empty without any."""
        seen = np.flatnonzero(~np.isnan(self.values))[-1:]
        return Line(self.times[seen], self.values[seen])

    @property
    def lone(self) -> "Line":
        """The points between gaps, which a line does not show."""
        seen = np.concatenate([[False], ~np.isnan(self.values), [False]])
        alone = seen[1:-1] & ~seen[:-2] & ~seen[2:]
        return Line(self.times[alone], self.values[alone])

    def summary(self, size: int) -> tuple["Line", "Line", "Line"]:
        """Least, mean and largest of every `size` values; NaN where none of them was observed."""
        values = np.pad(self.values, (0, -len(self.values) % size), constant_values=np.nan).reshape(-1, size)
        seen = np.ma.masked_invalid(values)
        parts = (np.ma.filled(part, np.nan) for part in (seen.min(axis=1), seen.mean(axis=1), seen.max(axis=1)))
        middle = np.minimum(np.arange(len(values)) * size + size // 2, len(self.values) - 1)
        low, mean, high = (Line(self.times[middle], part) for part in parts)
        return low, mean, high


def choose(ids: Iterable[Any], series: Sequence[Any] | str | None, most: int = MOST_SERIES) -> list[Any]:
    """The series to draw: the first few, or those named, however their names are typed.

    Raises:
        ConfigError: A name is not among the ids, or there are too many.

    >>> choose([1, 2, 3], ["3", 1]), choose(["a", "b"], None, most=1)
    ([3, 1], ['a'])
    """
    known = {str(name): name for name in ids}
    if series is None:
        return list(known.values())[:most]
    wanted = dict.fromkeys(str(name) for name in ([series] if isinstance(series, str) else series))
    if unknown := [name for name in wanted if name not in known]:
        some = ", ".join(map(short, list(known)[:8])) + ", ..." * (len(known) > 8)
        raise ConfigError(f"there is no series {unknown[0]!r} to draw: there are {some}")
    if not 0 < len(wanted) <= MOST_NAMED:
        raise ConfigError(f"{len(wanted)} series are named to be drawn in one picture: name 1 to {MOST_NAMED}")
    return [known[name] for name in wanted]


def short(name: Any) -> str:
    """A name that fits above its axes."""
    text = plain(name)
    return text if len(text) <= NAME_LETTERS else f"{text[: NAME_LETTERS - 1]}…"


def lines_of(frame: Frame, names: Sequence[Any]) -> dict[Any, Line]:
    """The lines of some series of a frame; with all steps of the grid, if they have one."""
    own = frame.select("unique_id", "ds", "y").filter(nw.col("unique_id").is_in(names))
    if own.is_empty():
        return {}
    try:
        panel = make_panel(own.to_native())
    except DataError:  # a look at data that cannot be used, or of one point
        parts = {name: own.filter(nw.col("unique_id") == name).sort("ds") for name in names}
        return {name: Line(wall(part["ds"]), numbers(part["y"])) for name, part in parts.items()}
    return {name: line_of(panel, index, zone_of(own["ds"])) for index, name in enumerate(panel.ids)}


def line_of(panel: Panel, index: int, zone: str) -> Line:
    """The line of one series of a panel."""
    values = panel.series(index)
    times = panel.frequency.times(panel.starts[index : index + 1], np.arange(len(values)))
    return Line(local(times, zone), values)


def wall(ds: nw.Series[Any]) -> Array:
    """Time stamps as clocks show them, or integers."""
    return local(to_times(ds), zone_of(ds))


def local(times: Array, zone: str) -> Array:
    """Instants as clocks of the zone show them."""
    return to_local(times, zone) if zone else times


def numbers(values: nw.Series[Any]) -> Array:
    """Values, NaN where they are missing."""
    return values.cast(nw.Float64).to_numpy()
