"""The command that forecasts with a trained model."""

import sys
from typing import Annotated, Any

import typer

from grucast import load, plotting
from grucast.cli import common
from grucast.cli.common import command, to_draw, to_level
from grucast.cli.output import frame_records, out_of, place_of, print_json, require_outputs, shown_place, write_table
from grucast.cli.screen import Screen, plain_lines
from grucast.data.ahead import read_future
from grucast.data.parts import to_bytes as to_size
from grucast.errors import ConfigError, DataError
from grucast.forecasting.engine import Engine, is_folder
from grucast.forecasting.parts import predict_parts
from grucast.forecasting.tables import shortened, to_bytes


@command("grucast predict model.safetensors sales.csv --out forecast.csv --plot forecast.png")
def predict(
    model: common.Model,
    data: Annotated[str, typer.Argument(metavar="DATA", help="History to forecast from.", show_default=False)] = "",
    future: Annotated[
        str | None, typer.Option(help="File or folder with the coming values of columns known in advance.")
    ] = None,
    path: Annotated[
        str | None,
        typer.Option("--out", help="File, FOLDER/ or database's URL; standard output if none."),
    ] = None,
    plot: Annotated[str | None, typer.Option(help="Picture of the series and their forecasts.")] = None,
    series: common.Series = "",
    level: common.Level = None,
    horizon: Annotated[
        int | None, typer.Option("-h", "--horizon", help="Steps to forecast; those trained for if not given.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory to work with where DATA is a folder: 2GB; a quarter of all if not given.")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Paths to draw, as columns GRU-sample-1 ...")] = None,
    *,
    columns: common.Columns,
    target: common.TableOptions,
    machines: common.Machines,
    as_json: common.Json = False,
) -> None:
    """Forecast the steps after the last of each series in DATA, a file, or a folder of Parquet files, part by part."""
    shown = to_level(level)
    others = {"--plot": plot, "--series": series, "--horizon": horizon, "--samples": samples}
    others |= {"--table": target.table, "--if-exists": target.if_exists != "refuse"}
    engine = machines.chosen
    if in_parts(data, memory or machines.engine, others):
        predict_folder(model, data, future or None, path, shown, memory, engine)
        return
    inputs = {"MODEL": model, "DATA": data, "--future": future}
    place = place_of(path, target.table, target.if_exists)
    require_outputs(inputs, {"--out": out_of(path, place), "--plot": (plot, plotting.PICTURES)})
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


def in_parts(data: str, parts: str | None, others: dict[str, Any]) -> bool:
    """Whether DATA is done part by part; refuse options that have no meaning for what it is."""
    if not data:
        raise DataError("a model file holds no data: name the DATA to forecast from")
    given, parted = [name for name, value in others.items() if value], is_folder(data)
    if parted and given:
        raise ConfigError(f"{given[0]} is for files, but {data} is a folder: leave it out")
    if not parted and parts:
        raise ConfigError("--memory and --engine are for folders of Parquet files: leave them out")
    return parted


def predict_folder(
    model: str,
    data: str,
    future: str | None,
    path: str | None,
    level: tuple[float, ...] | None,
    memory: str | None,
    engine: Engine,
) -> None:
    """Forecast a folder of Parquet files."""
    if path is None:
        raise ConfigError(f"the forecasts of a folder go into a folder: name one with --out, such as {data}-forecast")
    say = Screen(stderr=True)
    limit = None if memory is None else to_size(memory)
    with say.status("cutting the files into parts") as shown:
        rows = predict_parts(
            load(model),
            data,
            path,
            future=future,
            level=level,
            memory=limit,
            engine=engine,
            told=lambda n, of: shown.update(f"{n} of {of} parts"),
        )
    say.tell(f"{rows:,} rows of forecasts: {path}", whole=True)


def show_table(content: bytes) -> None:
    """Print a table: as it is, but where a terminal would obey what stands in it."""
    if sys.stdout.isatty():
        print(plain_lines(content.decode()), end="")
    else:
        sys.stdout.buffer.write(content)
