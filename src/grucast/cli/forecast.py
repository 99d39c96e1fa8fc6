"""The commands that train and forecast."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from grucast import GRUForecaster, TrainingConfig, load, plotting, read
from grucast.cli import common
from grucast.cli.common import app, bar, err, print_json, require_writable, to_bytes
from grucast.data.panel import make_panel
from grucast.errors import DataError, TrainingInterrupted
from grucast.model.file import write_whole


@app.command(epilog="Example: grucast fit sales.csv -h 28 --out model.safetensors")
def fit(
    data: common.Data,
    horizon: common.Horizon,
    path: Annotated[Path, typer.Option("--out", help="Model file to write.", show_default=False)],
    season_length: common.Season = None,
    input_size: common.InputSize = None,
    seed: common.Seed = 1,
    max_steps: common.MaxSteps = None,
    max_time: common.MaxTime = None,
    id_col: common.IdCol = None,
    time_col: common.TimeCol = None,
    target_col: common.TargetCol = None,
    save_on_interrupt: Annotated[
        bool, typer.Option("--save-on-interrupt", help="On Ctrl-C, save the best model so far.")
    ] = False,
    as_json: common.Json = False,
) -> None:
    """Train a forecaster on the series in DATA and save it; Ctrl-C ends it with exit code 130."""
    forecaster = make_forecaster(horizon, input_size, season_length, seed, max_steps, max_time)
    require_writable(path)
    frame = read(data, id_col, time_col, target_col)
    try:
        with bar("training") as show:
            forecaster.fit(frame, progress=show or False)
    except TrainingInterrupted as interrupt:
        if save_on_interrupt:
            forecaster.save(path)
        saved = f"the best model so far is in {path}" if save_on_interrupt else "nothing is saved"
        err.print(f"{interrupt}; {saved}", highlight=False, soft_wrap=True)
        raise
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
    if repairs := make_panel(frame).repairs:
        say.print(f"Repaired: {repairs}.", highlight=False, soft_wrap=True)
    say.print(f"Model: {path}", highlight=False, soft_wrap=True)
    if as_json:
        print_json({"model": str(path), "rows": len(frame), "series": series, "steps": steps})


@app.command(epilog="Example: grucast predict model.safetensors sales.csv --out forecast.csv --plot forecast.png")
def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file.", show_default=False)],
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help="History to forecast from.")] = None,
    path: Annotated[Path | None, typer.Option("--out", help="CSV or Parquet file; standard output if none.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of the first series and their forecasts.")] = None,
    id_col: common.IdCol = None,
    time_col: common.TimeCol = None,
    target_col: common.TargetCol = None,
    as_json: common.Json = False,
) -> None:
    """Forecast the steps after the last of each series in DATA."""
    forecaster = load(model)
    if data is None:
        raise DataError("a model file holds no data: name the DATA to forecast from")
    require_writable(path)
    require_writable(plot, plotting.require_picture)
    frame = read(data, id_col, time_col, target_col)
    forecast = forecaster.predict(frame)
    if plot:
        plotting.plot_forecast(frame, forecast, plot)
    content = to_bytes(forecast, path)
    if path:
        write_whole(path, content)
    elif not as_json:
        sys.stdout.write(content.decode())
    if as_json:
        print_json({"rows": len(forecast), "out": path and str(path), "plot": plot and str(plot)})


def make_forecaster(
    horizon: int,
    input_size: int | None,
    season_length: int | None,
    seed: int,
    max_steps: int | None,
    max_time: str | None,
) -> Any:
    """A forecaster with the command's settings."""
    training = TrainingConfig(max_steps=max_steps, max_time=common.to_seconds(max_time), seed=seed)
    return GRUForecaster(horizon, input_size, season_length, training=training)
