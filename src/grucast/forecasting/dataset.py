"""Tables into folders of Parquet files, which polars, DuckDB, Spark and others read as one table."""

import glob
import secrets
import shutil
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, get_args

from grucast.data.raw.writing import Existing
from grucast.errors import ConfigError, DataError
from grucast.forecasting.tables import to_bytes
from grucast.model.writing import write_whole


class FolderPlace(NamedTuple):
    """A folder of Parquet files.

    Attributes:
        folder: Made if it is not there.
        existing: What becomes of files that are there: they are refused, another is added, or they are replaced.
    """

    folder: Path
    existing: Existing

    @classmethod
    def of(cls, folder: str | Path, existing: str) -> "FolderPlace":
        """The place of these words; a folder that was being replaced when its process was killed comes back first.

        Raises:
            ConfigError: There is no such treatment, or what is there is refused or is no data set.
        """
        if existing not in get_args(Existing):
            raise ConfigError(f"existing must be one of {', '.join(get_args(Existing))}, not {existing!r}")
        bring_back(Path(folder))
        place = cls(Path(folder), existing)  # type: ignore[arg-type]
        if place.files and existing == "refuse":
            raise ConfigError(
                f"{folder} holds Parquet files already: say what becomes of them with --if-exists append or replace"
            )
        return place

    @property
    def files(self) -> list[Path]:
        """The Parquet files that are there; files beside them begin with . or _, as Spark's _SUCCESS.

        Raises:
            ConfigError: There is something else.
        """
        try:
            found = sorted(self.folder.iterdir()) if self.folder.exists() else []
        except OSError as error:
            raise ConfigError(f"cannot write into {self.folder}: {error.strerror}") from error
        shown = [path for path in found if path.is_dir() or not path.name.startswith((".", "_"))]
        foreign = [path.name for path in shown if path.is_dir() or path.suffix != ".parquet"]
        if foreign:
            raise ConfigError(f"{self.folder} holds {foreign[0]}, which is no Parquet file: give a folder of its own")
        return shown


def write_dataset(frame: Any, place: FolderPlace) -> Path:
    """Write a polars frame as one more file, or as the only one; all rows or none; which file.

    Raises:
        ConfigError: Something came to be there that `FolderPlace.of` refuses.
        DataError: Files that are there have other columns.
        GrucastError: It cannot be written; the folder is as it was.

    >>> from tempfile import mkdtemp
    >>> import polars as pl
    >>> folder = Path(mkdtemp())
    >>> for existing in ("refuse", "append"):
    ...     path = write_dataset(pl.DataFrame({"GRU": [1.5]}), FolderPlace.of(folder, existing))
    >>> pl.read_parquet(folder).height
    2
    """
    FolderPlace.of(*place)
    name = f"part-{time.time_ns()}-{secrets.token_hex(4)}.parquet"
    content = to_bytes(frame, name)
    if place.existing == "replace" and place.files:
        swap(place.folder, name, content)
    else:
        require_columns(place, content)
        make(place.folder)
        write_whole(place.folder / name, content)
    return place.folder / name


def require_columns(place: FolderPlace, content: bytes) -> None:
    """Refuse a table whose columns are not those of the files that are there."""
    import polars as pl

    if not place.files:
        return
    try:
        with place.files[-1].open("rb") as file:  # a path with brackets would be a pattern
            there, new = pl.read_parquet_schema(file), pl.read_parquet_schema(BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{place.files[-1]} cannot be read, so nothing is added: {error}") from error
    if there != new:
        raise DataError(
            f"{place.folder} has the columns {', '.join(map(said, there.items()))}, but the table has "
            f"{', '.join(map(said, new.items()))}: replace it, or give another folder"
        )


def said(column: tuple[str, Any]) -> str:
    """Name and type of a column."""
    return f"{column[0]} ({column[1]})"


def swap(folder: Path, name: str, content: bytes) -> None:
    """Put a new folder in the place of the one before."""
    target, key = folder.resolve(), secrets.token_hex(4)
    new, former = (target.with_name(f".{target.name}.{key}.{kind}") for kind in ("new", "former"))
    try:
        make(new)
        new.chmod(target.stat().st_mode & 0o7777)
        write_whole(new / name, content)
        move(target, former)
        try:
            move(new, target)
        except DataError:
            with suppress(FileNotFoundError):  # another process brought it back
                former.rename(target)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(former, ignore_errors=True)


def bring_back(folder: Path) -> None:
    """Undo a swap whose process was killed between its two steps: both folders lie beside an empty place."""
    target = folder.resolve()
    if target.exists():
        return
    for former in target.parent.glob(f".{glob.escape(target.name)}.*.former"):
        new = former.with_suffix(".new")
        if new.exists():
            move(former, target)
            shutil.rmtree(new, ignore_errors=True)
            return


def move(folder: Path, to: Path) -> None:
    """Give a folder another name."""
    try:
        folder.rename(to)
    except OSError as error:
        raise DataError(f"cannot replace {folder}: {error.strerror}") from error


def make(folder: Path) -> None:
    """Make a folder that is not there."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder {folder}: {error.strerror}") from error
