"""Columns that hold more than a value."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from grucast.data.scalars import listed


def flatten(frame: pl.LazyFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The frame with the fields of records as columns `record.field`; and a note of the columns left out."""
    columns: list[pl.Expr] = []
    nested: list[str] = []
    for column, kind in frame.collect_schema().items():
        record = pl.col(column)
        cells: list[tuple[str, pl.Expr, Any]] = [(column, record, kind)]
        if isinstance(kind, pl.Struct):
            cells = [(f"{column}.{own.name}", record.struct.field(own.name), own.dtype) for own in kind.fields]
        nested += [name for name, _, kind in cells if kind.is_nested()]
        columns += [cell.alias(name) for name, cell, kind in cells if not kind.is_nested()]
    note = (f"left out {listed(nested)}: more than a value in each row",) if nested else ()
    return frame.select(columns).collect().rename(str.strip), note


def paths(schema: pl.Schema) -> set[str]:
    """The names of all fields, at any depth."""
    return {path for column, kind in schema.items() for path in within(column, kind)}


def within(path: str, kind: Any) -> Iterator[str]:
    """The fields of a column, or the column itself."""
    if isinstance(kind, pl.List | pl.Array):
        yield from within(path, kind.inner)
    elif isinstance(kind, pl.Struct) and kind.fields:
        for field in kind.fields:
            yield from within(f"{path}.{field.name}", field.dtype)
    else:
        yield path
