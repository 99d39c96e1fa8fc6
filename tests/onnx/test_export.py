import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from onnx.reference import ReferenceEvaluator
from tests.onnx.pieces import EVERY_ROLE, draw_model, session_of

from grucast import GRUForecaster
from grucast.data.encoding import Schema
from grucast.data.frequency import Frequency
from grucast.errors import ExportError, GrucastError, MissingExtraError, NotFittedError
from grucast.onnx import export, verify
from grucast.onnx.export import require_size

EXAMPLE = Path(__file__).parents[2] / "examples" / "forecast_onnx.py"
NETWORKS = [
    {"num_layers": layers, "bidirectional": both, "reset_after": after}
    for layers in (1, 2)
    for both in (False, True)
    for after in (False, True)
]
SETTINGS = {
    "nothing beside y": {},
    "every role": {"schema": EVERY_ROLE},
    "ensemble": {"schema": EVERY_ROLE, "members": 3, "nonnegative": True, "seasons": (3, 30)},
    "no intervals, one step": {"level": (), "factors": (), "h": 1, "input_size": 1, "seasons": (1,)},
    "months": {"schema": Schema((), ("year",)), "frequency": Frequency("month", 1, True), "seasons": (12,), "h": 40},
    "business days": {"schema": Schema((), ("week",)), "frequency": Frequency("business", 1), "seasons": (5,)},
    "days in a zone": {
        "schema": Schema((), ("week", "year")),
        "frequency": Frequency("duration", 86400 * 10**6, zone="Europe/Vienna"),
        "seasons": (7,),
    },
    "integers": {"frequency": Frequency("integer", 2)},
}


def check(model, path, rng, batch=40):
    """Export, and forecast with the file from windows drawn here, in proportion to the windows' scale."""
    export(GRUForecaster.from_model(model), path)
    case = verify.random_case(model, rng)
    case = verify.Case(type(case.window)(*(part[:batch] for part in case.window)), case.times[:batch])
    quantiles, point = session_of(onnx.load(path)).run(["quantiles", "point"], verify.feed(model, case))
    expected = model.forecast_window(case.window, model.level)
    largest = np.nan_to_num(np.abs(case.window.history)).max(1)[:, None, None]
    size = np.where(largest > 0, largest, 1) + np.abs(expected)  # nothing, or zeros, are on the scale 1
    np.testing.assert_array_less(np.abs(quantiles - expected), 1e-4 * size)
    np.testing.assert_array_equal(point, quantiles[..., len(model.level)])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "-".join(map(str, network.values())))
def test_file_forecasts_what_any_network_does(network, tmp_path, rng):
    check(draw_model(rng, network, schema=EVERY_ROLE), tmp_path / "model.onnx", rng)


@pytest.mark.parametrize("name", SETTINGS)
def test_file_forecasts_what_a_model_of_any_settings_does(name, tmp_path, rng):
    check(draw_model(rng, **SETTINGS[name]), tmp_path / "model.onnx", rng)


def test_file_forecasts_from_one_window(tmp_path, rng):
    check(draw_model(rng, schema=EVERY_ROLE), tmp_path / "model.onnx", rng, batch=1)


@pytest.mark.parametrize("after", [False, True])
def test_onnx_own_evaluator_forecasts_the_same(after, tmp_path, rng):
    model = draw_model(rng, {"reset_after": after}, schema=EVERY_ROLE, input_size=24)
    export(GRUForecaster.from_model(model), tmp_path / "model.onnx")
    case = verify.random_case(model, rng)
    feeds = {name: values[:6] for name, values in verify.feed(model, case).items()}
    got = ReferenceEvaluator(str(tmp_path / "model.onnx")).run(["quantiles"], feeds)[0]
    expected = session_of(onnx.load(tmp_path / "model.onnx")).run(["quantiles"], feeds)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(got, model.forecast_window(case.window, model.level)[:6], rtol=1e-3)


def test_what_was_written_is_told(fitted, tmp_path):
    exported = export(fitted, tmp_path / "model.onnx")
    assert exported.inputs == {"y": "float64 (batch, 48)", "observed": "bool (batch, 48)", "time": "int64 (batch, 54)"}
    assert exported.outputs == {"quantiles": "float64 (batch, 6, 5)", "point": "float64 (batch, 6)"}
    assert 0 < exported.difference < 1e-5
    about = session_of(onnx.load(tmp_path / "model.onnx")).get_modelmeta().custom_metadata_map["grucast"]
    assert json.loads(about) == exported.description


def test_windows_of_the_training_data_are_tried_where_they_are_there(fitted, tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(verify, "difference", lambda *given: tried.append(len(given[2])) or 0.0)
    export(fitted, tmp_path / "model.onnx")
    export(GRUForecaster.from_model(fitted.model_), tmp_path / "model.onnx")
    assert tried == [2, 1]


def test_graph_that_forecasts_something_else_is_not_written(fitted, tmp_path, monkeypatch):
    from grucast.onnx import graph

    build, model = graph.forecast_graph, fitted.model_
    moved = {name: weight + np.float32(0.01) for name, weight in model.weights.items()}
    monkeypatch.setattr(graph, "forecast_graph", lambda model: build(replace(model, weights=moved)))
    with pytest.raises(ExportError, match=r"largest difference is [\d.e-]+, more than 0.0001; nothing was written"):
        export(fitted, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_weights_beyond_one_file_are_refused():
    with pytest.raises(ExportError, match=r"2\.0 GiB"):
        require_size(2**31)


def test_folder_that_is_not_there_is_an_error(fitted, tmp_path):
    with pytest.raises(GrucastError, match="cannot write"):
        export(fitted, tmp_path / "absent" / "model.onnx")


def test_forecaster_must_be_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        export(GRUForecaster(3), tmp_path / "model.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_missing_package_names_the_extra(package, fitted, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"grucast\[onnx\]"):
        export(fitted, tmp_path / "model.onnx")


def test_example_forecasts_without_grucast(fitted, hourly, tmp_path):
    export(fitted, tmp_path / "model.onnx")
    history = hourly.filter(unique_id="b").tail(40)  # shorter than the window
    history = history.with_columns(y=pl.when(pl.int_range(40) == 7).then(None).otherwise("y"))
    history.write_csv(tmp_path / "history.csv")
    command = [sys.executable, EXAMPLE, tmp_path / "model.onnx", tmp_path / "history.csv"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = fitted.predict(history)
    got = pl.read_csv(out.encode(), try_parse_dates=True)
    assert got["ds"].to_list() == expected["ds"].to_list()
    wanted = expected.select("GRU", lowest="GRU-lo-95", highest="GRU-hi-95")
    np.testing.assert_allclose(got.drop("ds").to_numpy(), wanted.to_numpy(), rtol=1e-5)
