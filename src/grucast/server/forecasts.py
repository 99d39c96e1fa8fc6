"""/v1: forecasts of long frames, as JSON, CSV, Parquet or Arrow, in and out."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema

from grucast.server import tables
from grucast.server.asking import Ask
from grucast.server.models import Models, Served
from grucast.server.problems import NotThere, Unusable

router = APIRouter(prefix="/v1", tags=["forecasts"])
EXAMPLE: Any = {
    "model": "bikes",
    "data": {"unique_id": ["a", "a"], "ds": ["2025-01-01 00:00", "2025-01-01 01:00"], "y": [3.0, None]},
    "level": [80],
}
Cell = str | float | int | bool | None
Columns = dict[str, list[Cell]]
Data = Annotated[  # cells are looked at where they are read; to do so here, too, takes longer than the forecast
    dict[str, list[Any]] | list[dict[str, Any]],
    WithJsonSchema(TypeAdapter(Columns | list[dict[str, Cell]]).json_schema()),
]


class ForecastRequest(BaseModel):
    """A history of one or more series, as columns or as rows; with a model's covariates, and their coming values."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE}, allow_inf_nan=False)
    data: Data
    model: str | None = Field(None, description="The model's name; may be omitted where there is only one")
    future: Data | None = None
    level: list[float] | None = Field(None, description="Coverage of the intervals in percent, between 0 and 100")


class ForecastAnswer(BaseModel):
    """A row for each series and step, as columns."""

    model: str
    forecast: Columns


@router.get("/models")
async def list_models(request: Request) -> dict[str, list[dict[str, Any]]]:
    """The models, and what they forecast."""
    models: Models = request.app.state.models
    return {"models": [about(name, models[name]) for name in models]}


@router.post("/forecast", response_model=ForecastAnswer, openapi_extra=tables.documented(ForecastRequest))
async def forecast(
    request: Request,
    model: Annotated[str | None, Query(description="The model, where the body is a table")] = None,
    level: Annotated[str | None, Query(description="Levels, comma-separated, where the body is a table")] = None,
) -> Response:
    """Forecast each series of a history: JSON, or a table of CSV, Parquet or Arrow; the answer is of the same kind."""
    kind = tables.kind_of(request.headers.get("content-type", "application/json"))
    wanted, body = tables.kind_of(request.headers.get("accept", "*/*"), kind), await request.body()
    history: Any
    if kind == "json":
        asked = tables.parse_json(body, ForecastRequest)
        history, future, levels = asked.data, asked.future, asked.level
        model = model if asked.model is None else asked.model
    else:
        history, future = await tables.parse(body, kind, request.app.state.settings.limits), None
        levels = None if level is None else to_levels(level)
    name, served = choose(request.app.state.models, model)
    write = partial(tables.answer, kind=wanted, model=name)
    answer: Response = await served.answer(Ask(history, future, levels, write))
    return answer


def choose(models: Models, name: str | None) -> tuple[str, Served]:
    """The model of that name; without one the only one there is."""
    names = list(models)
    if name is None and len(names) == 1:
        name = names[0]
    if name is None:
        raise NotThere("several models are served: name one, as GET /v1/models lists them")
    return name, models[name]


def to_levels(text: str) -> list[float]:
    """Percentages, comma-separated."""
    try:
        return [float(word) for word in text.split(",")]
    except ValueError as error:
        raise Unusable(f"level {text!r} holds no percentages: give some, such as 80,95") from error


def about(name: str, served: Served) -> dict[str, Any]:
    """What a client must know of a model."""
    model = served.forecaster.model_
    return {
        "name": name,
        "h": model.h,
        "input_size": model.input_size,
        "level": list(model.level),
        "frequency": model.frequency.name,
        **{role: [c.name for c in model.schema.columns if c.role == role] for role in ("past", "future", "static")},
    }
