"""The command that forecasts the past, and the tables it prints."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from math import isnan
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from grucast import GRUForecaster, plotting
from grucast.cli import common
from grucast.cli.common import command, say_lines, split, to_draw
from grucast.cli.output import out_of, place_of, print_json, require_outputs, write_table
from grucast.cli.predict import in_parts
from grucast.cli.screen import Screen, err
from grucast.data.frequency import Frequency
from grucast.data.parts import to_bytes as to_size
from grucast.data.wording import decimals, digits
from grucast.errors import ConfigError
from grucast.forecasting.backtest import Tested
from grucast.forecasting.backtest import backtest as run_backtest
from grucast.forecasting.backtest_parts import PartsBacktest, backtest_parts
from grucast.forecasting.baselines import SIMPLE, check_baselines
from grucast.forecasting.scoring import Score
from grucast.forecasting.tables import shortened
from grucast.forecasting.verdict import verdict, warnings

MEASURES = {"MAE": "mae", "RMSE": "rmse", "sMAPE %": "smape", "MASE": "mase", "sCRPS": "scaled_crps"}
LOOK: Any = {"box": SIMPLE_HEAD, "padding": (0, 1, 0, 0), "caption_justify": "left"}  # fits 80 columns
MOST_STEPS = 6  # columns of the table by step


@command("grucast backtest sales.csv -h 28 --windows 3")
def backtest(
    data: common.Data,
    horizon: common.Horizon,
    windows: Annotated[int, typer.Option(help="Cutoffs, the last one a horizon before the end.")] = 3,
    step_size: Annotated[int | None, typer.Option(help="Steps between cutoffs; the horizon if not given.")] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Train again at each cutoff.")] = False,
    baselines: Annotated[
        str, typer.Option(help="Of naive, seasonal_naive, drift, ets and theta, comma-separated.")
    ] = ",".join(SIMPLE),
    path: Annotated[
        str | None, typer.Option("--out", help="File, FOLDER/ or database's URL for all past forecasts.")
    ] = None,
    plot: Annotated[str | None, typer.Option(help="Picture of past forecasts and of the error by step.")] = None,
    series: common.Series = "",
    memory: Annotated[
        str | None, typer.Option(help="Memory to work with where DATA is a folder: 2GB; a quarter of all if not given.")
    ] = None,
    *,
    roles: common.CovariateOptions,
    settings: common.Settings,
    columns: common.Columns,
    target: common.TableOptions,
    machines: common.Machines,
    as_json: common.Json = False,
) -> None:
    """Compare the GRU with simple forecasts on the last windows of each series in DATA.

    That is a file, or a folder of Parquet files, which is worked on part by part.
    """
    forecaster = settings.forecaster(horizon, roles)
    chosen = split(baselines)
    check_baselines(chosen)
    say = Screen(stderr=as_json)
    others = {"--refit": refit, "--plot": plot, "--series": series, "--table": target.table}
    if in_parts(data, memory or machines.engine, others):
        given = {"n_windows": windows, "step_size": step_size, "baselines": chosen, "engine": machines.chosen}
        found = backtest_folder(forecaster, data, path, memory, say, **given, **vars(columns.options))
        report(found, found.frequency, horizon, say, as_json)
        return
    place = place_of(path, target.table, target.if_exists)
    require_outputs({"DATA": data}, {"--out": out_of(path, place), "--plot": (plot, plotting.PICTURES)})
    if plot:
        plotting.require_matplotlib()
    intake = columns.take(data)
    drawn = to_draw(series, intake)
    say_lines(err, intake.guesses, intake.doubts)
    with say.status("training and forecasting the past") if say.is_terminal else nullcontext():
        result = run_backtest(forecaster, intake, windows, step_size, refit, chosen)
    if path:
        write_table(shortened(result.frame), path, place)
    if plot:
        plotting.plot_backtest(result, plot, drawn, intake.target)
    report(result, result.panel.frequency, horizon, say, as_json)


def backtest_folder(
    forecaster: GRUForecaster, data: str, path: str | None, memory: str | None, say: Screen, **given: Any
) -> PartsBacktest:
    """Forecast the past of a folder of Parquet files."""
    if path is None:
        raise ConfigError(f"the past forecasts of a folder go into a folder: name one with --out, such as {data}-past")
    limit = None if memory is None else to_size(memory)
    with say.status("training") as shown:

        def told(done: int, parts: int) -> None:
            shown.update(f"{done} of {parts} parts")

        found = backtest_parts(forecaster, data, path, memory=limit, told=told, **given)
    say.tell(f"{found.rows:,} rows of past forecasts: {path}", whole=True)
    return found


def report(result: Tested, frequency: Frequency, h: int, say: Screen, as_json: bool) -> None:
    """The tables, the warnings, and the verdict; as JSON, too."""
    said = {"verdict": verdict(result, frequency, h), "warnings": warnings(result)}
    show(result, h, say)
    conclude(said, say)
    if as_json:
        counts = {"series": result.series, "windows": result.windows, "left_out": result.left_out}
        print_json(counts | {"scores": [asdict(score) for score in result.scores]} | said)


def conclude(said: Mapping[str, Any], say: Screen) -> None:
    """The warnings, and the verdict last."""
    say_lines(say, (), said["warnings"])
    say.tell(said["verdict"], style="bold")


def show(result: Tested, h: int, say: Screen) -> None:
    """How much was forecast, the scores, the error by step, and how often the intervals held."""
    cutoffs = f"{result.windows:,} windows of {h} steps in {result.series:,} series"
    left_out = f"; {result.left_out:,} left out, their series had no history then" if result.left_out else ""
    say.print(cutoffs + left_out)
    say.print(fitting(score_table(result.scores), say, drop=-1))
    if h > 1:
        say.print(fitting(step_table(result.scores, h), say, drop=-2))
    most = max(score.steps for score in result.scores)
    for score in result.scores:
        if score.steps < most:
            say.print(f"{score.model}: scored on the {score.steps:,} of {most:,} steps it forecasts")
        for level, share in score.coverage.items():
            say.print(f"{score.model}: the {level:g}% interval covers {share:.1%}")


def fitting(table: Table, say: Screen, drop: int) -> Table:
    """The table with as many columns as there is room for; the one at the place `drop` goes first."""
    whole, endless = len(table.columns), say.options.update_width(10**4)
    while len(table.columns) > 2 and Measurement.get(say, endless, table).maximum > say.width:
        del table.columns[drop]
    if len(table.columns) < whole:
        table.caption = Text(f"{table.caption or ''}\nmore columns in a wider window, and in --json".strip())
    return table


def score_table(scores: list[Score]) -> Table:
    """Models and their errors, the best of each column in bold."""
    table = Table(caption="MAE and RMSE in the unit of y", **LOOK)
    table.add_column("model", no_wrap=True)
    columns: list[Sequence[Text | str]] = []
    for name, measure in MEASURES.items():
        values = [getattr(score, measure) for score in scores]
        columns.append(numbers(values, decimals(values)))
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("fit", "predict"):
        seconds = [getattr(score, f"{name}_seconds") for score in scores]
        columns.append([f"{value:.2f}" if value else "" for value in seconds])
        table.add_column(f"{name} s", justify="right", no_wrap=True)
    return filled(table, scores, columns)


def step_table(scores: list[Score], h: int) -> Table:
    """MASE at a handful of steps, or MAE where no model has one; the best of each column in bold."""
    measure = "mae" if all(isnan(score.mase) for score in scores) else "mase"
    errors = [getattr(score, f"{measure}_by_step") for score in scores]
    places = decimals([error for of_model in errors for error in of_model])
    table = Table(**LOOK)
    table.add_column(f"{measure.upper()} at step", no_wrap=True)
    columns = []
    for step in some_steps(h):
        table.add_column(f"{step}", justify="right", no_wrap=True)
        columns.append(numbers([of_model[step - 1] for of_model in errors], places))
    return filled(table, scores, columns)


def filled(table: Table, scores: list[Score], columns: Sequence[Sequence[Text | str]]) -> Table:
    """The table with a row a model."""
    for score, *cells in zip(scores, *columns, strict=True):
        table.add_row(score.model, *cells)
    return table


def some_steps(h: int) -> list[int]:
    """All steps of a short horizon; of a long one the first, the last and halves of halves between them.

    >>> some_steps(4), some_steps(24), some_steps(168)
    ([1, 2, 3, 4], [1, 3, 6, 12, 24], [1, 10, 21, 42, 84, 168])
    """
    if h <= MOST_STEPS:
        return list(range(1, h + 1))
    halves = [h // 2**k for k in range(MOST_STEPS - 1)]
    return [1, *(half for half in reversed(halves) if half > 1)]


def numbers(values: list[float], places: int) -> list[Text]:
    """Numbers with so many decimals, the least in bold, nothing for NaN."""
    least = min((value for value in values if not isnan(value)), default=None)
    return [Text(digits(value, places), "bold" if value == least else "") for value in values]
