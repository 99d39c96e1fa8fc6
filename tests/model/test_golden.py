import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grucast import GRUClassifier, GRURegressor, load

GOLDEN = Path(__file__).parent / "golden"
FORECASTERS = sorted(
    path.stem for path in GOLDEN.glob("*.safetensors") if "history" in path.with_suffix(".json").read_text()
)
REGRESSORS = sorted(path.stem for path in GOLDEN.glob("*regressor.safetensors"))


def read_frame(columns):
    return pl.DataFrame(columns).with_columns(pl.col("ds").str.to_datetime())


def test_there_are_golden_files_of_each_kind():
    assert len(FORECASTERS) >= 4
    assert len(REGRESSORS) >= 2


@pytest.mark.parametrize("name", FORECASTERS)
def test_golden_forecaster_loads_for_ever(name):
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    forecaster = load(GOLDEN / f"{name}.safetensors")
    future = read_frame(expected["future"]) if len(expected["future"]) > 2 else None
    forecast = forecaster.predict(read_frame(expected["history"]), future=future)
    wanted = read_frame(expected["forecast"])
    assert forecast.columns == wanted.columns
    assert forecast.select("unique_id", "ds").equals(wanted.select("unique_id", "ds"))
    columns = [name for name in forecast.columns if name.startswith("GRU")]
    np.testing.assert_allclose(forecast.select(columns), wanted.select(columns), rtol=1e-5)


def test_golden_state_of_a_stream_loads_for_ever():
    expected = json.loads((GOLDEN / "format1-forecaster.json").read_text())
    forecaster, history = load(GOLDEN / "format1-forecaster.safetensors"), read_frame(expected["history"])
    stream = forecaster.stream()
    stream.load(GOLDEN / "format1-forecaster.state")
    assert stream.update_many(history.tail(1)).equals(forecaster.predict(history).tail(4))


@pytest.mark.parametrize("name", REGRESSORS)
def test_golden_regressor_loads_for_ever(name):
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    regressor = GRURegressor.load(GOLDEN / f"{name}.safetensors")
    for found, wanted in zip(regressor.predict(expected["x"]), expected["y"], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_golden_classifier_loads_for_ever():
    expected = json.loads((GOLDEN / "format2-classifier.json").read_text())
    classifier = GRUClassifier.load(GOLDEN / "format2-classifier.safetensors")
    np.testing.assert_allclose(classifier.predict_proba(expected["x"]), expected["p"], rtol=1e-5, atol=1e-6)
    assert classifier.predict(expected["x"]).tolist() == expected["classes"]
    assert classifier.classes_.tolist() == ["a", "b", "ünïcode"]
