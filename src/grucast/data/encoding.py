"""Covariates as a network takes them: scaled numbers, codes of categories, phases of the calendar."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.calendar import Cycle
from grucast.data.contents import Contents, contents_of
from grucast.data.covariates import Column, Covariate, Covariates, Role, Unknown
from grucast.data.holidays import Holidays, holidays_for
from grucast.data.panel import Panel
from grucast.data.scalars import SHOWN
from grucast.errors import DataError, UnknownCategoryWarning

VOCABULARY = 2**19  # bytes that the names of all categories may take in a model file
MOST_DEVIATIONS = 1e6  # deviations from the mean that a number may have: a trillion rows could not have one farther


@dataclass(frozen=True, slots=True)
class Schema:
    """What a network reads besides y, fixed by the data that it was trained on.

    Attributes:
        columns: The covariates: past, then future, then static ones.
        cycles: Cycles of the calendar whose phase it sees, in the future too.
        unknown: What a category is that training never saw: `warn` takes it for missing, `error` refuses it.
        holidays: Which it sees, as numbers known in advance.
    """

    columns: tuple[Column, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    unknown: Unknown = "warn"
    holidays: Holidays | None = None

    def numbers(self, *roles: Role) -> tuple[Column, ...]:
        """The columns of numbers with those roles; of the future ones those of holidays are the last."""
        last = self.holidays.columns if self.holidays and "future" in roles else ()
        return (*self.given_numbers(*roles), *last)

    def given_numbers(self, *roles: Role) -> tuple[Column, ...]:
        """Those that come with the rows."""
        return tuple(c for c in self.columns if c.role in roles and c.categories is None)

    def categorical(self, *roles: Role) -> tuple[Column, ...]:
        """The columns of categories with those roles."""
        return tuple(c for c in self.columns if c.role in roles and c.categories is not None)

    @property
    def known(self) -> dict[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    @property
    def texts(self) -> frozenset[str]:
        """Names of the columns of categories."""
        return frozenset(column.name for column in self.columns if column.categories is not None)

    @property
    def covariates(self) -> Covariates:
        """The declaration that these columns come from."""
        names = {role: tuple(c.name for c in self.columns if c.role == role) for role in ("past", "future", "static")}
        return Covariates(**names, unknown=self.unknown, holidays=self.holidays.code if self.holidays else None)


class Encoded(NamedTuple):
    """A panel's covariates, N values and S series; what is missing is NaN, or code 0."""

    numbers: NDArray[np.float32]  # (N, P + F): past, future
    codes: NDArray[np.int32]  # (N, past + future)
    static_numbers: NDArray[np.float32]  # (S, columns)
    static_codes: NDArray[np.int32]  # (S, columns)
    cycles: tuple[Cycle, ...]  # whose phases a window computes when it is taken

    def take(self, rows: Any) -> "Encoded":
        """The chosen rows of each array, where a row is a step as well as a series."""
        return self._each(lambda array: array[rows])

    def unflatten(self, steps: int) -> "Encoded":
        """Arrays (B steps, ...) as (B, steps, ...)."""
        return self._each(lambda array: array.reshape(len(array) // steps, steps, array.shape[1]))

    def _each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> "Encoded":
        arrays: dict[str, Any] = {name: change(getattr(self, name)) for name in self._fields if name != "cycles"}
        return self._replace(**arrays)


def embedding_size(column: Column) -> int:
    """Width of a column's embedding: the fourth root of its categories, doubled, as many as there are at the most.

    >>> embedding_size(Column("region", "static", categories=tuple("abcdefghijklmnop")))
    4
    """
    count = len(column.categories or ())
    return min(count, math.ceil(2 * count**0.25)) or 1


def fit_schema(panel: Panel, covariates: Covariates, cycles: tuple[Cycle, ...] = ()) -> Schema:
    """Learn scales and categories from a panel.

    Raises:
        DataError, ConfigError, MissingExtraError: As `make_schema`.
    """
    holidays = holidays_for(covariates.holidays, panel.frequency, panel.zone) if covariates.holidays else None
    return make_schema(contents_of(panel), covariates, cycles, holidays)


def make_schema(
    contents: Mapping[str, Contents], covariates: Covariates, cycles: tuple[Cycle, ...], holidays: Holidays | None
) -> Schema:
    """The declared columns, with scales and categories of what they hold.

    Raises:
        DataError: There are more categories than a model file has room for.
    """
    roles: tuple[Role, ...] = ("past", "future", "static")
    columns = [fit_column(name, role, contents[name]) for role in roles for name in getattr(covariates, role)]
    for column in columns:
        if sum(len(category.encode(errors="replace")) + 6 for category in column.categories or ()) > VOCABULARY:
            found = f"covariate {column.name!r} has {len(column.categories or ())} categories"
            raise DataError(f"{found}, too many to keep: group the rare ones, or leave the column out")
    return Schema(tuple(columns), cycles, covariates.unknown, holidays)


def fit_column(name: str, role: Role, contents: Contents) -> Column:
    """Mean and standard deviation of what is there, or the categories that are."""
    if contents.categories is not None:
        return Column(name, role, categories=tuple(sorted(contents.categories)))
    return Column(name, role, *contents.scale)


def encode(panel: Panel, schema: Schema) -> Encoded:
    """Bring a panel's covariates to the schema's scales and codes, and find its holidays.

    Raises:
        DataError: A column is of another kind, or a category unknown that must not be.
    """
    encoded = encode_columns(panel.temporal, panel.static, schema, len(panel.values), len(panel))
    if not schema.holidays:
        return encoded
    flags = schema.holidays.encode(panel.frequency.times(panel.starts[panel.owners], panel.positions))
    return encoded._replace(numbers=np.concatenate([encoded.numbers, flags], axis=1))


def encode_columns(
    temporal: Mapping[str, Covariate], static: Mapping[str, Covariate], schema: Schema, size: int, series: int
) -> Encoded:
    """Encode columns of `size` steps and of `series` series, as `encode` does but for holidays."""
    past = [scaled(temporal[c.name], c) for c in schema.given_numbers("past", "future")]
    past_codes = [coded(temporal[c.name], c, schema.unknown) for c in schema.categorical("past", "future")]
    fixed = [scaled(static[c.name], c) for c in schema.numbers("static")]
    fixed_codes = [coded(static[c.name], c, schema.unknown) for c in schema.categorical("static")]
    return Encoded(
        matrix(past, size, np.float32),
        matrix(past_codes, size, np.int32),
        matrix(fixed, series, np.float32),
        matrix(fixed_codes, series, np.int32),
        schema.cycles,
    )


def scaled(covariate: Covariate, column: Column) -> NDArray[np.float64]:
    """Numbers in deviations from the training data's mean, at most MOST_DEVIATIONS, so that no forecast overflows."""
    require_kind(covariate, column, "numbers")
    most = MOST_DEVIATIONS * column.scale
    distance = np.minimum(np.maximum(covariate.values - column.centre, -most), most)
    return np.asarray(distance / column.scale)


def coded(covariate: Covariate, column: Column, unknown: Unknown) -> NDArray[np.int32]:
    """Codes of the categories that training saw, 0 for others."""
    require_kind(covariate, column, "text")
    known = {name: code for code, name in enumerate(column.categories or (), 1)}
    table = np.array([*(known.get(name, 0) for name in covariate.categories or ()), 0], np.int32)  # last: missing
    codes = np.nan_to_num(covariate.values, nan=len(table) - 1).astype(np.int64)
    found = np.unique(codes[(table[codes] == 0) & (codes < len(table) - 1)])
    if found.size:
        names = ", ".join(f"{(covariate.categories or ())[code]:.{SHOWN}}" for code in found[:5])
        message = f"covariate {column.name!r} holds categories that training did not see: {names} ({found.size} in all)"
        if unknown == "error":
            raise DataError(f"{message}; map them to known ones, or train with them")
        warnings.warn(f"{message}; they count as missing", UnknownCategoryWarning, stacklevel=2)
    return np.asarray(table[codes])


def require_kind(covariate: Covariate, column: Column, wanted: str) -> None:
    """Numbers stay numbers and text stays text; a column without any value can be either."""
    if (covariate.categories is None) != (column.categories is None) and not np.isnan(covariate.values).all():
        raise DataError(f"covariate {column.name!r} held {wanted} in training, and now does not: convert it")


def matrix(columns: list[NDArray[Any]], rows: int, dtype: type[Any]) -> NDArray[Any]:
    """Columns side by side, (rows, columns), also when there are none."""
    return np.stack(columns, axis=1).astype(dtype) if columns else np.empty((rows, 0), dtype)
