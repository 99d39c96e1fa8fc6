"""The command that trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from grucast import GRUForecaster, load
from grucast.cli import common
from grucast.cli.common import bar, command, say_lines
from grucast.cli.output import ANY, print_json, require_outputs
from grucast.cli.screen import Screen, err
from grucast.data.checks.declared import given_away
from grucast.data.panel import Panel
from grucast.data.parts import to_bytes as to_size
from grucast.data.reading.intake import Intake
from grucast.data.sources import to_panel
from grucast.errors import ConfigError, TrainingInterrupted
from grucast.forecasting.engine import is_folder


@command("grucast fit sales.csv -h 28 --future price,holiday --out model.safetensors")
def fit(
    data: common.Data,
    horizon: common.Horizon,
    path: Annotated[str, typer.Option("--out", help="Model file to write.", show_default=False)],
    roles: common.CovariateOptions,
    settings: common.Settings,
    columns: common.Columns,
    save_on_interrupt: Annotated[
        bool, typer.Option("--save-on-interrupt", help="On Ctrl-C, save the best model so far.")
    ] = False,
    checkpoint_dir: Annotated[
        str | None, typer.Option(help="Folder to keep the state of training in, so that it can be resumed.")
    ] = None,
    checkpoint_every: Annotated[int, typer.Option(help="Steps from one checkpoint to the next.")] = 50,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoints, if there are any, to the same bits.")
    ] = False,
    warm_start: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model file to go on from, with DATA of the same kind.")
    ] = None,
    sample_weight: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that says what each row counts in training.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory to work with where DATA is a folder: 2GB; a quarter of all if not given.")
    ] = None,
    *,
    machines: common.Machines,
    as_json: common.Json = False,
) -> None:
    """Train a forecaster on the series in DATA, a file or a folder of Parquet files, and save it.

    Ctrl-C ends it with exit code 130.
    """
    forecaster = begun(warm_start, horizon, roles, settings) if warm_start else settings.forecaster(horizon, roles)
    require_outputs({"DATA": data, "--checkpoint-dir": checkpoint_dir}, {"--out": (path, ANY)})
    given: dict[str, Any] = {"checkpoint_dir": checkpoint_dir, "resume": resume, "checkpoint_every": checkpoint_every}
    given |= {"warm_start": warm_start is not None, "sample_weight": sample_weight}
    chosen = machines.chosen
    given |= {"engine": machines.engine and chosen, "memory": memory and to_size(memory)}
    say, panel = Screen(stderr=as_json), None
    if is_folder(data):
        source: Any = data
        given |= vars(columns.options)
    else:
        source = columns.take_like(data, forecaster.model_) if warm_start else columns.take(data)
        panel = to_panel(source, forecaster.covariates)
        say_doubts(source, panel, forecaster)
    with saving(forecaster, path if save_on_interrupt else None, checkpoint_dir), bar("training") as show:
        forecaster.fit(source, progress=show or False, **given)
    forecaster.save(path)
    found = report(forecaster, panel, None if is_folder(data) else len(source.table.y), say)
    say.tell(f"Model: {path}", whole=True)
    if as_json:
        print_json({"model": path} | found)


def say_doubts(intake: Intake, panel: Panel, forecaster: GRUForecaster) -> None:
    """What was taken for what, what may be wrong, and what gives y away."""
    say_lines(err, intake.guesses, intake.doubts)
    if leaks := "; ".join(leak.text for leak in given_away(panel, forecaster.covariates.future)):
        err.tell(f"leak, declared --future but not known before y: {leaks}", "warning:", "yellow", whole=True)


@contextmanager
def saving(forecaster: GRUForecaster, path: str | None, checkpoint_dir: str | None) -> Iterator[None]:
    """Where Ctrl-C ends the training, save what there is to a path, and say what is left."""
    try:
        yield
    except TrainingInterrupted as interrupt:
        if path:
            forecaster.save(path)
        err.tell(f"{interrupt}; {what_is_saved(path, checkpoint_dir)}", whole=True)
        raise typer.Exit(130) from interrupt


def report(forecaster: GRUForecaster, panel: Panel | None, rows: int | None, say: Screen) -> dict[str, Any]:
    """Say what was trained on what; the numbers among that."""
    model, steps = forecaster.model_, len(forecaster.history_)
    series = model.trained_on.series if model.trained_on else 0
    counted = f"{rows:,} rows of {series:,} series" if rows is not None else f"{series:,} series"
    say.tell(
        f"Trained on {counted}: frequency {model.frequency.name}, "
        f"seasons {', '.join(map(str, model.seasons))}, window {model.input_size}, {steps} steps.",
        whole=True,
    )
    say_lines(say, forecaster.notes_)
    if panel and (repairs := panel.repairs):
        say.tell(f"Repaired: {repairs}.", whole=True)
    return ({} if rows is None else {"rows": rows}) | {"series": series, "steps": steps}


def begun(path: str, horizon: int, roles: common.CovariateOptions, settings: common.Settings) -> GRUForecaster:
    """The forecaster in a model file, to be trained on as the settings say.

    Raises:
        ConfigError: They ask for another forecaster than that.
    """
    forecaster = load(path)
    if horizon != forecaster.h or roles != common.CovariateOptions() or settings.season_length or settings.input_size:
        raise ConfigError(
            f"--warm-start keeps horizon, covariates, season and window of {path}: give -h {forecaster.h}, and leave "
            "out --past, --future, --static, --holidays, --season-length and --input-size"
        )
    forecaster.training = settings.config
    return forecaster


def what_is_saved(path: str | None, checkpoint_dir: str | None) -> str:
    """What an interrupted training leaves, and how it could have left more."""
    saved = f"the best model so far is in {path}" if path else "nothing is saved"
    if checkpoint_dir:
        return f"{saved}; go on with --checkpoint-dir {checkpoint_dir} --resume"
    return saved if path else f"{saved}; --save-on-interrupt saves the best model so far"
