"""The target, and the columns that move as a moving mean of it: earlier, present or later values."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

EXACT = 1e-8  # share of the variance of y's differences left unexplained that rounding can cause
FEWEST_PAIRS = 10  # rows on which a mean can be told
REACH = 30  # steps to both sides that a moving mean of y is looked for in
SAMPLE_ROWS = 1000  # rows of one series among which
FIRST_ROWS = 128  # are looked at first: those with most of y around them
AHEAD, WIDTH = (each.ravel() for each in np.meshgrid(np.arange(-REACH, REACH + 1), np.arange(1, REACH + 1)))
MOST_MEANS = 5  # means of a column that are looked at in all rows
KEPT = 16  # sets of rows whose means are remembered


@dataclass(frozen=True)
class Target:
    """Rows sorted by series and time: a series' code, a step within it and y for each."""

    codes: NDArray[np.int64]
    steps: NDArray[np.int64]
    y: NDArray[np.float64]

    def differences(self, values: Array) -> Array:
        """Change from the step before to each row, (n - 1, ...); NaN where that step is not there."""
        adjacent = (np.diff(self.codes) == 0) & (np.diff(self.steps) == 1)
        change = np.diff(values, axis=0)
        change[~adjacent] = np.nan
        return change

    def moved(self, ahead: Array, rows: Any = slice(None)) -> Array:
        """The values of y that many steps after each of the rows, (n, len(ahead)); NaN where there is no such row."""
        room = int(np.abs(ahead).max())
        last = np.maximum.reduceat(self.steps, np.flatnonzero(np.diff(self.codes, prepend=-1)))
        lengths = last + 1 + room  # NaN between one series and the next
        places = room + (np.cumsum(lengths) - lengths)[self.codes] + self.steps
        grid = np.full(int(lengths.sum()) + 2 * room, np.nan)
        grid[places] = self.y
        moved: Array = grid[places[rows, None] + ahead]
        return moved


class MeansAround(NamedTuple):
    """Changes of each moving mean of y at some rows, centred, and 0 where not seen."""

    rows: NDArray[np.int64]  # (n,)
    x: Array  # (n, C)
    seen: Array  # (n, C), 1 or 0
    pairs: Array  # rows seen, (C,)
    xx: Array  # (C,)

    @classmethod
    def at(cls, target: Target, rows: NDArray[np.int64]) -> "MeansAround":
        """The means around those rows of one series that have most of y around them."""
        within = target.codes == target.codes[rows[0] + 1]
        series = Target(np.zeros(int(within.sum()), np.int64), target.steps[within], target.y[within])
        near = series.moved(np.arange(-2 * REACH, REACH + 1), rows + 1 - int(within.argmax()))
        known = np.isfinite(near).sum(1)
        best = np.flatnonzero(known >= np.sort(known)[-FIRST_ROWS:][0])
        some = best[np.linspace(0, len(best) - 1, min(len(best), FIRST_ROWS)).astype(int)]
        change = near[some][:, 2 * REACH + AHEAD] - near[some][:, 2 * REACH + AHEAD - WIDTH]
        seen = np.isfinite(change)
        count = np.maximum(seen.sum(0), 1)
        x = np.where(seen, change, 0)
        mean, size = x.sum(0) / count, np.abs(x).sum(0) / count
        x = np.where(seen, without_rounding(x - mean, size), 0)
        return cls(rows[some], x, seen.astype(float), count, (x * x).sum(0))

    def left_over(self, own: Array) -> Array:
        """Share of the variance of a column's changes that each mean leaves, over the rows that both have, (C,)."""
        y = own[self.rows]
        y = without_rounding(y - y.mean(), np.abs(y).mean())
        total, squares = np.stack([y, y * y]) @ self.seen
        yy = squares - total**2 / self.pairs
        known = (self.pairs >= FEWEST_PAIRS) & (self.xx > 0) & (yy > 1e-9 * squares)
        return np.where(known, 1 - (y @ self.x) ** 2 / np.where(known, self.xx * yy, 1), 1)


@dataclass(frozen=True)
class MovingMeans:
    """The moving means of a target, which many columns move at the same rows."""

    target: Target
    around: dict[bytes, MeansAround] = field(default_factory=dict)

    def like(self, own: Array) -> list[tuple[int, int]]:
        """Candidates (a, w): in the longest series the column moves like the mean of y over t + a - w + 1 ... t + a.

        The change of such a mean is (y[t + a] - y[t + a - w]) / w. Those that hold least of the future come first.
        """
        moving = np.isfinite(own) & (own != 0)
        if not moving.any():
            return []
        codes = self.target.codes[1:]
        longest = np.bincount(codes[moving]).argmax()
        rows = np.flatnonzero(moving & (codes == longest))[:SAMPLE_ROWS]
        if (key := rows.tobytes()) not in self.around:
            if len(self.around) == KEPT:
                self.around.clear()
            self.around[key] = MeansAround.at(self.target, rows)
        alike = np.flatnonzero(self.around[key].left_over(own) <= EXACT)
        found = [(int(AHEAD[index]), int(WIDTH[index])) for index in alike]
        return sorted(found, key=lambda pair: (max(pair[0], -1), pair[1], abs(pair[0])))[:MOST_MEANS]


def without_rounding(rest: Array, size: Array) -> Array:
    """Bring what is left of values of that size within 1; a billionth of it is rounding."""
    largest = np.abs(rest).max(initial=0) or 1.0
    return np.where(np.abs(rest) <= 1e-9 * size, 0, rest / largest)
