"""What the commands share: options, output and checks."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from grucast.errors import ConfigError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Forecast with GRUs at the speed of your CPU.",
)
out, err = Console(), Console(stderr=True)

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, JSON lines or Parquet file of series, also .gz or a glob; - for CSV on standard input.",
        show_default=False,
    ),
]
Horizon = Annotated[int, typer.Option("-h", "--horizon", help="Steps to forecast.", show_default=False)]
Season = Annotated[int | None, typer.Option(help="Seasonal period in steps; found from the frequency if not given.")]
InputSize = Annotated[int | None, typer.Option(help="Steps of history the network reads; chosen if not given.")]
IdCol = Annotated[str | None, typer.Option(help="Column that names the series.")]
TimeCol = Annotated[str | None, typer.Option(help="Column of time stamps.")]
TargetCol = Annotated[str | None, typer.Option(help="Column to forecast.")]
Seed = Annotated[int, typer.Option(help="Seed of weights, batches and dropout.")]
MaxSteps = Annotated[int | None, typer.Option(help="Training steps at the most.")]
MaxTime = Annotated[str | None, typer.Option(help="Training time at the most: 90, 90s, 5m or 1h.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object last, for programs.")]


def to_seconds(text: str | None) -> float | None:
    """Seconds of 90, 90s, 5m or 1h."""
    if text is None:
        return None
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    try:
        return float(text[:-1]) * factor if factor else float(text)
    except ValueError as error:
        raise ConfigError(f"--max-time {text!r} is no time: give seconds, or a number with s, m or h") from error


def to_bytes(frame: Any, path: Path | None) -> bytes:
    """A polars frame as CSV, or as Parquet if the path says so."""
    buffer = BytesIO()
    if path and path.suffix == ".parquet":
        frame.write_parquet(buffer)
    else:
        frame.write_csv(buffer, datetime_format="%Y-%m-%d %H:%M:%S")
    return buffer.getvalue()


def require_writable(path: Path | None, require_kind: Callable[[Path], None] | None = None) -> None:
    """Refuse a file that could not be written, before the work starts."""
    if path and require_kind:
        require_kind(path)
    if path and not path.absolute().parent.is_dir():
        raise ConfigError(f"cannot write {path}: there is no folder {path.parent}")
    if path and path.is_dir():
        raise ConfigError(f"cannot write {path}: it is a folder")


def make_folder(folder: Path) -> None:
    """Create a folder for results."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from error


def bar(title: str, console: Console = err) -> Any:
    """A progress bar on a terminal; nothing elsewhere."""
    from grucast.training.progress import progress_bar

    return progress_bar(title, console) if console.is_terminal else nullcontext()


def escape(text: str) -> str:
    """Text as it is, also where it looks like markup."""
    return text.replace("[", r"\[")


def print_json(values: dict[str, Any]) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(values))
