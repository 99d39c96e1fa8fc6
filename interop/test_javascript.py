"""ONNX Runtime for the web, run by Node; `make test-javascript` installs it."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.onnx.pieces import EVERY_ROLE, draw_model

from grucast import GRUForecaster, TrainingConfig
from grucast.data import example
from grucast.data.scaling import window_scale
from grucast.onnx import export, verify

ROOT = Path(__file__).parents[1]
PACKAGES = ROOT / "build" / "javascript"


def run(script: Path, *arguments: Path) -> str:
    """What a script prints, run where the packages are."""
    command = ["node", shutil.copy(script, PACKAGES), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("steps", [400, 40])  # more and fewer than the window
def test_example_forecasts_what_predict_does(steps, tmp_path):
    """Also from a window with gaps."""
    rentals = example().tail(800)
    forecaster = GRUForecaster(h=24, input_size=168, training=TrainingConfig(max_steps=5)).fit(rentals)
    exported = export(forecaster, tmp_path / "model.onnx")
    (tmp_path / "model.json").write_text(json.dumps(exported._asdict()))
    history = rentals.tail(steps).select("ds", y=pl.when(pl.int_range(pl.len()) % 9 == 4).then(None).otherwise("y"))
    history.write_csv(tmp_path / "history.csv")
    files = (tmp_path / name for name in ("model.onnx", "model.json", "history.csv"))
    out = run(ROOT / "examples" / "forecast.mjs", *files)
    got, expected = pl.read_csv(out.encode(), try_parse_dates=True), forecaster.predict(history)
    assert got["ds"].to_list() == expected["ds"].to_list()
    wanted = expected.select("GRU", lowest="GRU-lo-95", highest="GRU-hi-95")
    np.testing.assert_allclose(got.drop("ds").to_numpy(), wanted.to_numpy(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("reset_after", [False, True])
def test_web_forecasts_from_covariates_of_every_role(reset_after, tmp_path):
    """In proportion to each window's scale, on windows of 12 orders of magnitude."""
    rng = np.random.default_rng(7)
    network = {"reset_after": reset_after, "num_layers": 2, "bidirectional": True}
    model = draw_model(rng, network, schema=EVERY_ROLE, members=2)
    export(GRUForecaster.from_model(model), tmp_path / "model.onnx")
    case = verify.random_case(model, rng)
    inputs = {
        name: {"type": str(values.dtype), "dims": values.shape, "data": values.ravel().astype(str).tolist()}
        for name, values in verify.feed(model, case).items()
    }
    inputs["observed"]["data"] = [int(value == "True") for value in inputs["observed"]["data"]]
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    out = run(ROOT / "interop" / "forecast_all.mjs", tmp_path / "model.onnx", tmp_path / "inputs.json")
    expected = model.forecast_window(case.window, model.level)
    centre, scale = window_scale(case.window.history, 48)
    size = scale[..., None] + np.abs(expected - centre[..., None])
    assert np.all(np.abs(np.reshape(json.loads(out), expected.shape) - expected) <= 1e-4 * size)
