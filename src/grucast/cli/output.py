"""What the commands write: where it may go, seen before the work starts, and tables as bytes and JSON."""

import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fnmatch import fnmatch
from glob import glob
from pathlib import Path
from typing import Any

from grucast.data.raw.content import is_pattern
from grucast.data.raw.writing import TablePlace, require_table, write_database
from grucast.errors import ConfigError
from grucast.forecasting.dataset import FolderPlace, write_dataset
from grucast.forecasting.tables import WRITERS, to_bytes
from grucast.model.writing import is_device, status_of, write_whole

Suffixes = tuple[str, ...]
Outputs = Mapping[str, tuple[str | Path | None, Suffixes]]
ANY: Suffixes = ()  # a name may end as it likes
TABLES: Suffixes = tuple(WRITERS)
FOLDER: Suffixes = ("/",)
Place = TablePlace | FolderPlace | None


def require_outputs(inputs: Mapping[str, Any], outputs: Outputs) -> None:
    """Refuse, before any work, an output that could not be written, or that would replace an input or another output.

    Args:
        inputs: What is read, by the option's name: a path, a glob, anything else that names no file, or None.
        outputs: What is written, by the option's name: its path or None, and the suffixes that it may have.

    Raises:
        ConfigError: The message names the option, or both of them.

    >>> require_outputs({"DATA": "sales.csv"}, {"--out": (Path("./sales.csv"), TABLES)})
    Traceback (most recent call last):
    grucast.errors.ConfigError: --out sales.csv is also DATA (sales.csv), which it would replace: give another name
    """
    taken = {key: (option, source) for option, source in inputs.items() for key in files_of(source)}
    for option, (given, suffixes) in outputs.items():
        if given is None or (is_device(path := Path(given)) and is_open_to_us(option, path)):
            continue
        if suffixes == FOLDER:
            require_folder(f"{option} {given}", path, inputs)
            continue
        require_suffix(option, path, suffixes)
        other = taken.get(identity(path)) or next(((o, s) for o, s in inputs.items() if would_match(s, path)), None)
        if other:
            name, source = other
            raise ConfigError(f"{option} {given} is also {name} ({source}), which it would replace: give another name")
        require_place(f"{option} {given}", path)
        taken[identity(path)] = option, given


def place_of(path: str | None, table: str | None, if_exists: str) -> Place:
    """The table of a database or the folder that --out names, and into which can be written; None for a file.

    Raises:
        ConfigError: It cannot be written, or options are given that have no meaning for it.

    >>> place_of("forecast.csv", None, "append")
    Traceback (most recent call last):
    grucast.errors.ConfigError: --if-exists is for databases and folders, but --out forecast.csv is a file
    """
    if path and "://" in path:
        place = TablePlace.of(path, table, if_exists)
        require_table(place)
        return place
    if table:
        raise ConfigError(f"--table is for databases, but --out {path or 'none'} is none: leave it out")
    if path and (path.endswith(("/", os.sep)) or Path(path).is_dir()):
        return FolderPlace.of(path, if_exists)
    if if_exists != "refuse":
        raise ConfigError(f"--if-exists is for databases and folders, but --out {path or 'none'} is a file")
    return None


def out_of(path: str | None, place: Place) -> tuple[str | None, Suffixes]:
    """What `require_outputs` is told of --out: nothing of a database."""
    return (None if isinstance(place, TablePlace) else path), (FOLDER if place else TABLES)


def refuse_existing(paths: Iterable[str | Path | None], overwrite: bool) -> None:
    """Refuse to replace files that are there, unless that is asked for.

    Raises:
        ConfigError: The message names them.
    """
    there = [str(path) for path in paths if path and Path(path).exists() and not is_device(Path(path))]
    if there and not overwrite:
        verb = "is" if len(there) == 1 else "are"
        raise ConfigError(f"{', '.join(there)} {verb} there already: give --overwrite to replace, or another name")


def stem_of(data: str) -> str:
    """The name of a source without folder and suffixes.

    >>> stem_of("data/sales.csv.gz"), stem_of("https://host/a/b.xlsx?x=1"), stem_of("-"), stem_of("shops/*.csv")
    ('sales', 'b', 'data', 'shops')
    """
    parts = [part for part in re.split(r"[/\\]", data.partition("?")[0]) if part and not re.search(r"[*?\[:]", part)]
    stem = re.sub(r"[^\w -]", "_", parts[-1].partition(".")[0]).strip() if parts and data != "-" else ""
    return stem or "data"


def write_table(frame: Any, path: str, place: Place = None) -> None:
    """Write a polars frame in the format that the suffix names, or into a database or folder."""
    if isinstance(place, TablePlace):
        write_database(frame, place)
    elif place:
        write_dataset(frame, place)
    else:
        write_whole(path, to_bytes(frame, path))


def shown_place(path: str | None, place: Place) -> str | None:
    """Where a table was written, without a password."""
    return f"{place.table} in {place.name}" if isinstance(place, TablePlace) else path


def frame_records(frame: Any) -> list[dict[str, Any]]:
    """The rows of a polars frame as JSON has them: time stamps in ISO 8601, None for NaN.

    >>> import polars as pl
    >>> frame_records(pl.DataFrame({"ds": [date(2024, 1, 31)], "GRU": [math.nan]}))
    [{'ds': '2024-01-31', 'GRU': None}]
    """
    return [jsonable(row) for row in frame.iter_rows(named=True)]


def jsonable(value: Any) -> Any:
    """The value as JSON can have it: None for NaN and infinity, ISO 8601 for time stamps, text for paths and keys."""
    if isinstance(value, Mapping):
        return {f"{key:g}" if isinstance(key, float) else str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def print_json(values: Mapping[str, Any]) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(jsonable(values), allow_nan=False))


def files_of(source: Any) -> Iterator[Any]:
    """The identities of the files that an input names."""
    for path in paths_of(source):
        if not is_device(path):
            yield identity(path)


def paths_of(source: Any) -> list[Path]:
    """The files that an input names, whether they are there or not."""
    if source is None:
        return []
    name, database, path = str(source).partition(":///")
    name = path.partition("?")[0] if database else "/dev/stdin" if name == "-" else name
    return list(map(Path, glob(name, recursive=True) if is_pattern(name) else [name]))  # noqa: PTH207 - as files are read


def would_match(source: Any, path: Path) -> bool:
    """A glob would find the path, were it there."""
    name = str(source)
    if source is None or not is_pattern(name):
        return False
    folder, pattern = os.path.split(name)
    if not fnmatch(path.name, pattern):
        return False
    return identity(path.absolute().parent) in map(identity, map(Path, glob(folder or ".", recursive=True)))  # noqa: PTH207


def identity(path: Path) -> Any:
    """The same for all names of a file: links, relative paths, other spellings."""
    try:
        status = path.stat()
    except OSError:
        return os.path.normcase(os.path.realpath(path))
    return status.st_dev, status.st_ino


def is_open_to_us(option: str, path: Path) -> bool:
    """True for a device that may be written."""
    if not os.access(path, os.W_OK):
        raise ConfigError(f"cannot write {option} {path}: Permission denied")
    return True


def require_suffix(option: str, path: Path, suffixes: Suffixes) -> None:
    """The name says what is to be written."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise ConfigError(f"{option} {path} does not say what to write: end it with one of {', '.join(suffixes)}")


def require_folder(what: str, folder: Path, inputs: Mapping[str, Any]) -> None:
    """A file can be made in the folder, or the folder itself, and no input is in it."""
    for option, source in inputs.items():
        if any(folder.resolve() in path.resolve().parents for path in paths_of(source)):
            raise ConfigError(f"{what} holds {option} ({source}): give another folder")
    require_place(what, folder.resolve() / "part.parquet" if folder.is_dir() else folder)


def require_place(what: str, path: Path) -> None:
    """A file can be made there, or the one that is there replaced."""
    target = Path(os.path.realpath(path))
    try:
        folder = target.parent if path.is_symlink() else path.parent
        if "://" in what:
            raise ConfigError(f"cannot write {what}: it is an address; name a file on this machine")
        if path.is_dir():
            raise ConfigError(f"cannot write {what}: it is a folder")
        if not target.parent.is_dir():
            raise ConfigError(f"cannot write {what}: there is no folder {folder}")
        if status_of(path):
            path.open("ab").close()
        tempfile.TemporaryFile(dir=target.parent).close()  # also finds what root may not either
    except OSError as error:
        raise ConfigError(f"cannot write {what}: {error.strerror or error}") from error
