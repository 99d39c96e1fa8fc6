import io
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import grucast
from grucast.server.results import program, quoted
from tests.server.conftest import as_csv

SETTINGS = {
    "file": "a.csv",
    "h": None,
    "season_length": None,
    "max_time": None,
    "seed": 1,
    "level": [80, 95],
    "options": {},
}


@pytest.fixture
def client(trainer):
    """A client of the server that trains."""
    return trainer.client


@pytest.fixture
def at(client, trained):
    """What a path below the training answers."""
    return lambda path, **words: client.get(f"/v1/fit/{trained['id']}/{path}", params=words)


def test_a_series_has_its_end_its_forecast_and_its_past(at):
    found = at("series", name="s2").json()
    assert found["names"] == ["s1", "s2"]
    assert len(found["history"]["y"]) == 299
    assert len(found["forecast"]["GRU"]) == 6
    assert set(found["past"]) >= {"ds", "cutoff", "y", "GRU", "SeasonalNaive24"}
    assert found["forecast"]["ds"][0] == "2024-03-03 12:00:00"


def test_files_hold_the_same_forecast(at):
    table = pl.read_csv(at("forecast.csv").content, try_parse_dates=True)
    other = pl.read_parquet(at("forecast.parquet").content)
    assert table.equals(other.with_columns(pl.col("ds").cast(pl.Datetime("us"))))
    book = pl.read_excel(io.BytesIO(at("forecast.xlsx").content))
    assert book["GRU"].to_list() == pytest.approx(table["GRU"].to_list())


def test_the_model_forecasts_the_same(at, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(at("model").content)
    (tmp_path / "a.csv").write_bytes(as_csv(1, 2))
    found = grucast.load(tmp_path / "m.safetensors").predict(str(tmp_path / "a.csv"))
    assert found["GRU"].to_list() == pytest.approx(pl.read_csv(at("forecast.csv").content)["GRU"].to_list(), rel=1e-6)


def test_gates_are_those_of_explain_slow_units_first(at, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(at("model").content)
    found = at("gates", name="s1").json()
    (tmp_path / "a.csv").write_bytes(as_csv(1))
    wanted = grucast.load(tmp_path / "m.safetensors").explain(str(tmp_path / "a.csv"))["s1"]
    update = wanted.gates[0].update
    order = np.argsort(-wanted.memory_length[0])
    assert len(found["ds"]) == len(update)
    np.testing.assert_allclose(found["update"][0], update[:, order[0]], atol=1e-3)
    assert found["memory"] == sorted(found["memory"], reverse=True)


@pytest.mark.parametrize("path", ["series?name=nothing", "gates?name=nothing", "gates?layer=9", "forecast.exe"])
def test_what_is_not_there_is_said(client, trained, path):
    answer = client.get(f"/v1/fit/{trained['id']}/{path}")
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_the_code_does_the_same(at, tmp_path):
    text = at("code").text.replace(", training=grucast.TrainingConfig(max_time=0.5)", "")
    text = text.replace('result.plot("forecast.png")', "").replace(".forecast(", ".forecast(training=quick, data=")
    quick = "import grucast\nquick = grucast.TrainingConfig(max_steps=2)\n"
    (tmp_path / "two series.csv").write_bytes(as_csv(1, 2))
    subprocess.run([sys.executable, "-c", quick + text], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "model.safetensors").exists()
    assert len(pl.read_csv(tmp_path / "forecast.csv")) == 12


def test_all_settings_are_in_the_code():
    given = SETTINGS | {"h": 3, "season_length": 7, "max_time": 5, "seed": 2, "level": [90.0], "options": {"fill": 0.0}}
    training = "training=grucast.TrainingConfig(seed=2, max_time=5)"
    wanted = f'grucast.forecast("a.csv", h=3, season_length=7, level=(90,), {training}, fill=0.0)'
    assert wanted in program(given)


@pytest.mark.parametrize("text", ["a", 'a"b', "a\\b", "a'b\"", "\u202e", "', os.system('x'), '"])
def test_texts_in_the_code_are_texts(text):
    assert eval(quoted(text)) == text
