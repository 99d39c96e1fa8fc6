"""The model file: one safetensors file, its settings JSON in metadata; docs/reference/model-file.md specifies it."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from grucast.errors import ModelFileError
from grucast.model.config import is_number
from grucast.model.header import LARGEST, Header, parse, read_header, require_entries, require_filled
from grucast.model.models import ClassificationModel, ForecastModel, Model, RegressionModel, parameters_of
from grucast.model.validation import SETTINGS, member
from grucast.model.writing import write_whole

FORMAT = 2  # the latest; what grucast 0.1 can read is written as format 1
KINDS = {ForecastModel: "forecaster", RegressionModel: "regressor", ClassificationModel: "classifier"}
ROOM = 130  # bytes of the header that describe a tensor, at the most
LARGEST_WEIGHT = 1e9  # those of trained models are below 100
AT_REST = (("open", ()), ("per_step", False), ("holidays", None), ("smoothed", False), ("patch_size", None))
MEMBERS = {"format", "library", "kind", "settings"}


def save_model(model: Model, path: str | Path) -> None:
    """Write a model whole or not at all; a file that was there before is replaced.

    Raises:
        ModelFileError: It has settings or weights that a model file cannot hold.
        GrucastError: The file cannot be written.
    """
    text, described = describe(model)
    weights = {name: np.ascontiguousarray(tensor) for name, tensor in model.weights.items()}
    try:
        kinds = {n: json.dumps(["F32" if w.dtype == np.float32 else str(w.dtype), w.shape]) for n, w in weights.items()}
        require_tensors(kinds, described)
        require_bounded(weights)
        content = save(weights, metadata={"grucast": text})
    except ValueError as error:
        raise ModelFileError(f"this model cannot be written: {error}") from error
    write_whole(path, content)


def describe(model: Model) -> tuple[str, Model]:
    """The metadata of a model, and the model without weights that they describe, as whoever reads them will.

    Raises:
        ModelFileError: A model file cannot hold such settings, whatever the weights.
    """
    members = asdict(replace(model, weights={}), dict_factory=without_unused)
    settings = {k: v for k, v in members.items() if k != "weights" and v is not None}
    if isinstance(model, ForecastModel):
        settings |= {"reading": model.reading.given, "widths": settings.pop("factors")}
    header = {"format": format_of(model), "library": library(), "kind": KINDS[type(model)]}
    try:
        text = json.dumps(header | {"settings": settings}, ensure_ascii=False, allow_nan=False)
        described = read_model(parse(text))
    except ValueError as error:
        raise ModelFileError(f"this model cannot be written: {error}") from error
    names = sum(len(parameter.name) + ROOM for parameter in parameters_of(model))
    length = len(json.dumps(text, ensure_ascii=False).encode()) + names
    if length > LARGEST:
        raise ModelFileError(f"this model has {length} bytes of settings, more than {LARGEST}: group rare categories")
    return text, described


@cache
def library() -> str:
    """The version of grucast."""
    from importlib.metadata import version  # a tenth of the time to import grucast

    return version("grucast")


def format_of(model: Model) -> int:
    """The lowest format that has such models."""
    if isinstance(model, ForecastModel):
        return 2 if model.schema.holidays or model.smoothed or model.network.patch_size else 1
    return 2 if isinstance(model, ClassificationModel) or model.per_step else 1


def without_unused(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Members of an object, save those at rest that grucast 0.1 does not know."""
    return {name: value for name, value in members if (name, value) not in AT_REST}


def load_model(path: str | Path) -> Model:
    """Read a model file; every setting and shape is checked before a weight is read.

    Raises:
        ModelFileError: It is no grucast model, is damaged, or needs a newer grucast.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - False for names that no file can have, too
        raise ModelFileError(f"{path} does not exist or is not a file")
    try:
        with Path(path).open("rb") as file:
            header = read_header(file)
            model = check_header(header)
            require_filled(header)
            file.seek(0)
            weights = load(file.read())  # checks the tensors' offsets against each other and the file's size
        require_bounded(weights)
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}") from error
    except SafetensorError as error:
        raise ModelFileError(f"{path}: damaged: {error}") from error
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error
    return replace(model, weights=weights)


def check_header(header: Header) -> Model:
    """The model without weights that a header describes.

    Raises:
        ValueError: It describes none, or other tensors than those of its settings.
    """
    text = header.metadata.get("grucast")
    if len(header.metadata) > 1 or not isinstance(text, str):
        raise ValueError("a safetensors file, but not a grucast model")
    model = read_model(parse(text))
    require_entries(header)
    require_tensors({name: json.dumps([t["dtype"], t["shape"]]) for name, t in header.tensors.items()}, model)
    return model


def read_model(text: Mapping[str, Any]) -> Model:
    """The model without weights that the metadata describe.

    Raises:
        ValueError: They describe none.
    """
    if not isinstance(text, dict) or not {"format", "kind"} <= text.keys():
        raise ValueError("the metadata name no format and kind of model")
    require_format(text["format"], text.get("library"))
    if text.keys() != MEMBERS:
        raise ValueError(f"the metadata must have the members {', '.join(sorted(MEMBERS))} and no others")
    kind = text["kind"]
    if not isinstance(kind, str) or kind not in SETTINGS:
        raise ValueError(f"no model of a kind known here ({', '.join(SETTINGS)})")
    try:
        model: Model = member(SETTINGS[kind], "settings", text["settings"])
    except ValueError as error:
        raise ValueError(str(error).removeprefix(".")) from error
    if text["format"] < format_of(model):
        raise ValueError(f"format {text['format']} has no such {kind}")
    return model


def require_format(number: Any, library: Any) -> None:
    """Refuse a format that this version does not know, and name the version that does."""
    if not is_number(number, int) or not 1 <= number <= 10**6:
        raise ValueError("the format must be a whole number from 1")
    if not isinstance(library, str) or not re.fullmatch(r"[\w.+-]{1,40}", library):
        raise ValueError("library must be a version, such as 0.1.0")
    if number > FORMAT:
        raise ValueError(
            f"format {number} needs grucast {library}, which wrote it, and this grucast reads formats up to {FORMAT}: "
            f"upgrade with pip install 'grucast>={library}'"
        )


def require_tensors(found: Mapping[str, str], model: Model) -> None:
    """The tensors, each with its dtype and shape as JSON, are exactly those of the model."""
    names = set()
    for name, shape, _ in parameters_of(model):
        wanted = json.dumps(["F32", shape])
        if found.get(name) != wanted:
            raise ValueError(f"tensor {name} must be {wanted}, not {found.get(name, 'absent')[:80]}")
        names.add(name)
    if unknown := found.keys() - names:
        raise ValueError(f"tensor {min(unknown)[:80]!r} is none of this model's")


def require_bounded(weights: Mapping[str, Any]) -> None:
    """No weight is NaN, or so large that a forecast could overflow; seen without a copy of them."""
    bad = [n for n, tensor in weights.items() if not -LARGEST_WEIGHT <= tensor.min() <= tensor.max() <= LARGEST_WEIGHT]
    if bad:
        raise ValueError(f"weight {bad[0]} holds NaN, or values beyond {LARGEST_WEIGHT:g}")
