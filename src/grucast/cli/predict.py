"""The command that forecasts with a trained model."""

import sys
from typing import Annotated

import typer

from grucast import load, plotting
from grucast.cli import common
from grucast.cli.common import command, to_draw, to_level
from grucast.cli.output import TABLES, frame_records, place_of, print_json, require_outputs, shown_place, write_table
from grucast.cli.screen import plain_lines
from grucast.data.ahead import read_future
from grucast.errors import DataError
from grucast.forecasting.tables import shortened, to_bytes


@command("grucast predict model.safetensors sales.csv --out forecast.csv --plot forecast.png")
def predict(
    model: common.Model,
    data: Annotated[str | None, typer.Argument(metavar="DATA", help="History to forecast from.")] = None,
    future: Annotated[str | None, typer.Option(help="File with the coming values of columns known in advance.")] = None,
    path: Annotated[
        str | None,
        typer.Option("--out", help="File or database's URL; standard output if none."),
    ] = None,
    plot: Annotated[str | None, typer.Option(help="Picture of the series and their forecasts.")] = None,
    series: common.Series = "",
    level: common.Level = None,
    horizon: Annotated[
        int | None, typer.Option("-h", "--horizon", help="Steps to forecast; those trained for if not given.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Paths to draw, as columns GRU-sample-1 ...")] = None,
    *,
    columns: common.Columns,
    target: common.Target,
    as_json: common.Json = False,
) -> None:
    """Forecast the steps after the last of each series in DATA."""
    if data is None:
        raise DataError("a model file holds no data: name the DATA to forecast from")
    inputs, shown = {"MODEL": model, "DATA": data, "--future": future}, to_level(level)
    place = place_of(path, target.table, target.if_exists)
    require_outputs(inputs, {"--out": (None if place else path, TABLES), "--plot": (plot, plotting.PICTURES)})
    if plot:
        plotting.require_matplotlib()
    forecaster = load(model)
    learned = forecaster.model_.reading
    texts = forecaster.model_.schema.texts
    intake = columns.take_like(data, forecaster.model_)
    drawn = to_draw(series, intake)
    coming = future and read_future(future, columns.options.filled(learned), texts, f"--future {future}")
    forecast = forecaster.predict(intake, coming, shown, samples, horizon)
    if plot:
        history = intake.table.frame.to_native()
        plotting.plot_forecast(history, forecast, plot, series=drawn, target=intake.target)
    forecast = shortened(forecast)
    if path:
        write_table(forecast, path, place)
    elif not as_json:
        show_table(to_bytes(forecast, None))
    if as_json:
        rows = {} if path else {"forecast": frame_records(forecast)}
        print_json({"rows": len(forecast), "out": shown_place(path, place), "plot": plot} | rows)


def show_table(content: bytes) -> None:
    """Print a table: as it is, but where a terminal would obey what stands in it."""
    if sys.stdout.isatty():
        print(plain_lines(content.decode()), end="")
    else:
        sys.stdout.buffer.write(content)
