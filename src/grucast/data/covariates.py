"""Columns beside y: what the user declares, and what a panel keeps of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError

Unknown = Literal["warn", "error"]
RESERVED = ("unique_id", "ds", "y")
LARGEST = 1e30  # squares of larger values would not fit the network's float32


@dataclass(frozen=True, slots=True)
class Covariates:
    """Columns that help to forecast y: numbers, or categories where they hold text.

    Attributes:
        past: Known up to the present only, such as a measured temperature.
        future: Known in advance as well, such as a price or a holiday; `predict` takes their coming values.
        static: One value a series, such as a shop's size or region.
        unknown: What a category is that training never saw: `warn` takes it for missing, `error` refuses it.

    Raises:
        ConfigError: A name is given twice, or is no name of a covariate.

    >>> from grucast import Covariates
    >>> Covariates(past=("temp",), future=("holiday",)).temporal
    ('temp', 'holiday')
    """

    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    unknown: Unknown = "warn"

    def __post_init__(self) -> None:
        for role in ("past", "future", "static"):
            names = getattr(self, role)
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise ConfigError(
                    f"covariates: {role} must be column names such as ('price', 'holiday'), not {names!r}"
                )
            object.__setattr__(self, role, tuple(names))
        names = Counter((*self.temporal, *self.static))
        if wrong := [name for name, times in names.items() if name in RESERVED or times > 1]:
            raise ConfigError(f"covariates: {wrong[0]!r} is named twice, or is the series' own id, time or target")
        if self.unknown not in get_args(Unknown):
            raise ConfigError(f"covariates: unknown must be one of {get_args(Unknown)}, not {self.unknown!r}")

    @property
    def temporal(self) -> tuple[str, ...]:
        """Those that change with time, past ones first."""
        return self.past + self.future


@dataclass(frozen=True)
class Covariate:
    """One column: numbers, or codes of its categories; NaN is missing."""

    values: NDArray[np.float64]
    categories: tuple[str, ...] | None = None

    def take(self, index: NDArray[Any]) -> "Covariate":
        """The chosen rows."""
        return Covariate(self.values[index], self.categories)

    def spread(self, places: NDArray[np.int64], size: int) -> "Covariate":
        """Its rows put to those places of a longer column; the others are missing."""
        values = np.full(size, np.nan)
        values[places] = self.values
        return Covariate(values, self.categories)

    def filled(self, places: NDArray[np.int64], other: "Covariate") -> "Covariate":
        """The column with another's rows put to those places."""
        values = self.values.copy()
        if self.categories is None or other.categories is None:
            values[places] = other.values
            return Covariate(values, self.categories)
        categories = tuple(dict.fromkeys(self.categories + other.categories))
        codes = np.array([*map(categories.index, other.categories), np.nan])  # the last for missing, index -1
        values[places] = codes[np.nan_to_num(other.values, nan=-1).astype(np.int64)]
        return Covariate(values, categories)


def read_covariate(frame: nw.DataFrame[Any], name: str) -> Covariate:
    """Read a column of numbers, truth values or text.

    Raises:
        DataError: The column is not there, holds something else, or an infinite number.
    """
    if name not in frame.columns:
        others = ", ".join(column for column in frame.columns if column not in RESERVED) or "none"
        raise DataError(f"there is no column {name!r} for this covariate: there are {others}")
    column = frame[name]
    if column.is_null().all():
        return Covariate(np.full(len(column), np.nan))
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        values = column.cast(nw.Float64).to_numpy()
        beyond = np.abs(values) > LARGEST
        if beyond.any():
            row = int(beyond.argmax())
            raise DataError(f"row {row + 1} has {name} = {values[row]:g}, infinite or beyond {LARGEST:g}: correct it")
        return Covariate(values)
    if column.dtype not in (nw.String, nw.Object, nw.Categorical, nw.Enum):
        raise DataError(f"covariate {name!r} holds {column.dtype}: give numbers, or text for categories")
    codes: dict[str, int] = {}
    empty = column.is_null().to_numpy()
    texts = zip(column.to_list(), empty, strict=True)
    values = np.array([np.nan if none else codes.setdefault(str(text), len(codes)) for text, none in texts])
    return Covariate(values, tuple(codes))


def to_covariate(name: str, values: Sequence[Any]) -> Covariate:
    """Take Python's numbers, truth values or text as a column; None and NaN are missing.

    Raises:
        DataError: They hold something else, both kinds, or an infinite number.
    """
    empty = [value is None or value != value for value in values]  # noqa: PLR0124 - NaN alone is not itself
    known = [value for value, none in zip(values, empty, strict=True) if not none]
    if all(isinstance(value, str) for value in known) and known:
        categories = {text: code for code, text in enumerate(dict.fromkeys(known))}
        codes = [np.nan if none else categories[value] for value, none in zip(values, empty, strict=True)]
        return Covariate(np.array(codes, np.float64), tuple(categories))
    if not all(isinstance(value, int | float | np.number | np.bool_) for value in known):
        raise DataError(f"covariate {name!r} holds {known[0]!r:.80}: give numbers, or text for categories")
    numbers = np.array([np.nan if none else float(value) for value, none in zip(values, empty, strict=True)])
    if (np.abs(numbers) > LARGEST).any():
        raise DataError(f"{name} = {numbers[np.abs(numbers) > LARGEST][0]:g} is infinite or beyond {LARGEST:g}")
    return Covariate(numbers)


def require_static(name: str, covariate: Covariate, firsts: NDArray[np.int64], owner: NDArray[np.int64]) -> Covariate:
    """One value a series, from rows in the series' order; refuse a column that changes within one."""
    own = covariate.take(firsts)
    same = (covariate.values == own.values[owner]) | (np.isnan(covariate.values) & np.isnan(own.values[owner]))
    if not same.all():
        raise DataError(f"static covariate {name!r} changes within a series: declare it past or future, or mend it")
    return own
