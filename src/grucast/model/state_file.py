"""The file of what a stream remembers: safetensors, like the model file, and as safe to open."""

import hashlib
import json
from dataclasses import asdict, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from grucast.data.frequency import LARGEST_TIME
from grucast.data.reading.missing import LARGEST_Y
from grucast.data.scalars import brief
from grucast.data.stamps import outside
from grucast.errors import DataError, ModelFileError
from grucast.model.config import is_number
from grucast.model.header import Header, parse, read_header, read_tensor, require_entries, require_filled
from grucast.model.models import ForecastModel
from grucast.model.states import ARRAYS, States, refuse_unwritable
from grucast.model.writing import write_whole

FORMAT = 1
LONGEST = 2**53  # steps of a series
DTYPES = {"int64": "I64", "float64": "F64", "float32": "F32", "int32": "I32", "bool": "BOOL"}
OPTIONAL = ("nonnegative",)  # files without it are taken by their windows


def save_states(states: States, model: ForecastModel, path: str | Path) -> None:
    """Write what a stream of that model remembers, whole or not at all.

    Raises:
        DataError: A series is named by something other than text or an integer.
    """
    write_whole(path, pack_states(states, fingerprint(model)))


def pack_states(states: States, key: str) -> bytes:
    """What a stream remembers as the bytes of its file; `key` is its model's fingerprint.

    Raises:
        DataError: A series is named by something other than text or an integer.
    """
    header = json.dumps({"format": FORMAT, "model": key})
    with states.lock:
        odd = [name for name in states.ids if not isinstance(name, str | int)]
        if odd:
            raise DataError(f"series {brief(odd[0])} cannot be written: name series by text or integers")
        ids = json.dumps(states.ids, ensure_ascii=False).encode()
        arrays = {name: np.ascontiguousarray(getattr(states, name)[: len(states)]) for name in ARRAYS}
        arrays["starts"] = arrays["starts"].astype(np.int64)
        return bytes(save({"ids": np.frombuffer(ids, np.uint8), **arrays}, {"grucast_stream": header}))


def load_states(model: ForecastModel, path: str | Path) -> States:
    """Read what a stream of that model remembered.

    Raises:
        ModelFileError: It is damaged, of a newer grucast, or of another model.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return read_states(model, file, str(path), fingerprint(model))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error


def unpack_states(model: ForecastModel, content: bytes, key: str) -> States:
    """What `pack_states` wrote.

    Raises:
        ModelFileError: As `load_states` does.
    """
    return read_states(model, BytesIO(content), "the state of a series", key)


def read_states(model: ForecastModel, file: BinaryIO, name: str, key: str) -> States:
    """Read what a stream of the model with that fingerprint remembered."""
    try:
        header = read_header(file)
        count = check_header(header, model, key)
        require_filled(header)
        ids = check_ids(read_tensor(file, header, "ids"), count)  # first, since a sparse file has none
        file.seek(0)
        arrays = load(file.read())
        return filled(States.empty(model.input_size, model.frequency, model.schema, max(count, 1)), arrays, ids)
    except ValueError as error:
        raise ModelFileError(f"{name}: {error}") from error
    except SafetensorError as error:
        raise ModelFileError(f"{name}: damaged: {error}") from error


def check_header(header: Header, model: ForecastModel, key: str) -> int:
    """The number of series, once everything has the shape that it must have for that model."""
    text = header.metadata.get("grucast_stream")
    said = parse(text) if isinstance(text, str) else None
    if not isinstance(said, dict) or said.keys() != {"format", "model"}:
        raise ValueError("a safetensors file, but not the state of a stream")
    if said["format"] != FORMAT:
        raise ValueError(f"format {said['format']!r:.20} of a stream's state, and this grucast reads {FORMAT}: upgrade")
    if said["model"] != key:
        raise ValueError("this is the state of another model's stream")
    require_entries(header)
    found = {name: [tensor["dtype"], tensor["shape"]] for name, tensor in header.tensors.items()}
    count, size = (length_of(found.get(name)) for name in ("lengths", "ids"))
    example = States.empty(model.input_size, model.frequency, model.schema)
    for name in ARRAYS:
        array = getattr(example, name)
        wanted = [DTYPES.get(array.dtype.name, "I64"), [count, *array.shape[1:]]]
        absent = None if name not in OPTIONAL else wanted
        if found.pop(name, absent) != wanted:
            raise ValueError(f"damaged: {name} must be {wanted}")
    if found != {"ids": ["U8", [size]]}:
        raise ValueError(f"damaged: beside the states there must be ids alone, not {', '.join(sorted(found))[:80]}")
    return count


def length_of(tensor: Any) -> int:
    """The length of a tensor that is a list."""
    shape = tensor and tensor[1]
    if not (isinstance(shape, list) and len(shape) == 1 and is_number(shape[0], int)):
        raise ValueError("damaged: there are no lengths and ids of series")
    return int(shape[0])


def check_ids(content: bytes, count: int) -> list[str | int]:
    """The names of so many series."""
    text = content.decode()
    ids = parse(text, most=len(text))  # brackets may be in the names
    if not isinstance(ids, list) or not all(type(name) in (str, int) for name in ids):
        raise ValueError("damaged: ids must be a list of text and integers")
    if len(set(ids)) != len(ids) or len(ids) != count:
        raise ValueError(f"damaged: {len(set(ids))} names for {count} series")
    for name in ids:
        refuse_unwritable(name)
    return ids


def filled(states: States, arrays: dict[str, Any], ids: list[str | int]) -> States:
    """Empty states with what a file holds, every value checked."""
    arrays.setdefault("nonnegative", ~(arrays["values"] < 0).any(axis=1))
    lengths, tops = arrays["lengths"], [len(c.categories or ()) for c in states.schema.categorical("past", "future")]
    fixed = [len(c.categories or ()) for c in states.schema.categorical("static")]
    sound = {
        "lengths": (lengths >= 1) & (lengths <= LONGEST),
        "starts": in_time(arrays["starts"], states.starts.dtype),
        "values": ~(np.abs(arrays["values"]) > LARGEST_Y),
        "numbers": ~np.isinf(arrays["numbers"]),
        "static_numbers": ~np.isinf(arrays["static_numbers"]),
        "nonnegative": arrays["nonnegative"].view(np.uint8) <= 1,
        "codes": (arrays["codes"] >= 0) & (arrays["codes"] <= np.array(tops)),
        "static_codes": (arrays["static_codes"] >= 0) & (arrays["static_codes"] <= np.array(fixed)),
    }
    if bad := [name for name, good in sound.items() if not good.all()]:
        raise ValueError(f"damaged: {bad[0]} holds values that cannot be")
    for name in ARRAYS:
        getattr(states, name)[: len(ids)] = arrays[name].astype(getattr(states, name).dtype)
    states.ids, states.row = ids, {name: row for row, name in enumerate(ids)}
    return states


def in_time(starts: Any, kind: Any) -> Any:
    """Which of a file's integers are time stamps that a stream takes."""
    return np.abs(starts) <= LARGEST_TIME if kind.kind == "i" else ~outside(starts.astype(kind))


def fingerprint(model: ForecastModel) -> str:
    """SHA-256 of all that a model's forecasts depend on, in hexadecimal."""
    settings = asdict(replace(model, weights={}, training=None, trained_on=None))
    del settings["dependence"]
    if model.schema.holidays is None:
        del settings["schema"]["holidays"]  # as before there were any
    if not model.smoothed:
        del settings["smoothed"]
    if model.network.patch_size is None:
        del settings["network"]["patch_size"]
    settings["widths"] = settings.pop("factors")  # as format 1 has it
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, tensor in sorted(model.weights.items()):
        digest.update(json.dumps([name, tensor.shape]).encode())
        digest.update(np.ascontiguousarray(tensor, "<f4").tobytes())
    return digest.hexdigest()
