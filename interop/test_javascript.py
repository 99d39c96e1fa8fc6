"""The example in JavaScript, run by Node with ONNX Runtime for the web; `make test-interop` installs it."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, TrainingConfig
from grucast.data import example
from grucast.onnx import export

ROOT = Path(__file__).parents[1]
PACKAGES = ROOT / "build" / "javascript"


@pytest.mark.parametrize("steps", [400, 40])  # more and fewer than the window
def test_javascript_forecasts_what_predict_does(steps, tmp_path):
    """Also from a window with gaps."""
    rentals = example().tail(800)
    forecaster = GRUForecaster(h=24, input_size=168, training=TrainingConfig(max_steps=5)).fit(rentals)
    exported = export(forecaster, tmp_path / "model.onnx")
    (tmp_path / "model.json").write_text(json.dumps(exported._asdict()))
    history = rentals.tail(steps).select("ds", y=pl.when(pl.int_range(pl.len()) % 9 == 4).then(None).otherwise("y"))
    history.write_csv(tmp_path / "history.csv")
    script = shutil.copy(ROOT / "examples" / "forecast.mjs", PACKAGES)
    command = ["node", script, *(tmp_path / name for name in ("model.onnx", "model.json", "history.csv"))]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    got, expected = pl.read_csv(out.encode(), try_parse_dates=True), forecaster.predict(history)
    assert got["ds"].to_list() == expected["ds"].to_list()
    wanted = expected.select("GRU", lowest="GRU-lo-95", highest="GRU-hi-95")
    np.testing.assert_allclose(got.drop("ds").to_numpy(), wanted.to_numpy(), rtol=1e-4, atol=1e-3)
