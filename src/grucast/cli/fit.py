"""The command that trains."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grucast.cli import common
from grucast.cli.common import bar, command, err, say_lines
from grucast.cli.output import ANY, print_json, require_outputs
from grucast.data.checks.declared import given_away
from grucast.data.sources import to_panel
from grucast.errors import TrainingInterrupted


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
    intake = columns.take(data)
    panel = to_panel(intake, forecaster.covariates)
    say = Console(stderr=as_json)
    say_lines(err, intake.guesses, intake.doubts)
    if leaks := "; ".join(leak.text for leak in given_away(panel, forecaster.covariates.future)):
        warning = f"[yellow]warning:[/] leak, declared --future but not known before y: {escape(leaks)}"
        err.print(warning, highlight=False, soft_wrap=True)
    try:
        with bar("training") as show:
            forecaster.fit(
                intake,
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
    rows, series = len(intake.table.y), len(panel)
    say.print(
        f"Trained on {rows:,} rows of {series:,} series: frequency {model.frequency.name}, "
        f"seasons {', '.join(map(str, model.seasons))}, window {model.input_size}, {steps} steps.",
        highlight=False,
        soft_wrap=True,
    )
    say_lines(say, forecaster.notes_)
    if repairs := panel.repairs:
        say.print(f"Repaired: {repairs}.", highlight=False, soft_wrap=True)
    say.print(f"Model: {path}", highlight=False, soft_wrap=True)
    if as_json:
        print_json({"model": str(path), "rows": rows, "series": series, "steps": steps})


def what_is_saved(path: Path | None, checkpoint_dir: Path | None) -> str:
    """What an interrupted training leaves, and how it could have left more."""
    saved = f"the best model so far is in {path}" if path else "nothing is saved"
    if checkpoint_dir:
        return f"{saved}; go on with --checkpoint-dir {checkpoint_dir} --resume"
    return saved if path else f"{saved}; --save-on-interrupt saves the best model so far"
