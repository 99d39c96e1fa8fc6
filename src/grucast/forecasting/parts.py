"""Forecasts of more series than fit into memory: Parquet in, Parquet out, part by part."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grucast.data.parquet import File, find_parquet
from grucast.data.parts import cut, usual_memory
from grucast.errors import ConfigError
from grucast.forecasting.engine import HERE, Engine
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.tables import shortened
from grucast.model.models import ForecastModel

NEW = ".new"
PARTS_EACH = 3  # of several workers, at least


def predict_parts(
    forecaster: GRUForecaster,
    source: str | Path,
    out: str | Path,
    *,
    level: tuple[float, ...] | None = None,
    memory: int | None = None,
    engine: Engine = HERE,
    told: Callable[[int, int], None] | None = None,
) -> int:
    """Forecast the series of Parquet files part by part, and write a file of forecasts for each.

    The rows are first cut into parts that hold whole series, in a folder beside `out`, which needs as much room as the
    files do. Each forecast has the bits of `predict`. A part's file is there whole or not at all.

    Args:
        forecaster: A trained one, without covariates known in advance.
        source: A folder of Parquet files, a glob or a path, or the URL of such in a store.
        out: Folder for the forecasts; made, or empty.
        level: As in `predict`.
        memory: Bytes to work with, beside what processes have already; a quarter of the machine's when None.
        engine: What does the parts, such as a `RayEngine`, whose machines must all see both folders.
        told: Called with the number of parts done, and of all.

    Returns:
        Rows that were written.

    Raises:
        ConfigError: There is something in `out` already.
        DataError: The files cannot be read or used.
    """
    files, target, written = find_parquet(str(source)), new_folder(out), 0
    with TemporaryDirectory(dir=target.parent, prefix=".grucast-") as scratch:
        ids = id_columns(forecaster.model_, files[0])
        parts = cut(files, ids, (memory or usual_memory()) // engine.workers, Path(scratch), engine.map, fewest(engine))
        work = partial(write_part, forecaster, level, target)
        for number, rows in enumerate(engine.map(work, parts.folders)):
            written += rows
            if told:
                told(number + 1, len(parts.folders))
    return written


def new_folder(out: str | Path) -> Path:
    """Make the folder for what is written.

    Raises:
        ConfigError: There is something in it already.
    """
    target = Path(out).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{out} is there already, and not empty: give another folder")
    target.mkdir(parents=True, exist_ok=True)
    return target


def fewest(engine: Engine) -> int:
    """Parts with which no worker is idle for long at the end."""
    return PARTS_EACH * engine.workers if engine.workers > 1 else 1


def id_columns(model: ForecastModel, file: File) -> Sequence[str]:
    """The columns of a file like those of training that name its series."""
    return model.reading.id_col or [name for name in file.columns() if name == "unique_id"]


def write_part(forecaster: GRUForecaster, level: tuple[float, ...] | None, target: Path, folder: Path) -> int:
    """Forecast the series of a part, and move the file to its place when it is whole; how many rows it has."""
    import polars as pl

    if not any(folder.iterdir()):
        return 0
    forecast = shortened(forecaster.predict(pl.read_parquet(folder / "*.parquet"), level=level))
    put(forecast, target / f"{folder.name}.parquet")
    return len(forecast)


def put(frame: Any, path: Path) -> None:
    """Write a polars frame to its place when it is whole."""
    new = path.with_suffix(f".{uuid.uuid4().hex}{NEW}")  # work that was thought lost may still go on
    frame.write_parquet(new)
    new.replace(path)
