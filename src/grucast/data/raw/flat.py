"""Columns that hold more than a value."""

import polars as pl


def flatten(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The frame with the fields of records as columns `record.field`; and a note of the columns left out."""
    columns: list[pl.Expr] = []
    for column, kind in frame.schema.items():
        record = pl.col(column)
        if isinstance(kind, pl.Struct):
            columns += [record.struct.field(field.name).alias(f"{column}.{field.name}") for field in kind.fields]
        else:
            columns.append(record)
    frame = frame.select(columns)
    nested = [column for column, kind in frame.schema.items() if kind.is_nested()]
    frame = frame.drop(nested).rename(str.strip)
    return frame, left_out(nested)


def left_out(columns: list[str]) -> tuple[str, ...]:
    """A note of columns left out, if there are any."""
    return (f"left out {', '.join(columns)}: more than a value in each row",) if columns else ()
