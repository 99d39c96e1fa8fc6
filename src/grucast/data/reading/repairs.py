"""Repairs that a user asks for: rows of one time put together, steps without a row filled, codes taken for missing."""

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Frequency
from grucast.data.inference import find_frequency
from grucast.data.stamps import is_zoned, to_times, zone_of
from grucast.data.table import COLUMNS, Table, factorize
from grucast.errors import DataError

Array = NDArray[Any]


def aggregate_rows(table: Table, how: str) -> tuple[Table, int]:
    """One row for each series and time, with the sum, mean or last of y and the last of the others; and rows joined.

    A sum or mean is of the values that are there, missing where none is.
    """
    frame, key = table.frame, ["unique_id", "ds"]
    rows = len(frame)
    numbered = frame.with_columns(y=nw.col("y").fill_nan(None)) if frame.schema["y"].is_float() else frame
    last = numbered.unique(key, keep="last", maintain_order=True)
    if how == "last":
        return Table.of(last.to_native()), rows - len(last)
    value = nw.col("y").sum() if how == "sum" else nw.col("y").mean()
    values = numbered.filter(~nw.col("y").is_null()).group_by(key).agg(value.alias("y"))
    joined = last.drop("y").join(values, on=key, how="left")
    others = [column for column in frame.columns if column not in COLUMNS]
    return Table.of(joined.select(*COLUMNS, *others).to_native()), rows - len(joined)


def fill_steps(table: Table, value: float, frequency: Frequency | None) -> tuple[Table, int]:
    """The table with rows of that value at the steps that a series has no row for, and how many there are.

    Each series is filled from the first to the last time stamp of all.

    Raises:
        DataError: The time stamps are on no grid.
    """
    times, zone = to_times(table.ds), zone_of(table.ds)
    codes, ids = factorize(table.ids)
    order = np.lexsort((times, codes))
    bounds = np.searchsorted(codes[order], np.arange(len(ids) + 1))
    step = frequency or find_frequency(times[order], bounds, ids, zone)
    first = times.min()
    places = step.positions(times, np.broadcast_to(first, times.shape))
    if (places % 1 != 0).any():
        raise DataError(f"fill= (--fill) needs all series on one grid of {step.name}: give freq= (--freq)")
    span = int(places.max()) + 1
    there = np.zeros((len(ids), span), bool)
    there[codes, places.astype(np.int64)] = True
    series, missing = np.nonzero(~there)
    if not series.size:
        return table, 0
    stamps = step.times(np.broadcast_to(first, missing.shape), missing)
    return with_rows(table, np.array(codes), series, stamps, value), len(series)


def with_rows(table: Table, codes: Array, series: Array, stamps: Array, value: float) -> Table:
    """The table with further rows of some series, their other columns missing."""
    frame = table.frame
    firsts = np.unique(codes, return_index=True)[1]
    rows = frame[firsts[series].tolist()]
    backend, dtype = frame.implementation, table.ds.to_native().dtype
    plain = nw.new_series("ds", stamps, nw.Int64() if stamps.dtype.kind == "i" else nw.Datetime("us"), backend=backend)
    plain = (plain.dt.replace_time_zone("UTC") if is_zoned(table.ds) else plain).to_native()
    times = plain.astype(dtype) if backend.is_pandas_like() else plain.cast(dtype)
    others = [column for column in frame.columns if column not in COLUMNS]
    constant = [column for column in others if never_varies(frame, column)]
    rows = rows.with_columns(nw.from_native(times, series_only=True), nw.lit(float(value)).alias("y"))
    rows = rows.with_columns(
        *(nw.lit(None).cast(frame.schema[column]).alias(column) for column in others if column not in constant)
    )
    whole = nw.concat([frame, rows])
    every = np.concatenate([codes, series])
    order = np.lexsort((to_times(whole.get_column("ds")), every))
    return Table.of(whole[order.tolist()].to_native())


def never_varies(frame: nw.DataFrame[Any], column: str) -> bool:
    """Whether a column has one value in each series."""
    return len(frame.select("unique_id", column).unique()) == frame["unique_id"].n_unique()
