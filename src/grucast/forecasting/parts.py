"""Forecasts of more series than fit into memory: Parquet in, Parquet out, part by part."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grucast.data.ahead import FUTURE, require_future
from grucast.data.parquet import File, find_parquet, refusing
from grucast.data.parts import Size, cut, usual_memory
from grucast.errors import ConfigError, DataError
from grucast.forecasting.engine import HERE, Engine
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.tables import shortened
from grucast.model.models import ForecastModel

NEW = ".new"
PARTS_EACH = 3  # of several workers, at least
Part = tuple[Path, Path | None]  # folders of its history, and of what is known in advance


def predict_parts(
    forecaster: GRUForecaster,
    source: str | Path,
    out: str | Path,
    *,
    future: str | Path | None = None,
    level: tuple[float, ...] | None = None,
    memory: int | None = None,
    engine: Engine = HERE,
    told: Callable[[int, int], None] | None = None,
) -> int:
    """Forecast the series of Parquet files part by part, and write a file of forecasts for each.

    The rows are first cut into parts that hold whole series, in a folder beside `out`, which needs as much room as the
    files do. Each forecast has the bits of `predict`. A part's file is there whole or not at all.

    Args:
        forecaster: A trained one.
        source: A folder of Parquet files, a glob or a path, or the URL of such in a store.
        out: Folder for the forecasts; made, or empty.
        future: Coming values of the future covariates, likewise, with the columns that name the series in the source;
            they are cut into the same parts.
        level: As in `predict`.
        memory: Bytes to work with, beside what processes have already; a quarter of the machine's when None.
        engine: What does the parts, such as a `RayEngine`, whose machines must all see both folders.
        told: Called with the number of parts done, and of all.

    Returns:
        Rows that were written.

    Raises:
        ConfigError: There is something in `out` already.
        DataError: The files cannot be read or used, or the future lacks a column, a series or a step.
    """
    model = forecaster.model_
    require_future(model.schema.covariates.future, future)
    files, share, written = find_parquet(str(source)), (memory or usual_memory()) // engine.workers, 0
    ids = id_columns(model, files[0])
    coming = None if future is None else find_future(future, files, [*ids, *model.schema.covariates.future])
    target = new_folder(out)
    with TemporaryDirectory(dir=target.parent, prefix=".grucast-") as scratch:
        parts = cut_both(files, coming, ids, share, Path(scratch), engine)
        work = partial(write_part, forecaster, level, target)
        for number, rows in enumerate(engine.map(work, parts)):
            written += rows
            if told:
                told(number + 1, len(parts))
    return written


def find_future(future: str | Path, history: Sequence[File], columns: Sequence[str]) -> list[File]:
    """The Parquet files of coming values.

    Raises:
        DataError: There are none, they are among those of the history, or lack a column.
    """
    try:
        files = find_parquet(str(future))
        with refusing(files[0].path):
            there = files[0].columns()
    except DataError as error:
        raise DataError(f"{FUTURE} must be Parquet as the history is: {error}") from error
    if {file.path for file in files} <= {file.path for file in history}:
        raise DataError(f"{FUTURE}: the files of {future} are among those of the history: keep them elsewhere")
    lacking = [name for name in columns if name not in there]
    if lacking:
        raise DataError(f"{FUTURE} has no column {lacking[0]!r}: it has {', '.join(there)}")
    return files


def cut_both(
    files: Sequence[File], coming: Sequence[File] | None, ids: Sequence[str], memory: int, scratch: Path, engine: Engine
) -> list[Part]:
    """Cut the history, and what is known in advance into the same parts, of which a pair fits into the memory."""
    least = fewest(engine)
    if coming is None:
        return [(folder, None) for folder in cut(files, ids, memory, scratch, engine.map, least).folders]
    sizes = size_of(files, memory), size_of(coming, memory)
    if not any(sizes[1].rows):
        raise DataError(f"{FUTURE}: the files have columns but no rows")
    least = max(least, sizes[0].parts + sizes[1].parts)
    history, ahead = (
        cut(own, ids, memory, scratch / name, engine.map, least).folders
        for name, own in (("history", files), ("future", coming))
    )
    return list(zip(history, ahead, strict=True))


def size_of(files: Sequence[File], memory: int) -> Size:
    """How large files are, and in how many parts they fit into the memory."""
    with refusing(files[0].path):
        return Size.of(files, memory)


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
    with refusing(file.path):
        return model.reading.id_col or [name for name in file.columns() if name == "unique_id"]


def write_part(forecaster: GRUForecaster, level: tuple[float, ...] | None, target: Path, part: Part) -> int:
    """Forecast the series of a part, and move the file to its place when it is whole; how many rows it has."""
    import polars as pl

    folder, coming = part
    if not any(folder.iterdir()):
        return 0
    future = None if coming is None else read_coming(coming)
    forecast = shortened(forecaster.predict(pl.read_parquet(folder / "*.parquet"), future, level))
    put(forecast, target / f"{folder.name}.parquet")
    return len(forecast)


def read_coming(folder: Path) -> Any:
    """The coming values of a part; where it has none, a row of another's, so that `predict` says which are missing."""
    import polars as pl

    if any(folder.iterdir()):
        return pl.read_parquet(folder / "*.parquet")
    return pl.read_parquet(next(folder.parent.glob("*/*.parquet")), n_rows=1)


def put(frame: Any, path: Path) -> None:
    """Write a polars frame to its place when it is whole."""
    new = path.with_suffix(f".{uuid.uuid4().hex}{NEW}")  # work that was thought lost may still go on
    frame.write_parquet(new)
    new.replace(path)
