"""Forecasts of Spark's data frames, by its own workers; needs the extra spark."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from grucast.data.ahead import require_future
from grucast.errors import DataError, MissingExtraError
from grucast.forecasting.arguments import shown_level
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.frames import column_places

try:
    import polars as pl
    from pyspark.sql import DataFrame
    from pyspark.sql.types import (
        DateType,
        DoubleType,
        IntegralType,
        StringType,
        StructField,
        StructType,
        TimestampNTZType,
        TimestampType,
    )
except ImportError as error:
    raise MissingExtraError("PySpark", "spark") from error

__all__ = ["predict"]

ROWS = 1_000_000  # that are forecast at a time
Work = Callable[[Iterator[Any]], Iterator[Any]]


def predict(
    forecaster: GRUForecaster, df: DataFrame, level: tuple[float, ...] | None = None, h: int | None = None
) -> DataFrame:
    """Forecast the h steps after each series' last, as `GRUForecaster.predict` does, where Spark has the rows.

    Rows are shuffled so that a partition holds whole series, and sorted by series there. A worker forecasts a million
    at a time, or those of its longest series. Nothing happens before an action asks for the forecasts; errors of the
    data come with that.

    Args:
        forecaster: A trained one, without covariates known in advance.
        df: Columns as in training, in any order of rows; time stamps as dates, timestamps or integers.
        level: As in `GRUForecaster.predict`.
        h: As in `GRUForecaster.predict`.

    Returns:
        A data frame unique_id, ds, GRU, GRU-lo-80, ...

    Raises:
        NotFittedError, ConfigError: As in `GRUForecaster.predict`.
        DataError: A column of series or of time stamps is missing, or its type has no meaning.

    >>> predict.__module__  # a cluster takes seconds to start: see interop/test_spark.py
    'grucast.spark'
    """
    model = forecaster.model_
    require_future(model.schema.covariates.future, None)
    ids = list(model.reading.id_col) or [name for name in df.columns if name == "unique_id"]
    quantiles = column_places(shown_level(model.level, level))
    schema = StructType([*name_and_time(df, ids, model.reading.time_col or ("ds",)), *map(number, quantiles)])
    work = forecast_work(GRUForecaster.from_model(model), ids, level, h)
    if not ids:
        return df.repartition(1).mapInArrow(work, schema)
    return df.repartition(*ids).sortWithinPartitions(*ids).mapInArrow(work, schema)


def number(name: str) -> StructField:
    """A column of forecasts."""
    return StructField(name, DoubleType())


def name_and_time(df: DataFrame, ids: Sequence[str], times: Sequence[str]) -> list[StructField]:
    """The columns unique_id and ds of a forecast, with types as those of the history.

    Raises:
        DataError: A column is missing, or time stamps are not of one column of dates, timestamps or integers.
    """
    types = {field.name: field.dataType for field in df.schema.fields}
    missing = [name for name in [*ids, *times] if name not in types]
    if missing:
        raise DataError(f"the data frame has no column {missing[0]}, which training had: {', '.join(types)} are there")
    kind = types[times[0]]
    if len(times) > 1 or not isinstance(kind, DateType | TimestampType | TimestampNTZType | IntegralType):
        raise DataError(
            f"time stamps in {' and '.join(times)} must be one column of dates, timestamps or integers for Spark, not "
            f"{kind.simpleString()}: make one, such as by to_timestamp, and train on that"
        )
    own = types[ids[0]] if len(ids) == 1 else StringType()
    return [StructField("unique_id", own), StructField("ds", kind)]


def forecast_work(
    forecaster: GRUForecaster, ids: Sequence[str], level: tuple[float, ...] | None, h: int | None
) -> Work:
    """What a worker does with the rows of a partition, which come sorted by series."""

    def work(batches: Iterator[Any]) -> Iterator[Any]:
        for rows in whole_series(map(pl.DataFrame, batches), ids, ROWS):
            forecast = forecaster.predict(rows, level=level, h=h)
            yield from forecast.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()

    return work


def whole_series(frames: Iterator[pl.DataFrame], ids: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    """Rows sorted by series in pieces of about so many, or more where a series has more; none splits a series.

    >>> rows = [pl.DataFrame({"id": list(names)}) for names in ("aab", "bbc", "c")]
    >>> [piece["id"].str.join("").item() for piece in whole_series(iter(rows), ["id"], 3)]
    ['aa', 'bbb', 'cc']
    """
    waiting: list[pl.DataFrame] = []
    for frame in filter(len, frames):
        before = waiting[-1][-1:] if waiting else frame[:0]
        enough = sum(map(len, waiting)) + len(frame) >= rows
        start = last_start(pl.concat([before, frame]), ids) if enough and ids else 0
        if start:
            yield pl.concat([*waiting, frame[: start - len(before)]])
            waiting = []
        waiting.append(frame[max(start - len(before), 0) :])
    if waiting:
        yield pl.concat(waiting)


def last_start(frame: pl.DataFrame, ids: Sequence[str]) -> int:
    """Where the rows of the last series begin."""
    runs = frame.select(pl.struct(ids).rle_id()).to_series()
    return int(runs.search_sorted(runs[-1]))
