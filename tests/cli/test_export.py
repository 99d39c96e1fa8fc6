import json
import sys
from pathlib import Path

import pytest


@pytest.fixture
def model(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return "model.safetensors"


def test_export_says_how_to_feed_the_graph(run, model, tmp_path):
    code, out, err = run("export", model, "--onnx", "model.onnx")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == [
        "Inputs:",
        "  y                  float64 (batch, 48)",
        "  observed           bool (batch, 48)",
        "  time               int64 (batch, 54)",
    ]
    assert [line.split() for line in lines[4:7]] == [
        ["Outputs:"],
        ["quantiles", "float64", "(batch,", "6,", "5)"],
        ["point", "float64", "(batch,", "6)"],
    ]
    assert lines[7].startswith("Largest relative difference from the model's forecasts: ")
    assert lines[-1] == "ONNX: model.onnx"
    assert (tmp_path / "model.onnx").is_file()


def test_export_names_the_columns_of_an_input(run):
    golden = Path(__file__).parents[1] / "model" / "golden" / "format1-covariates.safetensors"
    out = run("export", golden, "--onnx", "model.onnx")[1]
    assert "  numbers            float64 (batch, 52, 2)    temp, price\n" in out


def test_export_prints_json_for_programs(run, model):
    code, out, err = run("export", model, "--onnx", "model.onnx", "--json")
    printed = json.loads(out)
    assert (code, err, printed["onnx"]) == (0, "", "model.onnx")
    assert printed["inputs"]["y"] == "float64 (batch, 48)"
    assert printed["description"]["frequency"]["step"] == 3600 * 10**6
    assert 0 < printed["difference"] < 1e-4


def test_export_to_no_folder_ends_with_two(run, model):
    code, _, err = run("export", model, "--onnx", "absent/model.onnx")
    assert code == 2
    assert "there is no folder absent" in err


def test_export_without_onnx_names_the_extra(run, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, _, err = run("export", model, "--onnx", "model.onnx")
    assert code == 1
    assert "grucast[onnx]" in err
