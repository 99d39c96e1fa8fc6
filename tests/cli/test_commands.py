import json
import os
import subprocess
import sys
from contextlib import nullcontext
from datetime import datetime
from importlib.metadata import version

import polars as pl
import pytest

from grucast import read
from grucast.cli.output import to_bytes
from grucast.kernels import targets

FIT = ["--input-size", "48", "--max-steps", "2", "--season-length", "24"]

SHORT = {pl.Float64: pl.Float32}


@pytest.fixture
def model(run, data, tmp_path):
    path = tmp_path / "model.safetensors"
    code, out, err = run("fit", data, "-h", 6, "--out", path, *FIT)
    assert (code, err) == (0, "")
    assert "960 rows of 2 series: frequency h, seasons 24, window 48, 2 steps" in out
    return path


def test_fit_says_what_it_repaired(run, hourly, tmp_path):
    holes = hourly.filter(pl.int_range(pl.len()).is_between(100, 101).not_()).with_row_index()
    holes.sort(pl.col("index").replace(10, 12.5)).drop("index").write_csv(tmp_path / "data.csv")
    out = run("fit", "data.csv", "-h", 6, "--out", "model.safetensors", *FIT)[1]
    assert "Repaired: 2 steps missing in 1 series, masked; 1 row out of order, sorted." in out


def test_predict_writes_what_the_library_gives(run, model, data, hourly, tmp_path):
    from grucast import load

    code, out, err = run("predict", model, data, "--out", "forecast.csv", "--plot", "forecast.png")
    assert (code, out, err) == (0, "", "")
    written = pl.read_csv(tmp_path / "forecast.csv", try_parse_dates=True)
    assert written.cast(SHORT).equals(load(model).predict(hourly).cast(SHORT))
    assert (tmp_path / "forecast.png").exists()


def test_predict_without_out_prints_csv(run, model, data):
    out = run("predict", model, data)[1]
    assert out.splitlines()[0] == "unique_id,ds,GRU,GRU-lo-80,GRU-hi-80,GRU-lo-95,GRU-hi-95"
    assert out.splitlines()[1].startswith("a,2024-03-11 00:00:00,")
    assert len(out.splitlines()) == 13


def test_predict_writes_parquet(run, model, data, tmp_path):
    run("predict", model, data, "--out", "forecast.parquet")
    assert pl.read_parquet(tmp_path / "forecast.parquet").height == 12


@pytest.mark.parametrize("words", [("predict", "absent.safetensors", "absent.csv"), ("forecast", "absent.csv")])
def test_levels_that_are_shares_are_refused_before_anything_is_read(run, words):
    code, out, err = run(*words, "--level", "0.8,0.95")
    assert (code, out) == (2, "")
    assert "--level 80,95" in " ".join(err.split())


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Asia/Kolkata"])
def test_zoned_forecasts_are_csv_with_offsets_that_name_the_same_instants(run, hourly, tmp_path, zone):
    start = datetime(2024, 10, 26, 20)  # UTC: 4 hours before Berlin shows 02:00 for the first of two times
    late = hourly.with_columns(pl.col("ds") + (start - pl.col("ds").max()))
    late.with_columns(pl.col("ds").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)).write_parquet(
        "zoned.parquet"
    )
    assert run("fit", "zoned.parquet", "-h", 8, "--out", "m.safetensors", *FIT)[0] == 0
    for out in ("forecast.csv", "forecast.parquet"):
        assert run("predict", "m.safetensors", "zoned.parquet", "--out", out)[0] == 0
    written, exact = (read(f"forecast.{kind}", target_col="GRU") for kind in ("csv", "parquet"))
    assert (written["ds"] == exact["ds"].dt.convert_time_zone("UTC")).all()
    assert written["y"].equals(exact["y"])
    if zone == "Europe/Berlin":
        shown = pl.read_csv("forecast.csv", try_parse_dates=False)["ds"].to_list()[3:6]
        assert shown == ["2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00", "2024-10-27T03:00:00+01:00"]


def test_fractions_of_a_second_are_written(hourly):
    fine = pl.DataFrame({"ds": [datetime(2024, 1, 1, 0, 0, 0, 500_000), datetime(2024, 1, 1, 0, 0, 1)]})
    assert to_bytes(fine, None).decode().split("\n")[1:3] == ["2024-01-01 00:00:00.500", "2024-01-01 00:00:01"]


def test_demo_prints_losses_metrics_and_plots(run, tmp_path):
    code, out, err = run("demo", "--out", "pictures", "--json")
    result = json.loads(out)
    assert code == 0
    assert len(result["losses"]) == 100
    assert result["test_mse"] < result["one_step_ahead"]["test_mse"] < result["one_step_ahead"]["naive_mse"]
    assert "epoch  20/100  loss 0.0143" in err
    assert err.count("epoch") == 5
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["loss_curve.png", "predictions.png"]


def test_info_names_version_and_kernels(run):
    facts = json.loads(run("info", "--json")[1])
    assert facts["grucast"] == "0.1.0"
    assert facts["kernels"] == (", ".join(targets()) or "none (no native extension)")
    assert "python" in run("info")[1]


def test_version_is_one_line(run):
    assert run("--version") == (0, f"grucast {version('grucast')}\n", "")


def test_interrupted_command_has_a_short_message_and_exit_code_130(run, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("grucast.cli.info.targets", interrupt)
    assert run("info") == (130, "", "interrupted\n")
    monkeypatch.setattr("grucast.cli.run", interrupt)
    assert run("info") == (130, "", "interrupted\n")


def test_predict_as_json_holds_the_forecast_that_no_file_does(run, model, data):
    from grucast import load

    result = json.loads(run("predict", model, data, "--json")[1])
    assert (result["rows"], result["out"]) == (12, None)
    wanted = load(model).predict(read(data))
    found = pl.DataFrame(result["forecast"]).with_columns(pl.col("ds").str.to_datetime(time_unit="us"))
    assert found.cast(SHORT).equals(wanted.cast(SHORT))
    assert "forecast" not in json.loads(run("predict", model, data, "--json", "--out", "f.csv")[1])


@pytest.mark.parametrize("command", ["check", "demo", "fit", "predict", "backtest", "info", "plot"])
def test_help_has_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Example: grucast {command}" in " ".join(out.split())


def test_columns_can_be_named(run, hourly, tmp_path):
    hourly.rename({"unique_id": "shop", "ds": "hour", "y": "sold"}).write_csv(tmp_path / "shops.csv")
    named = ["--id-col", "shop", "--time-col", "hour", "--target-col", "sold"]
    code, out, _ = run("fit", "shops.csv", "-h", 6, "--out", "m.safetensors", *FIT, *named, "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["series"] == 2


BAD = {
    "missing file": (["absent.csv"], "absent.csv does not exist"),
    "empty file": (["empty.csv"], "empty.csv"),
    "no known columns": (["columns.csv"], "no column holds time stamps or dates"),
    "text in y": (["text.csv"], "row 2 of text.csv"),
    "infinite y": (["infinite.csv"], "row 2 of infinite.csv"),
    "duplicates": (["duplicates.csv"], "series 'a' has 2024-01-01 01:00:00 more than once"),
    "mixed frequencies": (["mixed.csv"], "mixed frequencies: series 'a'"),
    "short series": (["short.csv"], "the longest series has 5 steps"),
    "no horizon": (["data.csv", "-h", "0"], "h must be a whole number of at least 1"),
    "bad time": (["data.csv", "--max-time", "soon"], "--max-time 'soon'"),
    "bad folder": (["data.csv", "--out", "no/m.safetensors"], "there is no folder no"),
    "folder as file": (["data.csv", "--out", "."], "it is a folder"),
}
FILES = {
    "empty.csv": "",
    "columns.csv": "a,b\n1,2\n",
    "text.csv": "ds,y\n1,2\n2,two\n",
    "infinite.csv": "ds,y\n1,2\n2,-inf\n",
    "duplicates.csv": "id,ds,y\n" + "a,2024-01-01 01:00,2\n" * 2,
    "mixed.csv": "id,ds,y\n" + "".join(f"a,2024-01-01 {h:02}:00,1\nb,2024-01-{h + 1:02},1\n" for h in range(9)),
    "short.csv": "id,ds,y\n" + "".join(f"a,2024-01-0{d},1\n" for d in range(1, 6)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_paragraph_and_exit_code_2(run, data, tmp_path, case):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    before = sorted(tmp_path.iterdir())
    words, wanted = BAD[case]
    defaults = [] if "-h" in words else ["-h", 6]
    defaults += [] if "--out" in words else ["--out", "m.safetensors"]
    code, out, err = run("fit", *words, *defaults)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert wanted in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["predict", "data.csv", "data.csv"], "not a safetensors file"),
        (["predict", "absent.safetensors", "data.csv"], "does not exist"),
        (["predict", "model.safetensors"], "holds no data"),
        (["predict", "model.safetensors", "data.csv", "--plot", "p.txt"], "--plot p.txt does not say what to write"),
        (["backtest", "data.csv", "-h", "6", "--windows", "0"], "n_windows"),
        (["backtest", "data.csv", "-h", "6", "--windows", "500"], "too few for 500 windows"),
    ],
)
def test_bad_prediction_and_backtest_are_refused(run, model, words, wanted):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert wanted in " ".join(err.split())


def test_unknown_native_target_is_an_error_before_training(data, tmp_path):
    words = [
        "-c",
        "from grucast.cli import main; main()",
        "fit",
        str(data),
        "-h",
        "6",
        "--out",
        str(tmp_path / "m.safetensors"),
        *FIT,
    ]
    environment = os.environ | {"GRUCAST_TARGET": "sse9"}
    run = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, env=environment)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: GRUCAST_TARGET is 'sse9'")


def test_wrong_usage_has_exit_code_2(run):
    assert run("fit")[0] == 2
    assert run("no-such-command")[0] == 2


def test_without_typer_the_error_names_the_extra(run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("grucast.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    assert "grucast[cli]" in run("info")[0]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], "nothing is saved; --save-on-interrupt saves the best model"),
        (["--save-on-interrupt"], "is in m.safetensors"),
    ],
)
def test_interrupted_fit_has_exit_code_130_and_saves_if_asked(run, data, hourly, tmp_path, monkeypatch, words, wanted):
    def interrupt(progress):
        raise KeyboardInterrupt

    monkeypatch.setattr("grucast.cli.fit.bar", lambda _: nullcontext(interrupt))
    code, out, err = run("fit", data, "-h", 6, "--out", "m.safetensors", *FIT, *words)
    assert (code, out) == (130, "")
    assert err.startswith("interrupted after step 1; ")
    assert wanted in err
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".csv"] == (["m.safetensors"] if words else [])
