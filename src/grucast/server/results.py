"""/v1/fit/{id}/...: what a training found, series by series, and as files."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from grucast.data.wording import show
from grucast.forecasting.explain import Explanation
from grucast.forecasting.tables import to_bytes
from grucast.server.jobs import Job
from grucast.server.problems import NotThere

router = APIRouter(prefix="/v1/fit/{key}", tags=["training"])
MOST_POINTS, MOST_SERIES, MOST_UNITS = 1000, 1000, 64
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = {"csv": "text/csv; charset=utf-8", "xlsx": WORKBOOK, "parquet": "application/vnd.apache.parquet"}
Name = Annotated[str | None, Query(max_length=1000, description="The first series if there is none")]


@router.get("/series")
async def series(key: str, request: Request, name: Name = None) -> dict[str, Any]:
    """The end of a series, its forecast, and the forecasts of its past."""
    folder = done(request, key).folder
    return await asyncio.to_thread(drawn, folder, name)


@router.get("/gates")
async def gates(
    key: str, request: Request, name: Name = None, layer: Annotated[int, Query(ge=0)] = 0
) -> dict[str, Any]:
    """The update gate of each unit over the window that is read, slow units first, and how long they remember."""
    job = done(request, key)
    forecaster = request.app.state.models[job.model].forecaster
    return await asyncio.to_thread(gates_of, forecaster, job.folder, name, layer)


@router.get("/forecast.{kind}")
async def forecast_file(key: str, kind: str, request: Request) -> Response:
    """The forecast as CSV, Parquet or a workbook."""
    job = done(request, key)
    if kind not in KINDS:
        raise NotThere(f"forecasts are {', '.join(KINDS)}")
    frame = pl.read_parquet(job.folder / "forecast.parquet")
    content = await asyncio.to_thread(to_bytes, frame, f"forecast.{kind}")
    return Response(content, media_type=KINDS[kind])


@router.get("/model")
async def model_file(key: str, request: Request) -> FileResponse:
    """The trained model, for `grucast.load`, `grucast predict` and `grucast serve`."""
    job = done(request, key)
    return FileResponse(job.folder / "model.safetensors", media_type="application/octet-stream")


@router.get("/code", response_class=PlainTextResponse)
async def code(key: str, request: Request) -> str:
    """The Python program that does the same."""
    return program(done(request, key).settings)


def done(request: Request, key: str) -> Job:
    """A training that has ended well.

    Raises:
        NotDone: It has not.
    """
    job: Job = request.app.state.jobs[key]
    job.result()
    return job


def drawn(folder: Path, name: str | None) -> dict[str, Any]:
    """What the charts of a series show.

    Raises:
        NotThere: There is no such series.
    """
    forecast, history = (pl.read_parquet(folder / f"{part}.parquet") for part in ("forecast", "history"))
    names = forecast["unique_id"].cast(pl.String).unique(maintain_order=True)
    chosen = names[0] if name is None else name
    if chosen not in names:
        raise NotThere("there is no such series")
    found = {"name": chosen, "names": names.head(MOST_SERIES).to_list()}
    found["history"] = columns(own(history, chosen).sort("ds").tail(MOST_POINTS))
    found["forecast"] = columns(own(forecast, chosen))
    past = folder / "backtest.parquet"
    found["past"] = columns(own(pl.read_parquet(past), chosen).sort("ds")) if past.exists() else None
    return found


def own(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of a series."""
    return frame.filter(pl.col("unique_id").cast(pl.String) == name)


def columns(frame: pl.DataFrame) -> dict[str, Any]:
    """Columns as JSON has them: time stamps as the clocks of their zone show them, null for NaN."""
    plain = frame.drop("unique_id").with_columns(
        pl.col(pl.Float64).fill_nan(None),
        pl.col(pl.Datetime).dt.replace_time_zone(None).dt.to_string("%F %T"),
        pl.col(pl.Date).cast(pl.String),
    )
    return plain.to_dict(as_series=False)


def gates_of(forecaster: Any, folder: Path, name: str | None, layer: int) -> dict[str, Any]:
    """The gates of a series as JSON has them.

    Raises:
        NotThere: There is no such series or layer.
    """
    history = pl.read_parquet(folder / "history.parquet")
    ids = history["unique_id"].unique(maintain_order=True)
    wanted = [one for one in ids if name in (None, str(one))][:1]
    found = forecaster.explain(history.filter(pl.col("unique_id").is_in(wanted)), series=wanted) if wanted else {}
    if not found or layer >= len(next(iter(found.values())).layers):
        raise NotThere("there is no such series with a forecast, or no such layer")
    explanation: Explanation = next(iter(found.values()))
    memory = explanation.memory_length[layer]
    order = np.argsort(-memory)
    order = order[np.linspace(0, len(order) - 1, min(len(order), MOST_UNITS)).astype(int)]
    return {
        "layers": list(explanation.layers),
        "ds": [show(time) for time in explanation.times[explanation.patch_size - 1 :: explanation.patch_size]],
        "update": np.round(explanation.gates[layer].update[:, order].T.astype(float), 3).tolist(),
        "memory": np.minimum(memory[order], 10.0 * len(explanation.values)).round(1).tolist(),
    }


def program(settings: dict[str, Any]) -> str:
    """The call of `grucast.forecast` with these settings.

    >>> print(program({"file": "a.csv", "h": 24, "season_length": None, "max_time": None, "seed": 1,
    ...     "level": [80.0, 95.0], "options": {"decimal": ","}}))
    import grucast
    <BLANKLINE>
    result = grucast.forecast("a.csv", h=24, decimal=",")
    print(result.verdict)
    result.plot("forecast.png")                      # needs the extra plot
    result.forecast.write_csv("forecast.csv")
    result.forecaster.save("model.safetensors")
    <BLANKLINE>
    """
    words = [quoted(settings["file"])]
    words += [f"{name}={quoted(settings[name])}" for name in ("h", "season_length") if settings[name] is not None]
    if settings["level"] != [80, 95]:
        words.append(f"level=({', '.join(f'{level:g}' for level in settings['level'])},)")
    training = [f"seed={settings['seed']}"] if settings["seed"] != 1 else []
    training += [f"max_time={settings['max_time']:g}"] if settings["max_time"] else []
    words += [f"training=grucast.TrainingConfig({', '.join(training)})"] if training else []
    words += [f"{name}={quoted(value)}" for name, value in settings["options"].items()]
    return f"""import grucast

result = grucast.forecast({", ".join(words)})
print(result.verdict)
result.plot("forecast.png")                      # needs the extra plot
result.forecast.write_csv("forecast.csv")
result.forecaster.save("model.safetensors")
"""


def quoted(value: Any) -> str:
    """A value as Python writes it, texts in double quotes."""
    if isinstance(value, str) and '"' not in value and "\\" not in value and value.isprintable():
        return f'"{value}"'
    return repr(value)
