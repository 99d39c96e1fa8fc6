"""Bodies as tables, and tables as bodies; formats that a program wrote are read in a process of its own."""

import io
from typing import Any, TypeVar

import numpy as np
import polars as pl
from fastapi import Response
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from grucast.data.depth import is_deep
from grucast.server.asking import Outlook
from grucast.server.child import in_child
from grucast.server.problems import Problem, Unusable
from grucast.server.settings import Limits

KINDS = {
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.file": "arrow",
    "application/vnd.apache.arrow.stream": "arrow",
}
TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"} | {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
T = TypeVar("T", bound=BaseModel)


class NotTaken(Problem):
    """A kind of body that is not read, or not written."""

    status = 415


def kind_of(header: str, otherwise: str | None = None) -> str:
    """The kind that Content-Type or Accept names; `otherwise` where anything will do.

    Raises:
        NotTaken: It is none of those that are read and written.
    """
    for part in header.split(","):
        name = part.partition(";")[0].strip().lower()
        if name in KINDS:
            return KINDS[name]
        if otherwise and name in {"", "*/*", "application/*", "text/*"}:
            return otherwise
    raise NotTaken(f"bodies are {', '.join(KINDS)}")


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that routes read themselves."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(part) for part in value]
        if isinstance(value, dict):
            name = value.get("$ref", "").rpartition("/")[2]
            return whole(parts[name]) if name else {key: whole(part) for key, part in value.items()}
        return value

    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole(schema)}}}}


def parse_json(body: bytes, model: type[T]) -> T:
    """A JSON body.

    Raises:
        Problem: It is not JSON, too deep, or says something else than it must.
    """
    if is_deep(body):
        raise Problem("the body holds too many brackets within each other")
    try:
        return model.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unusable(f"{place or 'the body'}: {first['msg']}") from error
    except ValueError as error:
        raise Unusable(f"the body is not JSON: {error}") from error


async def parse(body: bytes, kind: str, limits: Limits) -> pl.DataFrame:
    """A table of a body, read with bounds on memory and time.

    Raises:
        Problem: It cannot be read, or has too many rows.
    """
    try:
        content = await in_child(to_arrow, body, kind, limits.rows)
    except ValueError as error:
        raise Unusable(str(error)) from None
    return pl.read_ipc_stream(io.BytesIO(content))


def to_arrow(body: bytes, kind: str, rows: int) -> bytes:
    """A body as an Arrow stream.

    Raises:
        ValueError: It is no such table, or has too many rows.
    """
    source = io.BytesIO(body)
    try:
        if kind == "csv":
            frame = pl.read_csv(source, n_rows=rows + 1, infer_schema_length=10_000, try_parse_dates=True)
        elif kind == "parquet":
            frame = pl.read_parquet(source, n_rows=rows + 1)
        else:
            frame = pl.read_ipc_stream(source) if not body.startswith(b"ARROW1") else pl.read_ipc(source)
    except BaseException as error:  # polars raises errors of many kinds here, Rust panics among them
        raise ValueError(f"the body is no {kind} that can be read") from error
    if len(frame) > rows:
        raise ValueError(f"the table has more than {rows:,} rows: send less at once")
    return frame.write_ipc_stream(None).getvalue()


def answer(found: Outlook, kind: str, model: str) -> Response:
    """A forecast as a body of that kind; what is not a number is null."""
    if kind == "json":
        return Response(dumps({"model": model, "forecast": as_lists(found)}), media_type=TYPES[kind])
    plain = without_nan(found.frame)
    target = io.BytesIO()
    writers: dict[str, Any] = {"csv": plain.write_csv, "parquet": plain.write_parquet, "arrow": plain.write_ipc_stream}
    writers[kind](target)
    return Response(target.getvalue(), media_type=TYPES[kind])


def as_lists(found: Outlook) -> dict[str, list[Any]]:
    """A forecast as columns of JSON; a frame takes five times as long, and is made only for its types."""
    times = found.end.times.ravel()
    if found.kind is not None:
        frame = without_nan(found.frame)
        shown = frame.with_columns(pl.col(pl.Datetime).dt.to_string("iso"), pl.col(pl.Date).cast(pl.String))
        return shown.to_dict(as_series=False)
    ds = (
        [text.replace("T", " ") for text in np.datetime_as_string(times)] if times.dtype.kind == "M" else times.tolist()
    )
    return {"unique_id": found.ids, "ds": ds, **{name: y.tolist() for name, y in found.columns.items()}}


def without_nan(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame with null where a number is none."""
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def dumps(value: Any) -> bytes:
    """JSON, which has no NaN: null."""
    return to_json(value, inf_nan_mode="null")
