"""What the commands share: options, output and checks."""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from grucast import Covariates, GRUForecaster, TrainingConfig, read
from grucast.errors import ConfigError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object last, for programs.")]


@dataclass(frozen=True)
class Columns:
    """Options that name the columns of DATA."""

    id_col: Annotated[str | None, typer.Option(help="Column that names the series.")] = None
    time_col: Annotated[str | None, typer.Option(help="Column of time stamps.")] = None
    target_col: Annotated[str | None, typer.Option(help="Column to forecast.")] = None

    def read(self, data: Path) -> Any:
        """The series in a file."""
        return read(data, self.id_col, self.time_col, self.target_col)


@dataclass(frozen=True)
class Roles:
    """Options that declare covariates."""

    past: Annotated[str, typer.Option(help="Columns known up to the present only, with commas between.")] = ""
    future: Annotated[str, typer.Option(help="Columns known in advance too, with commas between.")] = ""
    static: Annotated[str, typer.Option(help="Columns of one value a series, with commas between.")] = ""

    @property
    def covariates(self) -> Covariates:
        """The declaration."""
        past, future, static = (tuple(split(names)) for names in (self.past, self.future, self.static))
        return Covariates(past, future, static)


@dataclass(frozen=True)
class Settings:
    """Options of a forecaster and its training."""

    season_length: Annotated[
        int | None, typer.Option(help="Seasonal period in steps; found from the frequency if not given.")
    ] = None
    input_size: Annotated[int | None, typer.Option(help="Steps of history the network reads; chosen if not given.")] = (
        None
    )
    seed: Annotated[int, typer.Option(help="Seed of weights, batches and dropout.")] = 1
    max_steps: Annotated[int | None, typer.Option(help="Training steps at the most.")] = None
    max_time: Annotated[str | None, typer.Option(help="Training time at the most: 90, 90s, 5m or 1h.")] = None
    ensemble: Annotated[int, typer.Option(help="Networks trained side by side; their forecasts are averaged.")] = 1

    def forecaster(self, horizon: int, roles: Roles) -> GRUForecaster:
        """A forecaster with these settings, not fitted."""
        seconds = to_seconds(self.max_time)
        training = TrainingConfig(max_steps=self.max_steps, max_time=seconds, ensemble=self.ensemble, seed=self.seed)
        shape = (horizon, self.input_size, self.season_length)
        return GRUForecaster(*shape, covariates=roles.covariates, training=training)


def command(example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command; a parameter of it that is one of the classes above stands for all options of that class."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function).parameters
        groups: dict[str, Any] = {name: p.annotation for name, p in parameters.items() if is_dataclass(p.annotation)}
        options = {name: inspect.signature(group).parameters for name, group in groups.items()}

        @wraps(function)
        def call(**given: Any) -> None:
            built = {
                name: group(**{option: given.pop(option) for option in options[name]}) for name, group in groups.items()
            }
            try:
                function(**given, **built)
            except KeyboardInterrupt as interrupt:
                err.print(str(interrupt) or "interrupted", highlight=False)
                raise typer.Exit(130) from interrupt

        flat = [p for name, own in parameters.items() for p in (options[name].values() if name in options else [own])]
        keyword_only = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in flat]
        call.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
        return app.command(epilog=f"Example: {example}")(call)

    return register


def split(names: str) -> list[str]:
    """Names with commas between.

    >>> split("temp, humidity")
    ['temp', 'humidity']
    """
    return [name.strip() for name in names.split(",") if name.strip()]


def to_seconds(text: str | None) -> float | None:
    """Seconds of 90, 90s, 5m or 1h."""
    if text is None:
        return None
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    try:
        return float(text[:-1]) * factor if factor else float(text)
    except ValueError as error:
        raise ConfigError(f"--max-time {text!r} is no time: give seconds, or a number with s, m or h") from error


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
