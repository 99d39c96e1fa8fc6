"""/v2: the Open Inference Protocol as KServe and Triton speak it, JSON and binary tensors, sequences.

Source: kserve/open-inference-protocol, inference_rest.md; Triton's extension_binary_data.md and extension_sequence.md.
"""

import math
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from grucast.forecasting.frames import column_places
from grucast.server import sequences, tables
from grucast.server.asking import Ask, Outlook, frame_of
from grucast.server.models import Served
from grucast.server.problems import Problem, TooLarge, Unusable

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
LENGTH = "Inference-Header-Content-Length"
DTYPES: dict[str, Any] = {"FP64": np.dtype("<f8"), "FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}
Model = Annotated[str, "The model's name"]


class Tensor(BaseModel):
    """An input: its data in JSON, or as many bytes after it."""

    model_config = ConfigDict(extra="ignore")
    name: str
    shape: list[int] = Field(max_length=2)
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class Wanted(BaseModel):
    """An output that is asked for."""

    model_config = ConfigDict(extra="ignore")
    name: str
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """Windows to forecast from: y (B, T), and ds (B,), microseconds since 1970 at the last step of each."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "example": {
                "inputs": [
                    {"name": "y", "shape": [1, 3], "datatype": "FP64", "data": [3.0, None, 4.0]},
                    {"name": "ds", "shape": [1], "datatype": "INT64", "data": [1735689600000000]},
                ]
            }
        },
    )
    inputs: list[Tensor] = Field(max_length=8)
    outputs: list[Wanted] = Field([], max_length=64)
    id: str | None = Field(None, max_length=256)
    parameters: dict[str, Any] = {}


@router.get("")
async def server(request: Request) -> dict[str, Any]:
    """The server's name, version and extensions."""
    extensions = ["binary_tensor_data", *(["sequence"] if request.app.state.streams.kept else [])]
    return {"name": "grucast", "version": request.app.version, "extensions": extensions}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """Whether the server runs."""
    return {"live": True}


@router.get("/health/ready")
async def ready(request: Request, response: Response) -> dict[str, bool]:
    """Whether it takes requests; 503 while too many are at work, and from SIGTERM on."""
    state = request.app.state
    taking = not state.draining and not state.load.is_full()
    response.status_code = 200 if taking else 503
    return {"ready": taking}


@router.get("/models/{model}")
@router.get("/models/{model}/versions/1")
async def metadata(model: Model, request: Request) -> dict[str, Any]:
    """The tensors of a model."""
    served: Served = request.app.state.models[model]
    own = served.forecaster.model_
    inputs = [
        {"name": "y", "datatype": "FP64", "shape": [-1, -1]},
        {"name": "ds", "datatype": "INT64", "shape": [-1]},
    ]
    outputs = [{"name": "ds", "datatype": "INT64", "shape": [-1, own.h]}]
    outputs += [{"name": name, "datatype": "FP64", "shape": [-1, own.h]} for name in column_places(own.level)]
    return {"name": model, "versions": ["1"], "platform": "grucast", "inputs": inputs, "outputs": outputs}


@router.get("/models/{model}/ready")
@router.get("/models/{model}/versions/1/ready")
async def model_ready(model: Model, request: Request) -> dict[str, Any]:
    """Whether a model takes requests."""
    request.app.state.models[model]
    return {"name": model, "ready": True}


@router.post("/models/{model}/infer", openapi_extra=tables.documented(InferRequest))
@router.post("/models/{model}/versions/1/infer", include_in_schema=False)
async def infer(
    model: Model,
    request: Request,
    header_length: Annotated[str | None, Header(alias=LENGTH)] = None,
) -> Response:
    """Forecast from windows that end at any time, each row by itself, with the bits that it has alone.

    With the parameter sequence_id a window goes on from those before, which the store keeps.
    """
    served: Served = request.app.state.models[model]
    asked, tail = split(await request.body(), header_length)
    arrays = take(asked, tail)
    history = to_columns(served, arrays, request.app.state.settings.limits.rows)
    if place := sequences.place_of(asked.parameters):
        streams = request.app.state.streams
        return respond(model, asked, await sequences.follow(streams, served, place, frame_of(history)))
    ask = Ask(history, None, None, lambda found: respond(model, asked, outputs_of(found)))
    answer: Response = await served.answer(ask)
    return answer


def split(body: bytes, length: str | None) -> tuple[InferRequest, memoryview]:
    """The JSON of a request, and the bytes after it.

    Raises:
        Problem: The length is none, or the JSON is not as it must be.
    """
    if length is None:
        return tables.parse_json(body, InferRequest), memoryview(b"")
    if not length.isdecimal() or int(length) > len(body):
        raise Problem(f"{LENGTH} is not the length of the JSON in the body")
    return tables.parse_json(body[: int(length)], InferRequest), memoryview(body)[int(length) :]


def take(asked: InferRequest, tail: memoryview) -> dict[str, Any]:
    """The arrays of the inputs by name.

    Raises:
        Unusable: A tensor is not what it says.
    """
    found: dict[str, Any] = {}
    for tensor in asked.inputs:
        size = math.prod(tensor.shape)
        if tensor.datatype not in DTYPES or min(tensor.shape, default=0) < 1:
            raise Unusable(f"{tensor.name}: give a shape of positive numbers, and FP64, FP32 or INT64")
        dtype = DTYPES[tensor.datatype]
        if tensor.data is None:
            length = tensor.parameters.get("binary_data_size")
            if length != size * dtype.itemsize or length > len(tail):
                raise Unusable(f"{tensor.name}: {size * dtype.itemsize:,} bytes must follow, as its shape says")
            flat, tail = np.frombuffer(tail[:length], dtype), tail[length:]
        else:
            flat = flat_of(tensor, dtype)
        if len(flat) != size:
            raise Unusable(f"{tensor.name}: its shape has {size:,} numbers, its data {len(flat):,}")
        found[tensor.name] = flat.reshape(tensor.shape)
    if len(tail):
        raise Unusable(f"{len(tail):,} bytes follow that belong to no input")
    return found


def flat_of(tensor: Tensor, dtype: Any) -> Any:
    """Numbers of JSON, flat or nested as the shape says; null is NaN."""
    try:
        data = tensor.data or []
        rows = [x for row in data for x in row] if data and isinstance(data[0], list) else data
        values = [math.nan if x is None and dtype.kind == "f" else x for x in rows]
        if any(isinstance(x, bool | str | list | dict) or x is None for x in values):
            raise ValueError
        return np.array(values, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise Unusable(f"{tensor.name}: its data are not numbers of {tensor.datatype}") from error


def to_columns(served: Served, arrays: dict[str, Any], most: int) -> dict[str, Any]:
    """Windows as columns of a long table.

    Raises:
        Unusable: An input is missing, or the model needs more than these two.
    """
    model, y, ends = served.forecaster.model_, arrays.get("y"), arrays.get("ds")
    if model.schema.columns:
        raise Unusable("this model reads covariates: ask /v1/forecast, which takes them by name")
    if y is None or y.ndim != 2 or ends is None or ends.shape not in {(len(y),), (len(y), 1)} or ends.dtype.kind != "i":
        raise Unusable("give y (B, T), and ds (B,) INT64: microseconds since 1970 at the last step of each row")
    if y.size > most:
        raise TooLarge(f"a request may have {most:,} values")
    if np.isinf(y).any():
        raise Unusable(f"y is infinite in row {int(np.isinf(y).any(1).argmax())}")
    last = ends.reshape(-1, 1)
    if model.frequency.kind != "integer":
        last = in_range(last).astype("datetime64[us]")
    steps = np.arange(1 - y.shape[1], 1)[None]
    times = model.frequency.times(last, np.broadcast_to(steps, y.shape))
    ids = [str(row) for row in range(len(y)) for _ in range(y.shape[1])]
    return {"unique_id": ids, "ds": times.ravel(), "y": y.astype(np.float64).ravel()}


def in_range(microseconds: Any) -> Any:
    """Time stamps between the years 1 and 9999, so that no step leads out of what calendars know."""
    if (np.abs(microseconds) > 2**57).any():
        raise Unusable("ds: a time stamp is not within the years that calendars know")
    return microseconds


def outputs_of(found: Outlook) -> dict[str, Any]:
    """The tensors of a forecast, (B, h) each."""
    places = column_places(found.level)
    return {"ds": found.end.times.astype(np.int64)} | {n: found.quantiles[..., p] for n, p in places.items()}


def respond(model: str, asked: InferRequest, arrays: dict[str, Any]) -> Response:
    """The answer: JSON, and after it the bytes of those outputs that are wanted so."""
    unknown = [wanted.name for wanted in asked.outputs if wanted.name not in arrays]
    if unknown:
        raise Unusable(f"there is no output {unknown[0]}: there are {', '.join(arrays)}")
    everywhere = asked.parameters.get("binary_data_output", False)
    wanted = {w.name: w.parameters.get("binary_data", everywhere) for w in asked.outputs}
    outputs, tail = [], []
    for name, binary in (wanted or dict.fromkeys(arrays, everywhere)).items():
        array = np.ascontiguousarray(arrays[name])
        kind = "FP64" if array.dtype.kind == "f" else "INT64"
        entry: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(array.shape)}
        if binary:
            tail.append(array.astype(DTYPES[kind], copy=False).tobytes())
            entry["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            entry["data"] = array.ravel().tolist()
        outputs.append(entry)
    head = {"model_name": model, "model_version": "1", **({"id": asked.id} if asked.id else {}), "outputs": outputs}
    start = tables.dumps(head)
    if not tail:
        return Response(start, media_type="application/json")
    return Response(start + b"".join(tail), media_type="application/octet-stream", headers={LENGTH: str(len(start))})
