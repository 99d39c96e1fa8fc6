"""What the commands share: options, output and checks."""

import inspect
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass
from functools import wraps
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from grucast import Covariates, GRUForecaster, TrainingConfig, plotting
from grucast.cli.screen import Screen, err
from grucast.data.reading.intake import Intake
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import take, take_again
from grucast.errors import ConfigError
from grucast.forecasting.arguments import valid_level
from grucast.forecasting.engine import HERE, Engine
from grucast.model.models import ForecastModel

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="File of series (CSV of any kind, Excel, OpenDocument, JSON, Parquet, Arrow; also packed), a glob, a URL, "
        "also of a database, or - for standard input.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="Model file.", show_default=False)]
Horizon = Annotated[int, typer.Option("-h", "--horizon", help="Steps to forecast.", show_default=False)]
Series = Annotated[str, typer.Option(help="Series to draw, comma-separated; the first ones if none.")]
Level = Annotated[str | None, typer.Option(help="Coverage of the intervals in percent, comma-separated: 80,95.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object last, for programs.")]
Text = str | None
READING = "How DATA is read"


def reading(help: str, *names: str) -> Any:
    """An option of how DATA is read."""
    return typer.Option(*names, help=help, rich_help_panel=READING, show_default=False)


@dataclass(frozen=True)
class Columns:
    """Options of how DATA is read, each left to what the data show if it is not given."""

    id_col: Annotated[Text, reading("Column that names the series, or several: region,size.")] = None
    time_col: Annotated[Text, reading("Column of time stamps, or several that make them: date,clock.")] = None
    target_col: Annotated[Text, reading("Column to forecast.")] = None
    freq: Annotated[Text, reading("Step between time stamps: D, h, 15min, B, W-FRI, ME ...")] = None
    time_format: Annotated[Text, reading("How time stamps are written: %d.%m.%Y, 'day first', week ...")] = None
    time_zone: Annotated[Text, reading("Zone of local time stamps: Europe/Berlin.")] = None
    decimal: Annotated[Text, reading("Decimal mark of numbers: . or ,")] = None
    missing: Annotated[Text, reading("What stands for a missing value, comma-separated: -200,?")] = None
    skip_rows: Annotated[int, reading("Lines above the header.")] = 0
    aggregate: Annotated[Text, reading("What becomes of rows of one series and time: sum, mean or last.")] = None
    fill: Annotated[float | None, reading("Value of steps without a row, such as 0 for counts.")] = None
    sheet: Annotated[Text, reading("Sheet of a workbook.")] = None
    wide: Annotated[
        bool | None,
        reading("Whether each column of numbers is a series, or each named by a date a step.", "--wide/--long"),
    ] = None
    query: Annotated[Text, reading("What to ask a database: SELECT ...")] = None

    @property
    def options(self) -> ReadOptions:
        """The options as `grucast.read` takes them."""
        given = vars(self) | {name: split(text) for name in ("id_col", "time_col") if (text := getattr(self, name))}
        if self.missing is not None:
            given["missing"] = [word.strip() for word in self.missing.split(",")]
        return ReadOptions.of(**{name: value for name, value in given.items() if value is not None})

    @property
    def words(self) -> str:
        """The options that were given, as a command line has them, with a blank before each."""
        flags = {True: " --wide", False: " --long", None: ""}
        given = {name: value for name, value in vars(self).items() if value is not None and name != "wide"}
        if not self.skip_rows:
            del given["skip_rows"]
        options = [f" --{name.replace('_', '-')}={quote(str(value))}" for name, value in given.items()]
        return "".join(options) + flags[self.wide]

    def take_like(self, data: str, model: ForecastModel) -> Intake:
        """The series in a file like the one that a model was trained on."""
        return take_again(data, model.reading, self.options, model.schema.texts)

    def take(self, data: str) -> Intake:
        """The series in a file, and how they were understood."""
        return take(data, self.options)


@dataclass(frozen=True)
class TableOptions:
    """Options of a table in a database, or of a folder, that --out names."""

    table: Annotated[Text, typer.Option(help="Table to write, where --out is the URL of a database.")] = None
    if_exists: Annotated[
        str, typer.Option(help="What becomes of a table or FOLDER/ that is there: refuse, append or replace.")
    ] = "refuse"


@dataclass(frozen=True)
class Machines:
    """Options of where work is done."""

    engine: Annotated[Text, typer.Option(help="What does the work: ray; this process if none.")] = None
    address: Annotated[Text, typer.Option(help="Of a running cluster: auto, 10.0.0.1:6379; else one here.")] = None
    workers: Annotated[int | None, typer.Option(help="Pieces of work at a time; one for each core if not given.")] = (
        None
    )

    @property
    def chosen(self) -> Engine:
        """What does the work.

        Raises:
            ConfigError: There is no such engine, or its options are given without it.
        """
        if self.engine is None:
            if self.address or self.workers:
                raise ConfigError("--address and --workers are for --engine ray: give that, too")
            return HERE
        if self.engine != "ray":
            raise ConfigError(f"there is no engine {self.engine!r}: give ray, or none")
        from grucast.distributed import RayEngine

        return RayEngine(self.address, self.workers)


@dataclass(frozen=True)
class CovariateOptions:
    """Options that declare covariates."""

    past: Annotated[str, typer.Option(help="Columns known up to the present only, comma-separated.")] = ""
    future: Annotated[str, typer.Option(help="Columns known in advance too, comma-separated.")] = ""
    static: Annotated[str, typer.Option(help="Columns of one value a series, comma-separated.")] = ""
    holidays: Annotated[str | None, typer.Option(help="Country whose holidays count, such as DE or DE-BY.")] = None

    @property
    def covariates(self) -> Covariates:
        """The declaration."""
        past, future, static = (tuple(split(names)) for names in (self.past, self.future, self.static))
        return Covariates(past, future, static, holidays=self.holidays)


@dataclass(frozen=True)
class Training:
    """Options of training."""

    seed: Annotated[int, typer.Option(help="Seed of weights, batches and dropout.")] = 1
    max_steps: Annotated[int | None, typer.Option(help="Training steps at the most.")] = None
    max_time: Annotated[str | None, typer.Option(help="Training time at the most: 90, 90s, 5m or 1h.")] = None
    ensemble: Annotated[int, typer.Option(help="Networks trained side by side; their forecasts are averaged.")] = 1

    @property
    def config(self) -> TrainingConfig:
        """The settings."""
        seconds = to_seconds(self.max_time, "--max-time")
        return TrainingConfig(max_steps=self.max_steps, max_time=seconds, ensemble=self.ensemble, seed=self.seed)


@dataclass(frozen=True)
class Settings(Training):
    """Options of a forecaster and its training."""

    season_length: Annotated[
        int | None, typer.Option(help="Seasonal period in steps; found from the frequency if not given.")
    ] = None
    input_size: Annotated[int | None, typer.Option(help="Steps of history the network reads; chosen if not given.")] = (
        None
    )

    def forecaster(self, horizon: int, roles: CovariateOptions) -> GRUForecaster:
        """A forecaster with these settings, not fitted."""
        shape = (horizon, self.input_size, self.season_length)
        return GRUForecaster(*shape, covariates=roles.covariates, training=self.config)


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
                err.tell(str(interrupt) or "interrupted")
                raise typer.Exit(130) from interrupt

        flat = [p for name, own in parameters.items() for p in (options[name].values() if name in options else [own])]
        keyword_only = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in flat]
        call.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
        return app.command(epilog=f"Example: {example}")(call)

    return register


def split(names: str) -> list[str]:
    """Names, comma-separated.

    >>> split("temp, humidity")
    ['temp', 'humidity']
    """
    return [name.strip() for name in names.split(",") if name.strip()]


def to_draw(series: str, intake: Intake) -> list[str] | None:
    """Names of series, comma-separated, all of them there; None if none are given.

    Raises:
        ConfigError: One is not there.
    """
    names = split(series) or None
    plotting.choose(intake.table.ids.unique(maintain_order=True), names)
    return names


def to_level(text: str | None) -> tuple[float, ...] | None:
    """Percentages, comma-separated; None if none are given.

    >>> to_level("80, 95")
    (80.0, 95.0)
    """
    if text is None:
        return None
    try:
        levels = [float(word.rstrip("%")) for word in split(text)]
    except ValueError as error:
        raise ConfigError(f"--level {text!r} holds no percentages: give some, such as 80,95") from error
    return valid_level(levels)


def say_lines(say: Screen, notes: Iterable[str], warnings: Iterable[str] = ()) -> None:
    """What was taken for what, and what may be wrong, a line each."""
    for note in notes:
        say.tell(note, style="dim")
    for warning in warnings:
        say.tell(warning, "warning:", "yellow")


def to_seconds(text: str | None, option: str) -> float | None:
    """Seconds of 90, 90s, 5m, 1h or 30d."""
    if text is None:
        return None
    factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:], 0)
    try:
        return float(text[:-1]) * factor if factor else float(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a time: give seconds, or a number with s, m, h or d") from error


def make_folder(folder: str) -> None:
    """Create a folder for results."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from error


def bar(title: str, console: Screen = err) -> Any:
    """A progress bar on a terminal; nothing elsewhere."""
    from grucast.training.progress import progress_bar

    return progress_bar(title, console) if console.is_terminal else nullcontext()
