"""Columns besides y: what the user declares, and what a panel keeps of them."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError

Unknown = Literal["warn", "error"]
Role = Literal["past", "future", "static"]
RESERVED = ("unique_id", "ds", "y")
COUNTRY = r"[A-Z]{2,3}(-[\w .'-]{1,40})?"


@dataclass(frozen=True, slots=True)
class Covariates:
    """Columns that help to forecast y: numbers, or categories where they hold text.

    Attributes:
        past: Known up to the present only, such as a measured temperature.
        future: Known in advance as well, such as a price or a holiday; `predict` takes their coming values.
        static: One value a series, such as a shop's size or region.
        unknown: What a category is that training never saw: `warn` takes it for missing, `error` refuses it.
        holidays: Country whose holidays the network sees, or country and subdivision, such as DE or DE-BY; for steps of
            a day or less. They are found from the time stamps, by the package holidays.

    Raises:
        ConfigError: A name is given twice, or is not a name of a covariate, or the country is no code.

    >>> from grucast import Covariates
    >>> Covariates(past=("temp",), future=("holiday",)).temporal
    ('temp', 'holiday')
    """

    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    unknown: Unknown = "warn"
    holidays: str | None = None

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
        given = self.holidays
        if given is not None and not (isinstance(given, str) and re.fullmatch(COUNTRY, given)):
            raise ConfigError(f"covariates: holidays must be a country's code such as 'DE' or 'DE-BY', not {given!r}")

    @property
    def temporal(self) -> tuple[str, ...]:
        """Those that change with time, past ones first."""
        return self.past + self.future


@dataclass(frozen=True, slots=True)
class Column:
    """A covariate as training saw it: its mean and deviation, or its categories, whose codes count from 1."""

    name: str
    role: Role
    centre: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] | None = None


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


def require_static(name: str, covariate: Covariate, firsts: NDArray[np.int64], owner: NDArray[np.int64]) -> Covariate:
    """One value a series, from rows in the series' order; refuse a column that changes within one."""
    own = covariate.take(firsts)
    same = (covariate.values == own.values[owner]) | (np.isnan(covariate.values) & np.isnan(own.values[owner]))
    if not same.all():
        raise DataError(f"static covariate {name!r} changes within a series: declare it past or future, or correct it")
    return own
