"""Folders of Parquet files that commands write."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from grucast import read

FIT = ["--input-size", "48", "--max-steps", "2", "--season-length", "24"]


def test_forecasts_go_into_a_folder_as_asked(run, data, fitted, tmp_path):
    fitted.save(tmp_path / "m")
    words = ["predict", "m", "data.csv", "--out", "forecasts/"]
    assert run(*words)[0] == 0
    code, _, said = run(*words)
    assert (code, "say what becomes of them with --if-exists append or replace" in said) == (2, True)
    assert run(*words, "--if-exists", "append")[0] == 0
    wanted = fitted.predict()
    for times, existing in ((2, "append"), (1, "replace")):
        assert existing == "append" or run(*words, "--if-exists", existing)[0] == 0
        found = pl.read_parquet("forecasts").sort("unique_id", "ds")
        assert len(found) == times * len(wanted)
        assert duckdb.sql("SELECT count(*) FROM 'forecasts/*.parquet'").fetchall() == [(times * len(wanted),)]
    assert found["GRU"].to_list() == pytest.approx(wanted.sort("unique_id", "ds")["GRU"].to_list(), rel=1e-6)
    assert read("forecasts/*.parquet", target_col="GRU")["y"].to_list() == found["GRU"].to_list()


@pytest.mark.usefixtures("data")
def test_all_commands_write_folders(run):
    Path("empty").mkdir()
    assert run("backtest", "data.csv", "-h", "6", "--windows", "1", "--out", "empty", *FIT)[0] == 0
    assert "cutoff" in pl.read_parquet("empty").columns
    steps = ["--max-steps", "2", "--plot", "f.png"]
    assert run("forecast", "data.csv", "-h", "6", "--out", "new/", *steps)[0] == 0
    assert len(pl.read_parquet("new")) == 12


def test_folder_that_holds_an_input_is_refused(run, data, hourly, fitted, tmp_path):
    fitted.save(tmp_path / "m")
    Path("in").mkdir()
    hourly.write_parquet("in/data.parquet")
    for source in ("in/data.parquet", "in/*.parquet"):
        code, _, said = run("predict", "m", source, "--out", "in/", "--if-exists", "replace")
        assert (code, f"--out in/ holds DATA ({source}): give another folder" in said) == (2, True)
    assert pl.read_parquet("in").equals(hourly)


def test_folder_below_one_that_is_not_there_is_refused_before_any_work(run, data, fitted, tmp_path):
    fitted.save(tmp_path / "m")
    code, _, said = run("predict", "m", "data.csv", "--out", "no/such/")
    assert (code, "cannot write --out no/such/: there is no folder no" in said) == (2, True)
    code, _, said = run("predict", "m", "data.csv", "--out", "m/")
    assert (code, "cannot write into m: Not a directory" in said) == (2, True)


def test_options_of_outputs_are_refused_for_folders_of_data(run, data, fitted, tmp_path):
    fitted.save(tmp_path / "m")
    Path("in").mkdir()
    code, _, said = run("predict", "m", "in", "--out", "out/", "--if-exists", "append")
    assert (code, "--if-exists is for files, but in is a folder" in said) == (2, True)
