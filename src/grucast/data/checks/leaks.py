"""Columns that give the target away: the target itself, its parts, its future."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grucast.data.checks.means import EXACT, MovingMeans, Target, without_rounding

Array = NDArray[Any]
LeakKind = Literal["same", "sum", "ahead", "near", "past"]

NEAR = 1e-3  # share of the variance of y's differences left unexplained below which a column is suspected
LEAST_FREEDOM = 20  # degrees of freedom below which nothing is said
MOST_ROWS = 100_000  # for the search of linear combinations
MOST_COLUMNS = 200  # for the same: those that tell most of y,
ROUND = 50  # of which so many are chosen at once,
FEW_ROWS = 5000  # in so many rows


@dataclass(frozen=True)
class Leak:
    """Columns that hold the target: how, and in words.

    `same`: y itself on some scale; `sum`: y is a linear combination of them; `ahead`: later values of y; `near`: y but
    for a thousandth of its variance, a suspicion; `past`: earlier values of y, which is harmless.
    """

    kind: LeakKind
    columns: tuple[str, ...]
    text: str


def find_leaks(target: Target, columns: Mapping[str, NDArray[np.float64]]) -> list[Leak]:
    """Look for y in numeric columns, sorted as it is.

    Everything is measured on differences between neighbouring steps, less their mean in each series, so that levels,
    trends and columns that stay the same tell nothing.
    """
    change, means = target.differences(target.y), MovingMeans(target)
    alone = {name: leak for name, values in columns.items() if (leak := find_alone(means, change, name, values))}
    others = [name for name in columns if name not in alone or alone[name].kind == "past"]
    joint = find_sum(target, change, {name: columns[name] for name in others}, EXACT)
    if joint and all(name in alone for name in joint.columns):
        joint = None
    if not joint:
        joint = find_sum(target, change, {name: columns[name] for name in others if name not in alone}, NEAR)
    return [*alone.values(), *([joint] if joint else [])]


def find_alone(means: MovingMeans, change: Array, name: str, values: Array) -> Leak | None:
    """Whether one column holds y, a moving mean of it, or nearly y."""
    target = means.target
    own = target.differences(values)
    same = unexplained(change, own, target.codes[1:])
    if same <= EXACT:
        return Leak("same", (name,), describe_same(target.y, values, name))
    for ahead, width in means.like(own):
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
    if free.sum() < LEAST_FREEDOM:
        return 1.0
    left = 1 - xy**2 / np.where(xx * yy > 0, xx * yy, 1)
    return float((free * left).sum() / free.sum())


def centred(values: Array, codes: Array, count: Array) -> Array:
    """Values less their series' mean, brought within 1, and 0 where all that is left is rounding."""
    mean, size = (np.bincount(codes, v, len(count)) / np.maximum(count, 1) for v in (values, np.abs(values)))
    return without_rounding(values - mean[codes], size[codes])


def find_sum(target: Target, change: Array, columns: Mapping[str, Array], most: float) -> Leak | None:
    """The fewest of the columns whose linear combination leaves at most that share of y's changes."""
    names, table = complete_rows(target, change, columns)
    if len(names) < 2:
        return None
    if len(names) > MOST_COLUMNS:
        chosen = telling(some_rows(table, FEW_ROWS))
        names, table = [names[index] for index in chosen], table[:, [*chosen, -1]]
    shape: Array = np.linalg.qr(some_rows(table, MOST_ROWS), mode="r")  # type: ignore[assignment]
    kept = list(range(len(names)))
    if share_left(shape, kept) > most:
        return None
    kept = fewest(shape, most)
    if share_left(table, kept) > most:
        return None
    names = [names[i] for i in kept]
    if most == EXACT:
        return Leak("sum", tuple(names), describe_sum(target, change, {name: columns[name] for name in names}))
    tells = f"{', '.join(names)} together tell all but {100 * share_left(table, kept):.2g}% of the changes of y"
    return Leak("near", tuple(names), tells)


def some_rows(table: Array, most: int) -> Array:
    """Rows spread evenly over a table."""
    rows: Array = table[np.linspace(0, len(table) - 1, min(len(table), most)).astype(int)]
    return rows


def telling(table: Array) -> list[int]:
    """The columns that move most like the last one, and then most like what those chosen before leave of it."""
    x, y = table[:, :-1], table[:, -1]
    found: list[int] = []
    left = y
    while len(found) < MOST_COLUMNS:
        likeness = np.abs(left @ x)
        likeness[found] = -1
        found += np.argsort(-likeness, kind="stable")[:ROUND].tolist()
        left = y - x[:, found] @ np.linalg.lstsq(x[:, found], y)[0]
    return sorted(found)


def fewest(table: Array, most: float) -> list[int]:
    """Columns without which, one after the other from the least weighty on, more than that share would be left.

    What is left only grows with each column that goes, so the next that must stay is found by halving.
    """
    size = np.abs(np.linalg.lstsq(table[:, :-1], table[:, -1])[0])
    kept: list[int] = []
    open_ = np.argsort(size, kind="stable").tolist()

    def enough(gone: int) -> bool:
        rest = sorted((*kept, *open_[gone:]))
        return bool(rest) and share_left(table, rest) <= most

    while open_:
        gone = bisect_left(range(1, len(open_) + 1), True, key=lambda gone: not enough(gone))
        kept += open_[gone : gone + 1]
        open_ = open_[gone + 1 :]
    return sorted(kept)


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
    if free < LEAST_FREEDOM + 2 * min(len(names), MOST_COLUMNS):
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
    kind: LeakKind = "ahead" if ahead > 0 else "same" if ahead == 0 else "past"
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
