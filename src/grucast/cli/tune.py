"""The command that searches for better settings."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from grucast import plotting
from grucast.cli import common
from grucast.cli.backtest import LOOK, fitting
from grucast.cli.common import command, say_lines, to_seconds
from grucast.cli.output import ANY, frame_records, print_json, refuse_existing, require_outputs, stem_of
from grucast.cli.screen import Screen, err

SHOWN = 5  # trials


@command("grucast tune sales.csv -h 28 --trials 30 --max-time 10m")
def tune(
    data: common.Data,
    horizon: common.Horizon,
    trials: Annotated[int, typer.Option(help="Settings to try, those of the study before included.")] = 30,
    max_time: Annotated[str | None, typer.Option(help="Time for everything: 90, 90s, 5m or 1h.")] = None,
    study: Annotated[
        str | None, typer.Option(help="Record of the search, gone on with if it is there; NAME-tuning.db if not given.")
    ] = None,
    path: Annotated[
        str | None, typer.Option("--out", help="Model file to write; NAME-tuned.safetensors if not given.")
    ] = None,
    plot: Annotated[str | None, typer.Option(help="Picture of the trials.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the search and of each training.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model or picture that is there.")] = False,
    *,
    roles: common.CovariateOptions,
    columns: common.Columns,
    machines: common.Machines,
    as_json: common.Json = False,
) -> None:
    """Search for better settings on past windows of DATA, say whether they are better on later ones, keep the model."""
    from grucast.tuning.run import tune_intake
    from grucast.tuning.search import Search

    stem, seconds = stem_of(data), to_seconds(max_time, "--max-time")
    record, model = study or f"{stem}-tuning.db", path or f"{stem}-tuned.safetensors"
    outputs = {"--study": (record, ANY), "--out": (model, ANY), "--plot": (plot, plotting.PICTURES)}
    require_outputs({"DATA": data}, outputs)
    refuse_existing([model, plot], overwrite)
    if plot:
        plotting.require_matplotlib()
    engine = machines.chosen
    say = Screen(stderr=as_json)
    intake = columns.take(data)
    say_lines(err, intake.guesses, intake.doubts)
    search = Search.of(intake, horizon, roles.covariates, seed)
    with say.status("the first trial: the defaults") as shown:
        found = tune_intake(
            intake, search, trials, seconds, record, lambda n, of: shown.update(f"{n} of {of} trials"), engine
        )
    found.forecaster.save(model)
    if plot:
        found.plot(plot)
    show(found, say)
    for name, file in (("Model", model), ("Study", record), ("Picture", plot)):
        if file:
            say.tell(f"{name}: {file}", whole=True)
    if as_json:
        print_json(as_record(found) | {"model": model, "study": record, "plot": plot})


def show(found: Any, say: Screen) -> None:
    """The best trials, and whether they are worth anything."""
    states = found.trials["state"].to_list()
    say.tell(f"{len(states)} trials, {states.count('pruned')} of them cut short")
    say.print(fitting(trial_table(found.trials.head(SHOWN)), say, drop=-1))
    if not found.better:
        say.tell(found.verdict, "warning:", "yellow", whole=True)
    else:
        say.tell(found.verdict, style="bold", whole=True)


def trial_table(trials: Any) -> Table:
    """A row a trial."""
    table = Table(caption="error on the windows that the search saw; trial 0 has the defaults", **LOOK)
    for name in trials.columns:
        table.add_column(name.replace("_", " "), justify="left" if name == "state" else "right", no_wrap=True)
    for row in trials.iter_rows():
        table.add_row(
            *(Text(f"{cell:.3g}" if isinstance(cell, float) else "" if cell is None else str(cell)) for cell in row)
        )
    return table


def as_record(found: Any) -> dict[str, Any]:
    """What was found, as JSON has it."""
    scores = {"best": found.best, "default": found.default}
    errors = {name: {"mase": score.mase, "mae": score.mae} for name, score in scores.items()}
    said = {"better": found.better, "verdict": found.verdict, "settings": found.settings}
    return said | errors | {"trials": frame_records(found.trials)}
