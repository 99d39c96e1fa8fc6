"""Bodies of /v1/streams: what clients send of a series, and what they are told."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictInt, StrictStr

from grucast.server.forecasts import Cell
from grucast.server.problems import Unusable
from grucast.store import Alarm, Held
from grucast.store.stream import Standing

MOST = 10_000  # observations of a request
FORECAST: Any = {"ds": ["2025-01-01 01:00:00"], "GRU": [3.5], "GRU-lo-80": [2.0], "GRU-hi-80": [5.0]}
ALARM: Any = {"ds": "2025-01-01 00:00:00", "y": 9.0, "lo": 2.0, "hi": 5.0}


class Observation(BaseModel):
    """A value of a series at a time, null where it is missing, and the model's covariates by name."""

    model_config = ConfigDict(
        extra="allow",
        allow_inf_nan=False,
        json_schema_extra={"example": {"ds": "2025-01-01 00:00", "y": 3.0}},
    )
    __pydantic_extra__: dict[str, Cell]
    ds: StrictStr | StrictInt
    y: float | None = Field(strict=True)
    future: dict[str, list[Cell]] | None = Field(None, description="Coming values of covariates known in advance")


class ManyOrOne(RootModel[Observation | Annotated[list[Observation], Field(min_length=1, max_length=MOST)]]):
    """One observation, or several in the order of time."""


class ToldAlarm(BaseModel):
    """An observation outside the interval that was forecast for it."""

    ds: str | int
    y: float
    lo: float | None
    hi: float | None


class ToldUpdate(BaseModel):
    """What follows from observations: whether one raised an alarm, and the forecast after the last."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "model": "bikes",
                "series": "a",
                "sequence": 7,
                "observations": 1,
                "alarm": True,
                "alarms": [ALARM],
                "forecast": FORECAST,
            }
        }
    )
    model: str
    series: str
    sequence: int | None
    observations: int
    alarm: bool
    alarms: list[ToldAlarm]
    forecast: dict[str, list[Cell]] | None = Field(description="null where the window holds no value")


class ToldStanding(BaseModel):
    """Where a series stands: what is remembered of it, in columns ds and y, and the forecast that follows."""

    model: str
    series: str
    sequence: int | None
    observed: dict[str, list[Cell]]
    forecast: dict[str, list[Cell]] | None


class ToldAlarms(BaseModel):
    """The latest alarms of a series, oldest first."""

    model: str
    series: str
    alarms: list[ToldAlarm]


class ToldDeletion(BaseModel):
    """Whether a series was there to be forgotten."""

    model: str
    series: str
    deleted: bool


class ToldSeries(BaseModel):
    """A series, its last step and its last alarm."""

    series: str | int
    sequence: int | None
    ds: str | int
    alarm: ToldAlarm | None


class ToldStreams(BaseModel):
    """Series of a model; `next` is the `after` of those that follow, null at the end."""

    model: str
    streams: list[ToldSeries]
    next: str | None


def to_rows(series: str, body: ManyOrOne) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """ManyOrOne as a stream takes them, and their coming values if there are any.

    Raises:
        Unusable: One names another series than the address.
    """
    own = body.root if isinstance(body.root, list) else [body.root]
    rows = [{"unique_id": series, "ds": each.ds, "y": each.y} | each.__pydantic_extra__ for each in own]
    if any(row["unique_id"] != series for row in rows):
        raise Unusable("unique_id is another series than the address names: leave it out")
    future = [each.future for each in own]
    return rows, future if any(each is not None for each in future) else None


def read_cursor(text: str) -> str | int:
    """The series that `next` stands for.

    Raises:
        Unusable: It stands for none.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if type(found) not in (str, int):
        raise Unusable("after is not `next` of an answer before")
    return found  # type: ignore[no-any-return]


def cursor_of(held: list[Held], most: int) -> str | None:
    """What stands for the last of so many series; None where no more follow."""
    return json.dumps(held[-1].unique_id) if len(held) == most else None


def told(forecast: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A forecast as JSON has it, in columns; null where there is no number."""
    if forecast is None:
        return None
    _, ds, *quantiles = forecast
    return {"ds": [told_time(time) for time in forecast[ds]]} | {
        name: [told_number(value) for value in forecast[name]] for name in quantiles
    }


def told_observed(standing: Standing) -> dict[str, list[Any]]:
    """What is remembered of a series as JSON has it, in columns."""
    return {"ds": list(map(told_time, standing.times)), "y": list(map(told_number, standing.values))}


def told_alarm(alarm: Alarm) -> dict[str, Cell]:
    """An alarm as JSON has it."""
    return {"ds": told_time(alarm.ds)} | {name: told_number(getattr(alarm, name)) for name in ("y", "lo", "hi")}


def told_series(held: Held) -> dict[str, Any]:
    """A series in the store as JSON has it."""
    alarm = held.alarm and told_alarm(held.alarm)
    return {"series": held.unique_id, "sequence": held.sequence, "ds": told_time(held.ds), "alarm": alarm}


def told_number(value: Any) -> float | None:
    """A number, or null for what JSON has not."""
    return float(value) if np.isfinite(value) else None


def told_time(time: Any) -> str | int:
    """A time stamp as text, or the integer that it is."""
    return str(time.item().isoformat(sep=" ")) if isinstance(time, np.datetime64) else int(time)
