"""What a covariate holds, in as many parts as there are: enough to learn its scale or its categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Covariate
from grucast.data.panel import Panel

Array = NDArray[Any]


@dataclass(frozen=True)
class Contents:
    """Of text the categories that are there; of numbers the moments of each series, which add up in whatever parts.

    Attributes:
        categories: Those that are there; None of numbers.
        counts: Numbers that are there, of each series, (S,).
        means: Their mean, (S,).
        squares: The sum of their squared distances from it, (S,).

    Source: Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance.

    >>> values = np.array([1.0, 2.0, np.nan, 9.0])
    >>> Contents.of(Covariate(values), np.array([0, 3, 4])).scale
    (4.0, 3.559026084010437)
    """

    categories: frozenset[str] | None
    counts: Array
    means: Array
    squares: Array

    @classmethod
    def of(cls, covariate: Covariate, offsets: NDArray[np.int64]) -> "Contents":
        """Those of a panel's column; series i has the values from offsets[i] to offsets[i + 1]."""
        if covariate.categories is not None:
            codes = np.unique(covariate.values[~np.isnan(covariate.values)]).astype(int)
            none = np.empty(0)
            return cls(frozenset(covariate.categories[code] for code in codes), none, none, none)
        lengths = np.diff(offsets)
        there, starts, lengths = ~np.isnan(covariate.values), offsets[:-1][lengths > 0], lengths[lengths > 0]
        values = np.where(there, covariate.values, 0.0)
        counts = np.add.reduceat(there.astype(np.float64), starts) if len(starts) else np.empty(0)
        sums = np.add.reduceat(values, starts) if len(starts) else np.empty(0)
        means = sums / np.maximum(counts, 1)
        away = np.where(there, values - np.repeat(means, lengths), 0.0) ** 2
        return cls(None, counts, means, np.add.reduceat(away, starts) if len(starts) else np.empty(0))

    @classmethod
    def joined(cls, parts: "Sequence[Contents]") -> "Contents":
        """Those of parts that follow each other; what is text in one is text in all."""
        named = [part.categories for part in parts if part.categories is not None]
        arrays = ((part.counts, part.means, part.squares) for part in parts)
        counts, means, squares = (np.concatenate(own) for own in zip(*arrays, strict=True))
        return cls(frozenset().union(*named) if named else None, counts, means, squares)

    @property
    def scale(self) -> tuple[float, float]:
        """Mean and standard deviation of the numbers; 0 and 1 if there are none, and 1 where all are equal."""
        number = self.counts.sum()
        if not number:
            return 0.0, 1.0
        centre = float((self.counts * self.means).sum() / number)
        scale = float(np.sqrt((self.squares + self.counts * (self.means - centre) ** 2).sum() / number))
        return centre, scale if scale > 1e-9 * abs(centre) else 1.0


def contents_of(panel: Panel) -> dict[str, Contents]:
    """What each covariate of a panel holds."""
    each = np.arange(len(panel) + 1)
    temporal = {name: Contents.of(covariate, panel.offsets) for name, covariate in panel.temporal.items()}
    return temporal | {name: Contents.of(covariate, each) for name, covariate in panel.static.items()}
