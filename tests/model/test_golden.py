import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grucast import GRURegressor, load

GOLDEN = Path(__file__).parent / "golden"
FORECASTERS = sorted(path.stem for path in GOLDEN.glob("*.safetensors") if "regressor" not in path.name)
REGRESSORS = sorted(path.stem for path in GOLDEN.glob("*regressor.safetensors"))


def read_frame(columns):
    return pl.DataFrame(columns).with_columns(pl.col("ds").str.to_datetime())


def test_there_are_golden_files_of_each_kind():
    assert len(FORECASTERS) >= 4
    assert REGRESSORS


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
    np.testing.assert_allclose(regressor.predict(expected["x"]), expected["y"], rtol=1e-5, atol=1e-6)
