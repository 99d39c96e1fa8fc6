"""The commands that train and forecast."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from grucast import load, plotting
from grucast.cli import common
from grucast.cli.common import bar, command, err
from grucast.cli.output import ANY, TABLES, frame_records, print_json, require_outputs, to_bytes
from grucast.data.ahead import read_future
from grucast.data.declared import given_away
from grucast.data.panel import make_panel
from grucast.errors import DataError, TrainingInterrupted
from grucast.model.writing import write_whole


@command("grucast fit sales.csv -h 28 --future price,holiday --out model.safetensors")
def fit(
    data: common.Data,
    horizon: common.Horizon,
    path: Annotated[Path, typer.Option("--out", help="Model file to write.", show_default=False)],
    roles: common.Roles,
    settings: common.Settings,
    columns: common.Columns,
    save_on_interrupt: Annotated[
        bool, typer.Option("--save-on-interrupt", help="On Ctrl-C, save the best model so far.")
    ] = False,
    checkpoint_dir: Annotated[
        Path | None, typer.Option(help="Folder to keep the state of training in, so that it can be resumed.")
    ] = None,
    checkpoint_every: Annotated[int, typer.Option(help="Steps from one checkpoint to the next.")] = 50,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoints, if there are any, to the same bits.")
    ] = False,
    as_json: common.Json = False,
) -> None:
    """Train a forecaster on the series in DATA and save it; Ctrl-C ends it with exit code 130."""
    forecaster = settings.forecaster(horizon, roles)
    require_outputs({"DATA": data}, {"--out": (path, ANY)})
    frame = columns.read(data)
    panel = make_panel(frame, covariates=forecaster.covariates)
    if leaks := "; ".join(leak.text for leak in given_away(panel, forecaster.covariates.future)):
        warning = f"[yellow]warning:[/] leak, declared --future but not known before y: {escape(leaks)}"
        err.print(warning, highlight=False, soft_wrap=True)
    try:
        with bar("training") as show:
            forecaster.fit(
                frame,
                checkpoint_dir=checkpoint_dir,
                resume=resume,
                progress=show or False,
                checkpoint_every=checkpoint_every,
            )
    except TrainingInterrupted as interrupt:
        if save_on_interrupt:
            forecaster.save(path)
        saved = what_is_saved(path if save_on_interrupt else None, checkpoint_dir)
        err.print(f"{interrupt}; {saved}", highlight=False, soft_wrap=True)
        raise typer.Exit(130) from interrupt
    forecaster.save(path)
    model, steps = forecaster.model_, len(forecaster.history_)
    series = frame["unique_id"].n_unique()
    say = Console(stderr=as_json)
    say.print(
        f"Trained on {len(frame):,} rows of {series:,} series: frequency {model.frequency.name}, "
        f"seasons {', '.join(map(str, model.seasons))}, window {model.input_size}, {steps} steps.",
        highlight=False,
        soft_wrap=True,
    )
    if repairs := panel.repairs:
        say.print(f"Repaired: {repairs}.", highlight=False, soft_wrap=True)
    say.print(f"Model: {path}", highlight=False, soft_wrap=True)
    if as_json:
        print_json({"model": str(path), "rows": len(frame), "series": series, "steps": steps})


def what_is_saved(path: Path | None, checkpoint_dir: Path | None) -> str:
    """What an interrupted training leaves, and how it could have left more."""
    saved = f"the best model so far is in {path}" if path else "nothing is saved"
    if checkpoint_dir:
        return f"{saved}; go on with --checkpoint-dir {checkpoint_dir} --resume"
    return saved if path else f"{saved}; --save-on-interrupt saves the best model so far"


@command("grucast predict model.safetensors sales.csv --out forecast.csv --plot forecast.png")
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file.", show_default=False)],
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help="History to forecast from.")] = None,
    future: Annotated[
        Path | None, typer.Option(help="File with the coming values of columns known in advance.")
    ] = None,
    path: Annotated[Path | None, typer.Option("--out", help="CSV or Parquet file; standard output if none.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of the first series and their forecasts.")] = None,
    *,
    columns: common.Columns,
    as_json: common.Json = False,
) -> None:
    """Forecast the steps after the last of each series in DATA."""
    if data is None:
        raise DataError("a model file holds no data: name the DATA to forecast from")
    inputs = {"MODEL": model, "DATA": data, "--future": future}
    require_outputs(inputs, {"--out": (path, TABLES), "--plot": (plot, plotting.PICTURES)})
    forecaster = load(model)
    frame = columns.read(data)
    forecast = forecaster.predict(frame, future and coming_values(future, columns))
    if plot:
        plotting.plot_forecast(frame, forecast, plot)
    content = to_bytes(forecast, path)
    if path:
        write_whole(path, content)
    elif not as_json:
        sys.stdout.write(content.decode())
    if as_json:
        rows = {} if path else {"forecast": frame_records(forecast)}
        print_json({"rows": len(forecast), "out": path, "plot": plot} | rows)


def coming_values(path: Path, columns: common.Columns) -> Any:
    """The rows of the file that --future names, read with the columns of DATA."""
    try:
        return read_future(path, columns.id_col, columns.time_col)
    except DataError as error:
        raise DataError(f"--future {path}: {error}") from error
