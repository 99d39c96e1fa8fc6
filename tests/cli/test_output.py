import errno
import json
import math
import os
import re
import stat
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from grucast import read
from grucast.cli.output import (
    ANY,
    TABLES,
    frame_records,
    jsonable,
    print_json,
    refuse_existing,
    require_outputs,
    shown_place,
    to_bytes,
    write_table,
)
from grucast.data.raw import read_raw
from grucast.data.raw.writing import TablePlace
from grucast.errors import ConfigError

FIT = ["--input-size", "48", "--max-steps", "2", "--season-length", "24"]


@pytest.fixture
def sales(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sales.csv"
    path.write_text("ds,y\n")
    return path


def hard(path):
    os.link("sales.csv", path)


def soft(path):
    path.symlink_to("sales.csv")


def nothing(path):
    pass


@pytest.mark.parametrize(
    ("make", "name"),
    [(nothing, "sales.csv"), (nothing, "./sales.csv"), (nothing, "../{}/sales.csv"), (soft, "a.csv"), (hard, "b.csv")],
)
def test_an_output_that_is_an_input_by_another_name_is_refused(sales, make, name):
    path = Path(name.format(sales.parent.name))
    make(path)
    for source in (sales, str(sales), Path("sales.csv"), "*.csv", "**/sal*.csv"):
        with pytest.raises(ConfigError, match=r"--out .*csv is also DATA \(.*\), which it would replace: give another"):
            require_outputs({"DATA": source}, {"--out": (path, TABLES)})


def test_a_glob_that_would_find_the_output_next_time_is_refused(sales):
    for folder in ("data/one", "data/two"):
        (sales.parent / folder).mkdir(parents=True)
    for glob in ("data/one/*.csv", "data/*/f*.csv", "data/**/*.csv", str(sales.parent / "data/o*/*")):
        with pytest.raises(ConfigError, match=r"--out data/one/forecast\.csv is also DATA"):
            require_outputs({"DATA": glob}, {"--out": (Path("data/one/forecast.csv"), TABLES)})
    for glob in ("data/*.csv", "data/two/*.csv", "data/one/*.tsv", "*.csv", "data/one/[g-z]*.csv"):
        require_outputs({"DATA": glob}, {"--out": (Path("data/one/forecast.csv"), TABLES)})


def test_a_database_and_standard_input_are_files_too(sales):
    with (sales.parent / "sales.csv").open() as file:
        code = "from pathlib import Path; from grucast.cli.output import *; "
        code += "require_outputs({'DATA': '-'}, {'--out': (Path('sales.csv'), TABLES)})"
        done = subprocess.run([sys.executable, "-c", code], stdin=file, capture_output=True, text=True, check=False)
    assert "--out sales.csv is also DATA (-)" in done.stderr
    for url in (
        "sqlite:///sales.csv",
        f"sqlite:///{sales}?mode=ro",
        "sqlite+pysqlite:///sales.csv",
        "duckdb:///sales.csv",
    ):
        with pytest.raises(ConfigError, match=r"--out sales\.csv is also DATA \("):
            require_outputs({"DATA": url}, {"--out": ("sales.csv", TABLES)})
    require_outputs({"DATA": "postgresql:///sales"}, {"--out": ("sales.csv", TABLES)})


def test_two_outputs_of_one_name_are_refused_there_or_not(sales):
    (sales.parent / "link.csv").symlink_to("new.csv")
    for other in ("new.csv", "./new.csv", "link.csv"):
        with pytest.raises(ConfigError, match=r"--model .* is also --out \(new.csv\)"):
            require_outputs({}, {"--out": (Path("new.csv"), TABLES), "--model": (Path(other), ANY)})


def test_inputs_that_are_no_files_are_passed_over(sales):
    sources = (
        None,
        "-",
        "absent.csv",
        "https://example.org/a.csv",
        "sqlite:///a.db",
        "postgresql://[::1]/a",
        "/dev/null",
    )
    for source in sources:
        require_outputs({"DATA": source}, {"--out": (Path("new.csv"), TABLES), "--plot": (None, ANY)})
    assert [path.name for path in sales.parent.iterdir()] == ["sales.csv"]


@pytest.mark.parametrize("name", ["forecast", "forecast.txt", "forecast.csv.gz", "forecast.xls", ".csv"])
def test_a_table_of_unknown_kind_is_refused_with_those_that_are_known(sales, name):
    with pytest.raises(ConfigError, match=r"does not say what to write: end it with one of \.csv, \.tsv, \.parquet"):
        require_outputs({}, {"--out": (Path(name), TABLES)})
    require_outputs({}, {"--out": (Path(name), ANY)})
    require_outputs({}, {"--out": (Path("FORECAST.CSV"), TABLES)})


def test_devices_are_taken_without_suffix_and_more_than_once(sales):
    os.mkfifo("pipe")
    devices = {f"--{number}": (Path(name), TABLES) for number, name in enumerate(("/dev/null", "pipe", "/dev/null"))}
    require_outputs({"DATA": "/dev/null"}, devices)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("no/f.csv", r"no/f\.csv: there is no folder no"),
        ("sales.csv/f.csv", r"there is no folder sales\.csv"),
        ("folder.csv", "it is a folder"),
        ("loop.csv", "Too many levels of symbolic links"),
        ("/proc/f.csv", "cannot write --out /proc/f.csv: "),
        ("a" * 256 + ".csv", "File name too long"),
        ("https://host/f.csv", "cannot write --out https://host/f.csv: it is an address"),
    ],
)
def test_what_cannot_be_written_is_refused(sales, name, wanted):
    (sales.parent / "folder.csv").mkdir()
    (sales.parent / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(ConfigError, match=wanted):
        require_outputs({}, {"--out": (name, TABLES)})


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_folder_that_takes_no_files_is_refused_whatever_its_mode_says(sales, monkeypatch, code):
    def refuse(**_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(ConfigError, match=f"cannot write --out new.csv: {os.strerror(code)}"):
        require_outputs({}, {"--out": (Path("new.csv"), TABLES)})


def test_a_file_that_may_not_be_written_is_refused(sales, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=r"cannot write --out sales\.csv: Permission denied"):
        require_outputs({}, {"--out": (Path("sales.csv"), TABLES)})


def test_a_check_changes_no_file(sales):
    before = sales.stat()
    require_outputs({}, {"--out": (sales, TABLES)})
    assert (sales.stat().st_mtime_ns, sales.read_text()) == (before.st_mtime_ns, "ds,y\n")
    assert list(sales.parent.iterdir()) == [sales]


def test_files_that_are_there_are_replaced_only_when_asked(sales):
    paths = [sales, None, Path("new.csv"), Path("/dev/null")]
    with pytest.raises(ConfigError, match=r"sales\.csv is there already: give --overwrite"):
        refuse_existing(paths, overwrite=False)
    refuse_existing(paths, overwrite=True)
    refuse_existing(paths[1:], overwrite=False)


@pytest.mark.parametrize("suffix", [suffix for suffix in TABLES if suffix != ".xlsx"])  # of 15 digits
def test_what_is_written_is_read_as_it_was(tmp_path, hourly, suffix):
    path = tmp_path / f"data{suffix}"
    write_table(hourly, path)
    if suffix == ".json":
        written = pl.read_json(path).with_columns(pl.col("ds").str.to_datetime("%Y-%m-%d %H:%M:%S%.f"))
    else:
        written = read(path)
    assert written.equals(hourly)


def test_records_are_json_with_iso_stamps_and_null():
    frame = pl.DataFrame(
        {
            "unique_id": ["a", "b"],
            "ds": [datetime(2024, 1, 31, 13, 30), None],
            "day": [date(2024, 1, 31), date(2024, 2, 1)],
            "zoned": [datetime(2024, 7, 1, tzinfo=UTC)] * 2,
            "GRU": [math.nan, 1.5],
        }
    ).with_columns(pl.col("zoned").dt.convert_time_zone("Europe/Berlin"))
    first, second = json.loads(json.dumps(frame_records(frame), allow_nan=False))
    assert first == {
        "unique_id": "a",
        "ds": "2024-01-31T13:30:00",
        "day": "2024-01-31",
        "zoned": "2024-07-01T02:00:00+02:00",
        "GRU": None,
    }
    assert (second["ds"], second["GRU"]) == (None, 1.5)
    assert datetime.fromisoformat(first["zoned"]) == datetime(2024, 7, 1, tzinfo=UTC)


def test_json_has_no_nan_infinity_or_paths(capsys):
    print_json({80.0: (1.0, math.nan), "a": [math.inf], "path": Path("x.csv"), "no": None, "yes": True})
    assert json.loads(capsys.readouterr().out) == {
        "80": [1.0, None],
        "a": [None],
        "path": "x.csv",
        "no": None,
        "yes": True,
    }
    assert jsonable({1: {2: (math.nan,)}}) == {"1": {"2": [None]}}


def test_csv_is_what_has_no_suffix(hourly):
    assert to_bytes(hourly, None) == to_bytes(hourly, Path("/dev/stdout")) == to_bytes(hourly, Path("a.CSV"))


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "data.csv", "-h", "6", "--out", "link.csv"],
        ["fit", "data.csv", "-h", "6", "--out", "run", "--checkpoint-dir", "./run"],
        ["forecast", "data.csv", "--out", "f.csv", "--model", "link.csv"],
        ["check", "data.csv", "--write", "link.csv"],
        ["plot", "data.csv", "--out", "data.csv"],
        ["predict", "m.safetensors", "data.csv", "--out", "data.csv"],
        ["predict", "m.safetensors", "data.csv", "--future", "f.csv", "--out", "f.csv"],
        ["predict", "m.safetensors", "data.csv", "--out", "x.csv", "--plot", "x.csv"],
        ["backtest", "data.csv", "-h", "6", "--out", "link.csv"],
        ["export", "m.safetensors", "--onnx", "m.safetensors"],
        ["stream", "m.safetensors", "--state", "m.safetensors"],
    ],
)
def test_every_command_refuses_to_replace_what_it_reads(run, data, tmp_path, words):
    (tmp_path / "link.csv").symlink_to(data)
    for name in ("m.safetensors", "f.csv"):
        (tmp_path / name).write_bytes(b"kept")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "give another name" in err or "does not say what" in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("command", [["forecast", "data.csv"], ["backtest", "data.csv", "-h", "6", "--out", "b.csv"]])
def test_a_series_that_is_not_there_is_refused_before_the_work(run, data, tmp_path, command):
    code, out, err = run(*command, "--plot", "p.png", "--series", "a,nope", "--max-steps", 2)
    assert (code, out, err) == (2, "", "error: there is no series 'nope' to draw: there are a, b\n")
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_demo_sees_at_once_where_it_cannot_draw(run, tmp_path):
    (tmp_path / "demo" / "loss_curve.png").mkdir(parents=True)
    assert run("demo") == (2, "", "error: cannot write --out demo/loss_curve.png: it is a folder\n")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", None])
def test_every_text_of_a_forecast_is_short(run, data, fitted, tmp_path, suffix):
    fitted.save(tmp_path / "m")
    words = ["predict", "m", "data.csv"] + ["--out", f"f{suffix}"] * (suffix is not None)
    printed = run(*words, *["--json"] * (suffix is None))[1]
    text = printed if suffix is None else (tmp_path / f"f{suffix}").read_text()
    numbers = re.findall(r"-?\d+\.\d+", text)
    wanted = fitted.predict().select(pl.col("^GRU.*$")).to_numpy().ravel()
    assert sorted(map(float, numbers)) == sorted(float(str(np.float32(value))) for value in wanted)
    assert max(map(len, numbers)) <= 11


def test_a_backtest_shortens_forecasts_alone(run, data, hourly):
    assert run("backtest", "data.csv", "-h", 6, "--windows", 1, *FIT, "--out", "b.csv")[0] == 0
    written = pl.read_csv("b.csv", try_parse_dates=True)
    assert written.join(hourly, on=["unique_id", "ds", "y"]).height == written.height
    assert all(len(str(value)) <= 11 for value in written["GRU-hi-80"])


def test_every_output_can_be_a_device(run, data, tmp_path):
    model = tmp_path / "m.safetensors"
    null = ("--out", "/dev/null")
    assert run("fit", data, "-h", 6, *null, *FIT)[0] == 0
    assert run("fit", data, "-h", 6, "--out", model, *FIT)[0] == 0
    assert run("predict", model, data, *null, "--plot", "/dev/null")[0] == 0
    assert run("backtest", data, "-h", 6, "--windows", 1, *FIT, *null, "--plot", "/dev/null")[0] == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    words = ["-c", "from grucast.cli import main; main()", "predict", model, data, "--out", "/dev/stdout", "--json"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    with (tmp_path / "sent").open("w+") as file:
        subprocess.run([sys.executable, *words], stdout=file, check=True)
    assert (tmp_path / "sent").read_text() == done.stdout
    *table, last = done.stdout.splitlines()
    assert len(table) == 1 + 2 * 6
    assert json.loads(last)["rows"] == 12


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_forecasts_go_into_a_database_as_asked(run, data, fitted, tmp_path, kind):
    fitted.save(tmp_path / "m")
    url = f"{kind}:///{tmp_path}/f.db"
    words = ["predict", "m", "data.csv", "--out", url, "--table", "forecasts"]
    assert run(*words)[0] == 0
    code, _, said = run(*words)
    assert (code, "say what becomes of it with --if-exists append or replace" in said) == (2, True)
    assert run(*words, "--if-exists", "append")[0] == 0
    found = read_raw(url, query="SELECT * FROM forecasts")[0][0].frame
    wanted = fitted.predict()
    assert len(found) == 2 * len(wanted)
    assert run(*words, "--if-exists", "replace")[0] == 0
    found = read_raw(url, query="SELECT * FROM forecasts ORDER BY unique_id, ds")[0][0].frame
    assert found["GRU"].to_list() == pytest.approx(wanted.sort("unique_id", "ds")["GRU"].to_list(), rel=1e-6)


def test_json_says_where_forecasts_went_without_a_password():
    place = TablePlace.of("postgresql://me:s3cret@host/db", "forecasts", "append")
    assert shown_place("x", place) == "forecasts in postgresql://me:***@host/db"


@pytest.mark.usefixtures("data")
def test_options_of_tables_are_refused_for_files(run):
    for words, message in (
        (["--table", "t"], "--table is for databases, but --out f.csv is none"),
        (["--if-exists", "append"], "--if-exists is for databases and folders, but --out f.csv is a file"),
    ):
        code, _, said = run("backtest", "data.csv", "-h", "6", "--out", "f.csv", *words)
        assert (code, message in said) == (2, True)


def test_a_folder_of_parquet_is_forecast_into_a_folder(run, data, hourly, fitted, tmp_path):
    fitted.save(tmp_path / "m")
    (tmp_path / "in").mkdir()
    for name, own in hourly.group_by("unique_id"):
        own.write_parquet(tmp_path / "in" / f"{name[0]}.parquet")
    code, _, said = run("predict", "m", "in", "--out", "out", "--memory", "100MB", "--level", "80")
    assert (code, said) == (0, "12 rows of forecasts: out\n")
    found = pl.read_parquet(tmp_path / "out" / "*.parquet").sort("unique_id", "ds")
    wanted = fitted.predict(level=(80,)).sort("unique_id", "ds")
    assert found["GRU"].to_list() == pytest.approx(wanted["GRU"].to_list(), rel=1e-6)
    for words in (
        ["in"],
        ["in", "--out", "out"],
        ["in", "--out", "o", "--plot", "x.png"],
        ["data.csv", "--memory", "1GB"],
    ):
        assert run("predict", "m", *words)[0] == 2


def test_engines_without_meaning_are_refused(run, tmp_path):
    (tmp_path / "in").mkdir()
    for words in (["--engine", "spark"], ["--workers", "2"], ["--address", "auto"]):
        assert run("predict", "m", str(tmp_path / "in"), "--out", "out", *words)[0] == 2
