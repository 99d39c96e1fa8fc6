"""Rows of Python's values as a frame."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from grucast.data.raw.table import check_width
from grucast.errors import DataError

MOST_CELLS = 50_000_000
BATCH = 10_000  # rows fetched at once
KINDS: dict[
    frozenset[type], type[pl.DataType] | pl.DataType | None
] = {  # values of a column: its type, None for polars' choice
    frozenset(): pl.Null,
    frozenset({bool}): pl.Boolean,
    frozenset({int}): pl.Int64,
    frozenset({float}): pl.Float64,
    frozenset({int, float}): pl.Float64,
    frozenset({str}): pl.String,
    frozenset({bytes}): pl.Binary,
    frozenset({Decimal}): None,
    frozenset({date}): pl.Date,
    frozenset({datetime}): None,
    frozenset({time}): pl.Time,
    frozenset({timedelta}): pl.Duration,
}


def gather(width: int, fetch: Callable[[int], Sequence[Sequence[Any]]], name: str) -> pl.DataFrame:
    """All rows of a cursor, unless they are too many; columns are called by their number."""
    check_width(width, name)
    columns: list[list[Any]] = [[] for _ in range(width)]
    while rows := fetch(BATCH):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
        if width * len(columns[0]) > MOST_CELLS:
            raise DataError(f"{name} has more than {MOST_CELLS:,} cells: take fewer rows or columns with query=")
    return pl.DataFrame([as_series(str(index), values) for index, values in enumerate(columns)])


def as_series(name: str, values: list[Any]) -> pl.Series:
    """A column; as text where its values are of several kinds or of one that is not a cell."""
    kinds = frozenset(map(type, values)) - {type(None)}
    if kinds == {Decimal}:
        values = [None if isinstance(value, Decimal) and math.isnan(value) else value for value in values]
    if kinds in KINDS:
        with suppress(TypeError, OverflowError, ValueError, pl.exceptions.PolarsError):  # such as 2**64
            return pl.Series(name, values, KINDS[kinds])
    return pl.Series(name, [None if value is None else str(value) for value in values], pl.String)
