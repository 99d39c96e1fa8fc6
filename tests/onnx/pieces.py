"""Models drawn at random, so that every term of a forecast counts, and pieces of graphs computed by ONNX Runtime."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime

from grucast.data.encoding import Column, Schema
from grucast.data.frequency import Frequency
from grucast.model.config import NetworkConfig
from grucast.model.models import ForecastModel, parameters_of
from grucast.onnx.builder import Builder

HOURLY = Frequency("duration", 3600 * 10**6)
EVERY_ROLE = Schema(
    (
        Column("temp", "past", 11.5, 3.0),
        Column("sky", "past", categories=("clear", "rain", "ünïcode")),
        Column("price", "future", 2011.0, 0.5),
        Column("members", "future", 1e6, 1e5),
        Column("offer", "future", categories=("no", "yes")),
        Column("size", "static", 50.0, 25.0),
        Column("region", "static", categories=("a", "b")),
    ),
    ("day", "week", "year"),
)


def draw_model(rng, network=(), **settings):
    """A model with some settings changed, and weights drawn at random."""
    shape = NetworkConfig(**{"hidden_size": 5, "head_size": 7, **dict(network)})
    model = ForecastModel(6, 30, (24,), (80.0, 95.0), HOURLY, False, (1.2, 0.8), shape, {})
    model = replace(model, **settings)
    weights = {p.name: rng.normal(0, 0.5, p.shape).astype(np.float32) for p in parameters_of(model)}
    return replace(model, weights=weights)


def compute(build, **arrays):
    """The values that `build`, given a builder and the arrays' names, computes from arrays."""
    g = Builder()
    for name, array in arrays.items():
        g.input(name, array.dtype.type, array.shape[1:], "")
    values = build(g, *arrays)
    model = g.model("piece")
    model.graph.output.extend(onnx.ValueInfoProto(name=value) for value in values)
    return session_of(model).run(list(values), arrays)


def session_of(model):
    """ONNX Runtime's session of a model, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
