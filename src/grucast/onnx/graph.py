"""A forecaster's whole forecast as one ONNX model, from raw windows to quantiles in the unit of y."""

import json
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper

from grucast.data.covariates import Column
from grucast.data.encoding import Schema
from grucast.model.models import ForecastModel
from grucast.model.network import Inputs
from grucast.onnx.builder import LAST, Builder
from grucast.onnx.operations import Graph
from grucast.onnx.smoothing import continue_levels
from grucast.onnx.window import (
    Scaled,
    continue_seasons,
    flagged,
    known_ahead,
    last_observed,
    moved,
    phases,
    present,
    scaled_numbers,
    scaled_window,
    seasonal_difference,
    settled,
)

FORMAT = 1  # of the inputs, outputs and metadata


class Raw(NamedTuple):
    """The graph's inputs; None where the model reads no such thing."""

    y: str  # (B, T)
    observed: str  # (B, T)
    time: str | None  # (B, T + h)
    numbers: str | None  # (B, T + h, P + F)
    categories: str | None  # (B, T + h, K)
    static_numbers: str | None  # (B, columns)
    static_categories: str | None  # (B, columns)


def forecast_graph(model: ForecastModel) -> onnx.ModelProto:
    """The ONNX model that computes what `model.forecast_window` does; docs/how-to/onnx.md says how to feed it."""
    g = Builder()
    raw = declare_inputs(g, model)
    window = scaled_window(g, raw.y, raw.observed, 2 * model.seasons[0])
    inputs = network_inputs(g, model, raw, window)
    members = [model.definition(Graph(g, own, model.network), inputs) for own in model.each_weights]
    z = members[0]
    if len(members) > 1:
        z = g.op("Div", g.op("Sum", *members), np.float32(len(members)))
    y = restored(g, model.output.calibrated(Graph(g, {}, model.network), g.cast(z, np.float64), model.factors), window)
    seen = present(g, raw.y, raw.observed)
    y = settled(g, g.op("Max", y, lowest(g, raw.y, seen)), raw.y, seen)
    middle = len(model.level)
    g.output("quantiles", y, (model.h, 2 * middle + 1), "quantiles in the unit of y, lowest first")
    g.output("point", g.op("Gather", y, np.int64(middle), axis=2), (model.h,), "their median")
    return finished(g, model)


def declare_inputs(g: Builder, model: ForecastModel) -> Raw:
    """The inputs that this model reads."""
    steps, whole = model.input_size, model.input_size + model.h
    known = columns_of(model.schema)

    def covariates(name: str, dtype: type[Any], shape: tuple[int, ...], note: str) -> str | None:
        return g.input(name, dtype, (*shape, len(known[name])), note) if known[name] else None

    y = g.input("y", np.float64, (steps,), "the last values of a series in their own unit")
    observed = g.input("observed", np.bool_, (steps,), "false where y is not observed; nor is y that is NaN")
    note = "microseconds since 1970 in UTC of each step"
    return Raw(
        y,
        observed,
        g.input("time", np.int64, (whole,), note) if model.schema.cycles else None,
        covariates("numbers", np.float64, (whole,), "covariates in their own units, NaN where missing"),
        covariates("categories", np.int64, (whole,), "covariates as codes, 0 where missing"),
        covariates("static_numbers", np.float64, (), "as numbers, of a series"),
        covariates("static_categories", np.int64, (), "as categories, of a series"),
    )


def columns_of(schema: Schema) -> dict[str, tuple[Column, ...]]:
    """The columns of each input of covariates."""
    return {
        "numbers": schema.numbers("past", "future"),
        "categories": schema.categorical("past", "future"),
        "static_numbers": schema.numbers("static"),
        "static_categories": schema.categorical("static"),
    }


def network_inputs(g: Builder, model: ForecastModel, raw: Raw, window: Scaled) -> Inputs:
    """All that the network reads."""
    schema, steps, whole, h = model.schema, model.input_size, model.input_size + model.h, model.h
    known = columns_of(schema)
    values = [window.z, g.cast(window.observed, np.float64)]
    values += [seasonal_difference(g, window, steps, season)[0] for season in model.seasons]
    beside = [g.cast(g.op("Unsqueeze", value, LAST), np.float32) for value in values]
    continued, static, ahead = continue_seasons(g, window, steps, model.seasons, h), [], []
    if model.smoothed:
        last = g.op("Mul", last_observed(g, window, steps), np.ones((1, 1, h)))
        continued += [last, *continue_levels(g, window, steps, model.seasons[0], h)]
        static += moved(g, window, steps, h)
    if raw.numbers:
        numbers = scaled_numbers(g, raw.numbers, known["numbers"])
        beside += flagged(g, g.cut(numbers, 1, 0, steps))
        if count := len(schema.numbers("future")):
            past = len(known["numbers"]) - count
            ahead += known_ahead(g, g.cut(numbers, 2, past, past + count), steps, model.seasons[0], h)
    if raw.time:
        waves = g.concat(phases(g, raw.time, schema.cycles), 2)
        beside.append(g.cut(waves, 1, 0, steps))
        ahead.append(g.cut(waves, 1, steps, whole))
    if raw.static_numbers:
        static += flagged(g, scaled_numbers(g, raw.static_numbers, known["static_numbers"]))
    codes = each_column(g, raw.categories, len(known["categories"]))
    return Inputs(
        g.concat(beside, 2),
        [g.cut(code, 1, 0, steps) for code in codes],
        g.cast(g.concat(continued, 1), np.float32),
        static,
        each_column(g, raw.static_categories, len(known["static_categories"])),
        ahead,
        [g.cut(code, 1, steps, whole) for code in codes[len(schema.categorical("past")) :]],
    )


def each_column(g: Builder, codes: str | None, size: int) -> list[str]:
    """Each column of codes (..., K) by itself; one below 0 counts as missing, where Gather would count from the end."""
    if codes is None:
        return []
    known = g.op("Max", codes, np.int64(0))
    return [g.op("Gather", known, np.int64(column), axis=-1) for column in range(size)]


def restored(g: Builder, z: str, window: Scaled) -> str:
    """Values (B, h, Q) on the window's scale in the unit of y."""
    centre, scale = (g.op("Unsqueeze", part, LAST) for part in (window.centre, window.scale))
    return g.op("Add", centre, g.op("Mul", scale, z))


def lowest(g: Builder, y: str, observed: str) -> str:
    """What no forecast is below, (B, 1, 1): 0 where no value of the window is."""
    least = g.op("ReduceMin", g.op("Where", observed, y, np.float64(0)), axes=[1])
    bound = g.op("Where", g.op("Less", least, np.float64(0)), np.float64(-np.inf), np.float64(0))
    return g.op("Unsqueeze", bound, LAST)


def finished(g: Builder, model: ForecastModel) -> onnx.ModelProto:
    """The model with all that says what it is."""
    proto = g.model("forecast", producer_name="grucast", producer_version=version("grucast"))
    helper.set_model_props(proto, {"grucast": json.dumps(description(model))})
    return proto


def description(model: ForecastModel) -> dict[str, Any]:
    """How to feed the graph and what it gives, as JSON has it."""
    return {
        "format": FORMAT,
        "library": version("grucast"),
        "h": model.h,
        "input_size": model.input_size,
        "frequency": asdict(model.frequency) | {"open": list(model.frequency.open)},
        "seasons": list(model.seasons),
        "level": list(model.level),
        "quantiles": list(model.output.probabilities),
        "cycles": list(model.schema.cycles),
        "columns": [
            {"name": c.name, "role": c.role, "input": name, "index": place, "categories": c.categories}
            for name, columns in columns_of(model.schema).items()
            for place, c in enumerate(columns)
        ],
    }
