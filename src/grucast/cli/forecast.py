"""From a file to a forecast, a picture and a verdict, as one command."""

from dataclasses import asdict
from shlex import quote
from typing import Annotated, Any

import typer

from grucast import GRUForecaster, plotting
from grucast.cli import common
from grucast.cli.common import bar, command, say_lines, to_draw, to_level
from grucast.cli.output import (
    ANY,
    frame_records,
    out_of,
    place_of,
    print_json,
    refuse_existing,
    require_outputs,
    shown_place,
    stem_of,
    write_table,
)
from grucast.cli.predict import in_parts
from grucast.cli.screen import Screen
from grucast.data.parts import to_bytes as to_size
from grucast.errors import ConfigError
from grucast.forecasting.forecast_parts import forecast_parts
from grucast.forecasting.one_call import ForecastResult, forecast_intake
from grucast.forecasting.tables import shortened


@command("grucast forecast sales.csv -h 28")
def forecast(
    data: common.Data,
    horizon: Annotated[
        int | None, typer.Option("-h", "--horizon", help="Steps to forecast; a sensible number if not given.")
    ] = None,
    season_length: Annotated[int | None, typer.Option(help="Seasonal period in steps; found if not given.")] = None,
    path: Annotated[
        str | None,
        typer.Option("--out", help="File, FOLDER/ or database's URL; NAME-forecast.csv if not given."),
    ] = None,
    plot: Annotated[str | None, typer.Option(help="Picture of the forecast; NAME-forecast.png if not given.")] = None,
    model: Annotated[str | None, typer.Option(help="Keep the model in this file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    series: common.Series = "",
    level: common.Level = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory to work with where DATA is a folder: 2GB; a quarter of all if not given.")
    ] = None,
    *,
    training: common.Training,
    columns: common.Columns,
    target: common.TableOptions,
    machines: common.Machines,
    as_json: common.Json = False,
) -> None:
    """Forecast DATA in one command: find its columns, test the method on the last windows, train, draw the result.

    That is a file, or a folder of Parquet files, which is worked on part by part and not drawn.
    """
    stem, shown = stem_of(data), to_level(level) or (80, 95)
    others = {"--plot": plot, "--series": series, "--table": target.table, "--overwrite": overwrite}
    if in_parts(data, memory or machines.engine, others):
        forecaster = GRUForecaster(folder_horizon(horizon), None, season_length, shown, training=training.config)
        given = {"memory": memory and to_size(memory), "engine": machines.chosen, **vars(columns.options)}
        forecast_folder(forecaster, data, path or f"{stem}-forecast", model, Screen(stderr=as_json), given, as_json)
        return
    table, picture = path or f"{stem}-forecast.csv", plot or f"{stem}-forecast.png"
    place = place_of(table, target.table, target.if_exists)
    outputs = {
        "--out": out_of(table, place),
        "--plot": (picture, plotting.PICTURES),
        "--model": (model, ANY),
    }
    require_outputs({"DATA": data}, outputs)
    refuse_existing([None if place else table, picture, model], overwrite)
    plotting.require_matplotlib()
    say = Screen(stderr=as_json)
    intake = columns.take(data)
    drawn = to_draw(series, intake)
    with bar("training", say) as show:
        result = forecast_intake(
            intake, horizon, season_length, shown, training=training.config, progress=show or False
        )
    write_table(shortened(result.forecast), table, place)
    result.plot(picture, drawn)
    if model:
        result.forecaster.save(model)
    show_result(result, say)
    written = {"out": shown_place(table, place), "plot": picture, "model": model}
    for name, file in (("Forecast", written["out"]), ("Picture", picture), ("Model", model)):
        if file:
            say.tell(f"{name}: {file}", whole=True)
    say.tell(f"Next: {next_command(data, result.h, model, columns.words)}", whole=True)
    if as_json:
        print_json(written | as_record(result))


def folder_horizon(horizon: int | None) -> int:
    """The horizon, which a folder must be given."""
    if horizon is None:
        raise ConfigError("a folder is not read before its horizon is known: give --horizon, such as -h 7")
    return horizon


def forecast_folder(
    forecaster: GRUForecaster, data: str, path: str, model: str | None, say: Screen, given: Any, as_json: bool
) -> None:
    """Test, train and forecast part by part."""
    require_outputs({"DATA": data}, {"--model": (model, ANY)})
    with say.status("reading") as shown:
        found = forecast_parts(forecaster, data, path, told=shown.update, **given)
    if model:
        forecaster.save(model)
    say_lines(say, forecaster.notes_, found.warnings)
    say.tell(found.verdict, style="bold")
    say.tell(f"Forecast: {path}, {found.rows:,} rows", whole=True)
    if model:
        say.tell(f"Model: {model}", whole=True)
    if as_json:
        print_json({"out": path, "rows": found.rows, "model": model, "verdict": found.verdict})


def show_result(result: ForecastResult, say: Screen) -> None:
    """What was taken for what, what is odd, and the verdict last."""
    say_lines(say, result.notes, result.warnings)
    say.tell(result.verdict, style="bold")


def as_record(result: ForecastResult) -> dict[str, object]:
    """The result as one JSON object, the forecast itself in it."""
    return {
        "h": result.h,
        "target": result.target,
        "verdict": result.verdict,
        "notes": result.notes,
        "warnings": result.warnings,
        "scores": [asdict(score) for score in result.scores],
        "forecast": frame_records(shortened(result.forecast)),
    }


def next_command(data: str, h: int, model: str | None, words: str) -> str:
    """What to do next: use the model on newer data, or look closer."""
    if model:
        return f"grucast predict {quote(model)} NEWER-DATA forecasts again without training"
    return f"grucast backtest {quote(data)} -h {h}{words} shows the errors; --model FILE keeps the model"
