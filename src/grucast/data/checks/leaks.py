"""Columns that give the target away: the target itself, its parts, its future."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["same", "sum", "ahead", "near", "past"]

EXACT = 1e-8  # share of the variance of y's differences left unexplained that rounding can cause
NEAR = 1e-3  # and the share below which a column is suspected
LEAST = 20  # degrees of freedom below which nothing is said
REACH = 30  # steps to both sides that a moving mean of y is looked for in
SAMPLE = 1000  # rows of one series that are looked at first
MOST_ROWS = 100_000  # for the search of linear combinations


@dataclass(frozen=True)
class Leak:
    """Columns that hold the target: how, and in words.

    `same`: y itself on some scale; `sum`: y is a linear combination of them; `ahead`: later values of y; `near`: y but
    for a thousandth of its variance, a suspicion; `past`: earlier values of y, which is harmless.
    """

    kind: Kind
    columns: tuple[str, ...]
    text: str


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


def find_leaks(target: Target, columns: Mapping[str, NDArray[np.float64]]) -> list[Leak]:
    """Look for y in numeric columns, sorted as it is.

    Everything is measured on differences between neighbouring steps, less their mean in each series, so that levels,
    trends and columns that stay the same tell nothing.
    """
    change = target.differences(target.y)
    alone = {name: leak for name, values in columns.items() if (leak := find_alone(target, change, name, values))}
    others = [name for name in columns if name not in alone or alone[name].kind == "past"]
    joint = find_sum(target, change, {name: columns[name] for name in others}, EXACT)
    if joint and all(name in alone for name in joint.columns):
        joint = None
    if not joint:
        joint = find_sum(target, change, {name: columns[name] for name in others if name not in alone}, NEAR)
    return [*alone.values(), *([joint] if joint else [])]


def find_alone(target: Target, change: Array, name: str, values: Array) -> Leak | None:
    """Whether one column holds y, a moving mean of it, or nearly y."""
    own = target.differences(values)
    same = unexplained(change, own, target.codes[1:])
    if same <= EXACT:
        return Leak("same", (name,), describe_same(target.y, values, name))
    for ahead, width in moving_means(target, own):
        ends = target.moved(np.array([ahead, ahead - width]))[1:]
        if unexplained(own, ends[:, 0] - ends[:, 1], target.codes[1:]) <= EXACT:
            return describe_mean(name, ahead, width)
    return (
        Leak("near", (name,), f"{name} tells all but {100 * same:.2g}% of the changes of y") if same <= NEAR else None
    )


def unexplained(change: Array, by: Array, codes: Array) -> float:
    """Share of the variance of `change` that a factor of its own for each series leaves; 1 where little is known."""
    seen = np.isfinite(change) & np.isfinite(by)
    codes = codes[seen]
    count = np.bincount(codes)
    y, x = (centred(values[seen], codes, count) for values in (change, by))
    xx, yy, xy = (np.bincount(codes, product) for product in (x * x, y * y, x * y))
    free = np.where(yy > 0, np.maximum(count - 2, 0), 0)
    if free.sum() < LEAST:
        return 1.0
    left = 1 - xy**2 / np.where(xx * yy > 0, xx * yy, 1)
    return float((free * left).sum() / free.sum())


def centred(values: Array, codes: Array, count: Array) -> Array:
    """Values less their series' mean, brought within 1, and 0 where all that is left is rounding."""
    mean, size = (np.bincount(codes, v, len(count)) / np.maximum(count, 1) for v in (values, np.abs(values)))
    return without_rounding(values - mean[codes], size[codes])


def without_rounding(rest: Array, size: Array) -> Array:
    """Bring what is left of values of that size within 1; a billionth of it is rounding."""
    largest = np.abs(rest).max(initial=0) or 1.0
    return np.where(np.abs(rest) <= 1e-9 * size, 0, rest / largest)


def moving_means(target: Target, own: Array) -> list[tuple[int, int]]:
    """Candidates (a, w): in the longest series the column moves like the mean of y over t + a - w + 1 ... t + a.

    The change of such a mean is (y[t + a] - y[t + a - w]) / w. Those that hold least of the future come first.
    """
    moving = np.isfinite(own) & (own != 0)
    if not moving.any():
        return []
    longest = np.bincount(target.codes[1:][moving]).argmax()
    rows = np.flatnonzero(moving & (target.codes[1:] == longest))[:SAMPLE]
    within = target.codes == longest
    series = Target(np.zeros(int(within.sum()), np.int64), target.steps[within], target.y[within])
    near = series.moved(np.arange(-2 * REACH, REACH + 1), rows + 1 - int(within.argmax()))
    found: list[tuple[int, int]] = []
    for width in range(1, REACH + 1):
        change = near[:, width:] - near[:, :-width]
        alike = np.flatnonzero(left_over(change, own[rows]) <= EXACT)
        found += [(int(end) + width - 2 * REACH, width) for end in alike]
    within_reach = [pair for pair in found if abs(pair[0]) <= REACH]
    return sorted(within_reach, key=lambda pair: (max(pair[0], -1), pair[1], abs(pair[0])))[:5]


def left_over(changes: Array, own: Array) -> Array:
    """Share of the variance of `own` that each column of `changes` leaves, over the rows that both have."""
    seen = np.isfinite(changes)
    count = np.maximum(seen.sum(0), 1)
    pair = (np.where(seen, v, 0) for v in (changes, own[:, None]))
    means = ((v, v.sum(0) / count, np.abs(v).sum(0) / count) for v in pair)
    x, y = (np.where(seen, without_rounding(v - mean, size), 0) for v, mean, size in means)
    xx, yy, xy = (x * x).sum(0), (y * y).sum(0), (x * y).sum(0)
    known = (count >= LEAST / 2) & (xx > 0) & (yy > 0)
    return np.where(known, 1 - xy**2 / np.where(known, xx * yy, 1), 1)


def find_sum(target: Target, change: Array, columns: Mapping[str, Array], most: float) -> Leak | None:
    """The fewest of the columns whose linear combination leaves at most that share of y's changes."""
    names, table = complete_rows(target, change, columns)
    if len(names) < 2:
        return None
    shape: Array = np.linalg.qr(table[np.linspace(0, len(table) - 1, min(len(table), MOST_ROWS)).astype(int)], mode="r")  # type: ignore[assignment]
    kept = list(range(len(names)))
    if share_left(shape, kept) > most:
        return None
    size = np.abs(np.linalg.lstsq(shape[:, :-1], shape[:, -1])[0])
    for index in sorted(kept, key=lambda i: float(size[i])):
        rest = [i for i in kept if i != index]
        if rest and share_left(shape, rest) <= most:
            kept = rest
    if share_left(table, kept) > most:
        return None
    chosen = [names[i] for i in kept]
    if most == EXACT:
        return Leak("sum", tuple(chosen), describe_sum(target, change, {name: columns[name] for name in chosen}))
    tells = f"{', '.join(chosen)} together tell all but {100 * share_left(table, kept):.2g}% of the changes of y"
    return Leak("near", tuple(chosen), tells)


def complete_rows(target: Target, change: Array, columns: Mapping[str, Array]) -> tuple[list[str], Array]:
    """Changes of columns that are seldom missing and of y, on y's scale in each series, (n, p + 1)."""
    known = np.isfinite(change)
    own = {name: target.differences(values) for name, values in columns.items()}
    names = [name for name, d in own.items() if 2 * (known & np.isfinite(d)).sum() > known.sum()]
    rows = known & np.logical_and.reduce([np.isfinite(own[name]) for name in names] or [known])
    codes = target.codes[1:][rows]
    count = np.bincount(codes, minlength=1)
    y = centred(change[rows], codes, count)
    scale = np.sqrt(np.bincount(codes, y * y, minlength=len(count)) / np.maximum(count, 1))[codes]
    moves = scale > 0
    free = np.count_nonzero(y[moves]) - np.count_nonzero(count)
    x = [centred(own[name][rows], codes, count)[moves] / scale[moves] for name in names]
    names = [name for name, values in zip(names, x, strict=True) if values.any()]
    if free < LEAST + 2 * len(names):
        return [], np.empty((0, 1))
    x = [values / np.linalg.norm(values) for values in x if values.any()]
    return names, np.stack([*x, y[moves] / scale[moves]], axis=1)


def share_left(table: Array, kept: Sequence[int]) -> float:
    """Share of the last column's sum of squares that the kept columns leave."""
    y = table[:, -1]
    fit = table[:, kept] @ np.linalg.lstsq(table[:, kept], y)[0]
    return float(((y - fit) ** 2).sum() / (y**2).sum())


def describe_same(y: Array, values: Array, name: str) -> str:
    """Say on which scale a column is y."""
    seen = np.isfinite(y) & np.isfinite(values)
    y, x = y[seen], values[seen]
    middle, size = x.mean(), np.abs(x - x.mean()).max()
    z = (x - middle) / size
    slope = float((z * (y - y.mean())).sum() / (z * z).sum())
    rest = y - y.mean() - slope * z
    slope, level = slope / size, y.mean() - slope * (middle / size)
    if np.abs(rest).max() > 1e-6 * np.abs(y).max():
        return f"{name} is y on another scale in each series"
    if abs(level) > 1e-6 * np.abs(y).max():
        return f"y = {slope:.6g} {name} {'+' if level >= 0 else '-'} {abs(level):.6g}"
    return f"{name} is y" if np.isclose(slope, 1) else f"y = {slope:.6g} {name}"


def describe_mean(name: str, ahead: int, width: int) -> Leak:
    """Say which moving mean of y a column is."""
    where = f"{abs(ahead)} steps {'ahead' if ahead > 0 else 'back'}" if ahead else "at its own step"
    where = where.replace(" 1 steps", " 1 step") if abs(ahead) != 1 else where.replace("steps", "step")
    what = f"y {where}" if width == 1 else f"the mean of {width} values of y, the last {where}"
    kind: Kind = "ahead" if ahead > 0 else "same" if ahead == 0 else "past"
    return Leak(kind, (name,), f"{name} moves as {what}")


def describe_sum(target: Target, change: Array, columns: Mapping[str, Array]) -> str:
    """Write the combination as an equation."""
    own = np.stack([target.differences(values) for values in columns.values()], axis=1)
    rows = np.isfinite(change) & np.isfinite(own).all(1)
    factors = np.linalg.lstsq(np.column_stack([own[rows], np.ones(rows.sum())]), change[rows])[0]
    terms = [
        "" if np.isclose(f, 1, atol=1e-6) else "-" if np.isclose(f, -1, atol=1e-6) else f"{f:.6g} " for f in factors
    ]
    return "y = " + " + ".join(t + name for t, name in zip(terms, columns, strict=False)).replace("+ -", "- ")
