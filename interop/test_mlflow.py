"""MLflow itself saves, logs, registers, loads and serves a forecaster."""

import json
import math
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import pytest

import grucast.mlflow
from grucast import GRUForecaster, TrainingConfig
from grucast.data import example
from grucast.errors import NotFittedError

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "mlflow.md"
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own


@pytest.fixture
def history():
    return example().tail(500).to_pandas()


@pytest.fixture
def forecaster(history):
    return GRUForecaster(24, 48, training=TrainingConfig(max_steps=2)).fit(history)


@pytest.fixture
def tracking(tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("demand", artifact_location=f"file://{tmp_path}/artifacts")
    mlflow.set_experiment("demand")


def test_folder_loads_as_forecaster_and_as_pyfunc(forecaster, history, tmp_path):
    grucast.mlflow.save_model(forecaster, tmp_path / "model")
    loaded, served = grucast.mlflow.load_model(tmp_path / "model"), mlflow.pyfunc.load_model(str(tmp_path / "model"))
    for forecast in (loaded.predict(history), served.predict(history)):
        np.testing.assert_array_equal(forecast["GRU"], forecaster.predict(history)["GRU"])
    assert "GRU-lo-50" in served.predict(history, params={"level": [50.0]}).columns
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert files == {"MLmodel", "model.safetensors", "python_env.yaml", "requirements.txt"}  # no pickle


def test_logged_and_registered_model_comes_back_with_the_same_forecast(forecaster, history, tracking):
    with mlflow.start_run():
        info = grucast.mlflow.log_model(forecaster, "model", registered_model_name="demand")
    for uri in (info.model_uri, "models:/demand/1"):
        forecast = grucast.mlflow.load_model(uri).predict(history)
        np.testing.assert_array_equal(forecast["GRU"], forecaster.predict(history)["GRU"])


def test_losses_of_training_are_metrics_of_the_run(history, tracking):
    told = []
    forecaster = GRUForecaster(24, 48, training=TrainingConfig(max_steps=25))
    with mlflow.start_run() as run:
        forecaster.fit(history, val_size=48, progress=[grucast.mlflow.log_progress(every=1), told.append])
    found = {
        name: {metric.step: metric.value for metric in mlflow.MlflowClient().get_metric_history(run.info.run_id, name)}
        for name in ("loss", "validation_loss")
    }
    losses = {progress.step: progress.loss for progress in told}
    assert found["loss"] == losses
    validations = {progress.step: progress.validation for progress in told}
    assert found["validation_loss"] == {step: validations[step] for step in found["validation_loss"]}
    assert set(found["validation_loss"].values()) == {loss for loss in validations.values() if not math.isnan(loss)}


def test_page_prints_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, printed in re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(), re.S):
        exec(compile(code, PAGE.name, "exec"), names)
        assert capsys.readouterr().out == printed
    assert (tmp_path / "request.json").exists()


def test_forecaster_without_a_model_is_refused_and_leaves_no_model(tmp_path):
    with pytest.raises(NotFittedError):
        grucast.mlflow.save_model(GRUForecaster(24), tmp_path / "model")
    assert not (tmp_path / "model" / "MLmodel").exists()


def test_served_model_answers_what_predict_gives(forecaster, history, tmp_path):
    grucast.mlflow.save_model(forecaster, tmp_path / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["models", "serve", "-m", str(tmp_path / "model"), "--env-manager", "local", "-p", str(port), "-w", "1"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    server = subprocess.Popen([sys.executable, "-m", "mlflow", *words], env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/ping")
        body = json.dumps({"dataframe_split": json.loads(history.to_json(orient="split", date_format="iso"))}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
        )
        rows = json.load(urllib.request.urlopen(request, timeout=60))["predictions"]
    finally:
        server.terminate()
        server.wait(30)
    np.testing.assert_allclose([row["GRU"] for row in rows], forecaster.predict(history)["GRU"], rtol=1e-6)


def wait_for(url):
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)
