"""The model file: one safetensors file, with the settings as JSON in its metadata."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from grucast.data.encoding import Column, Schema
from grucast.data.frequency import Frequency
from grucast.errors import GrucastError, ModelFileError
from grucast.model.config import NetworkConfig
from grucast.model.models import ForecastModel, RegressionModel


def schema_of(columns: Sequence[Mapping[str, Any]], cycles: Sequence[Any], unknown: Any) -> Schema:
    """A schema from its JSON."""
    return Schema(tuple(Column(**{k: frozen(v) for k, v in c.items()}) for c in columns), tuple(cycles), unknown)


def frozen(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(value) if isinstance(value, list) else value


FORMAT = 1
KINDS: dict[str, type[Any]] = {"forecaster": ForecastModel, "regressor": RegressionModel}
NESTED: dict[str, Callable[..., Any]] = {"network": NetworkConfig, "frequency": Frequency, "schema": schema_of}

Model = ForecastModel | RegressionModel


def save_model(model: Model, path: str | Path) -> None:
    """Write a model whole or not at all; a file that was there before is replaced."""
    kind = next(name for name, cls in KINDS.items() if isinstance(model, cls))
    settings = {f.name: getattr(model, f.name) for f in fields(model) if f.name != "weights"}
    settings |= {name: asdict(value) for name, value in settings.items() if name in NESTED}
    header = {"format": FORMAT, "library": version("grucast"), "kind": kind, "settings": settings}
    weights = {name: np.ascontiguousarray(tensor) for name, tensor in model.weights.items()}
    write_whole(Path(path), save(weights, metadata={"grucast": json.dumps(header)}))


def write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary file beside the target, then move it there in one step."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise GrucastError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise GrucastError(f"cannot write {path}: {error.strerror}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises:
        ModelFileError: It is no grucast model, is damaged, or needs a newer grucast.
    """
    if not Path(path).is_file():
        raise ModelFileError(f"{path} does not exist or is not a file")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {})["grucast"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is not a safetensors file, or is damaged: {error}") from error
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{path} is a safetensors file, but not a grucast model") from error
    if not isinstance(header, dict) or header.get("kind") not in KINDS:
        raise ModelFileError(f"{path} holds no model of a kind known here ({', '.join(KINDS)})")
    if header.get("format") != FORMAT:
        raise ModelFileError(
            f"{path} has format {header.get('format')}, written by grucast {header.get('library')}; "
            f"this version reads format {FORMAT}: upgrade grucast"
        )
    return build(header, weights, path)


def build(header: Mapping[str, Any], weights: dict[str, Any], path: str | Path) -> Model:
    """Make the model that a header describes; every setting checks itself."""
    bad = [name for name, tensor in weights.items() if not np.isfinite(tensor).all()]
    if bad:
        raise ModelFileError(f"{path}: weight {bad[0]} holds NaN or infinite values")
    try:
        settings: dict[str, Any] = {k: frozen(v) for k, v in header["settings"].items()}
        if "level" in settings:  # grucast 0.1 had no calibration
            settings.setdefault("widths", (1.0,) * len(settings["level"]))
        settings |= {name: cls(**settings[name]) for name, cls in NESTED.items() if name in settings}
        model: Model = KINDS[header["kind"]](**settings, weights=weights)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path} has settings that cannot be used: {error}") from error
    return model
