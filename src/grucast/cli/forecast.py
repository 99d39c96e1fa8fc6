"""The commands that train, forecast and backtest."""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from grucast import GRUForecaster, TrainingConfig, load, plotting, read
from grucast.cli import common
from grucast.cli.common import app, bar, print_json, require_writable, to_bytes
from grucast.data.panel import make_panel
from grucast.errors import DataError
from grucast.forecasting.backtest import backtest as run_backtest
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
    as_json: common.Json = False,
) -> None:
    """Train a forecaster on the series in DATA and save it."""
    forecaster = make_forecaster(horizon, input_size, season_length, seed, max_steps, max_time)
    require_writable(path)
    frame = read(data, id_col, time_col, target_col)
    with bar("training") as show:
        forecaster.fit(frame, progress=show or False)
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


@app.command(epilog="Example: grucast backtest sales.csv -h 28 --windows 3")
def backtest(
    data: common.Data,
    horizon: common.Horizon,
    windows: Annotated[int, typer.Option(help="Cutoffs, the last one a horizon before the end.")] = 3,
    step_size: Annotated[int | None, typer.Option(help="Steps between cutoffs; the horizon if not given.")] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Train anew at each cutoff.")] = False,
    path: Annotated[Path | None, typer.Option("--out", help="CSV or Parquet file of all past forecasts.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Picture of the first series' past forecasts.")] = None,
    season_length: common.Season = None,
    input_size: common.InputSize = None,
    seed: common.Seed = 1,
    max_steps: common.MaxSteps = None,
    max_time: common.MaxTime = None,
    id_col: common.IdCol = None,
    time_col: common.TimeCol = None,
    target_col: common.TargetCol = None,
    as_json: common.Json = False,
) -> None:
    """Compare the GRU with seasonal naive forecasts on the last windows of each series."""
    forecaster = make_forecaster(horizon, input_size, season_length, seed, max_steps, max_time)
    require_writable(path)
    require_writable(plot, plotting.require_picture)
    frame = read(data, id_col, time_col, target_col)
    say = Console(stderr=as_json)
    with say.status("training and forecasting the past") if say.is_terminal else nullcontext():
        result = run_backtest(forecaster, frame, windows, step_size, refit)
    if path:
        write_whole(path, to_bytes(result.frame, path))
    if plot:
        plotting.plot_backtest(result.frame, plot)
    say.print(score_table(result.scores, f"{windows} windows of {horizon} steps"))
    if as_json:
        scores = [asdict(score) for score in result.scores]
        print_json({"scores": [score | {"mase": None if isnan(score["mase"]) else score["mase"]} for score in scores]})


def score_table(scores: list[Any], title: str) -> Table:
    """Models and their errors, the best of each column in bold."""
    table = Table(title=title, title_justify="left", caption="MAE and RMSE in the unit of y", caption_justify="left")
    table.add_column("model")
    for column in ("MAE", "RMSE", "MASE", "train s"):
        table.add_column(column, justify="right")
    best = {key: min(getattr(score, key) for score in scores) for key in ("mae", "rmse", "mase")}
    for score in scores:
        cells = [f"{value:.4g}" for value in (score.mae, score.rmse, score.mase)]
        marked = [f"[bold]{c}[/]" if getattr(score, k) == best[k] else c for k, c in zip(best, cells, strict=True)]
        table.add_row(score.model, *marked, f"{score.seconds:.1f}" if score.seconds else "")
    return table


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
