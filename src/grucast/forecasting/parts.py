"""Forecasts of more series than fit into memory: Parquet in, Parquet out, part by part."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grucast.data.parts import cut, find_parquet, usual_memory
from grucast.errors import ConfigError, MissingExtraError
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.tables import shortened

NEW = ".new"


def predict_parts(
    forecaster: GRUForecaster,
    source: str | Path,
    out: str | Path,
    *,
    level: tuple[float, ...] | None = None,
    memory: int | None = None,
    told: Callable[[int, int], None] | None = None,
) -> int:
    """Forecast the series of Parquet files part by part, and write a file of forecasts for each.

    The rows are first cut into parts that hold whole series, in a folder beside `out`, which needs as much room as the
    files do. Each forecast has the bits of `predict`. A part's file is there whole or not at all.

    Args:
        forecaster: A trained one, without covariates known in advance.
        source: A folder of Parquet files, a glob or a path.
        out: Folder for the forecasts; made, or empty.
        level: As in `predict`.
        memory: Bytes to work with, beside what the process has already; a quarter of the machine's when None.
        told: Called with the number of parts done, and of all.

    Returns:
        Rows that were written.

    Raises:
        ConfigError: There is something in `out` already.
        DataError: The files cannot be read or used.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError("polars (to read files)", "cli") from error

    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{out} is there already, and not empty: give another folder")
    paths, written = find_parquet(str(source)), 0
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.absolute().parent, prefix=".grucast-") as scratch:
        ids = forecaster.model_.reading.id_col or [
            name for name in pl.read_parquet_schema(paths[0]) if name == "unique_id"
        ]
        parts = cut(paths, ids, memory or usual_memory(), Path(scratch))
        for number, folder in enumerate(parts.folders):
            rows = pl.read_parquet(folder / "*.parquet") if any(folder.iterdir()) else None
            if rows is not None:
                written += write_part(forecaster, rows, level, target / f"{folder.name}.parquet")
            if told:
                told(number + 1, len(parts.folders))
    return written


def write_part(forecaster: GRUForecaster, rows: Any, level: tuple[float, ...] | None, path: Path) -> int:
    """Forecast the series of a part, and move the file to its place when it is whole; how many rows it has."""
    forecast = shortened(forecaster.predict(rows, level=level))
    new = path.with_suffix(NEW)
    forecast.write_parquet(new)
    os.replace(new, path)  # noqa: PTH105
    return len(forecast)
