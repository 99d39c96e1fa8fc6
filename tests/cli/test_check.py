import json

import polars as pl
import pytest


@pytest.fixture
def clean(hourly, tmp_path):
    hourly.write_parquet(tmp_path / "clean.parquet")
    return tmp_path / "clean.parquet"


def test_clean_data_have_nothing_wrong(run, clean):
    code, out, err = run("check", clean.name)
    assert (code, err) == (0, "")
    assert " ".join(out.split()).startswith(f"{clean.name} can be used; nothing is wrong with it.")
    assert "warning" not in out
    assert "24 steps: strong" in out


def test_leak_is_a_warning_with_its_equation(run, hourly, tmp_path):
    hourly.with_columns(half=pl.col("y") * 0.3, rest=pl.col("y") * 0.7 + pl.int_range(pl.len()) % 5).with_columns(
        junk=pl.int_range(pl.len()) % 5
    ).write_csv(tmp_path / "leak.csv")
    code, out, _ = run("check", "leak.csv")
    assert code == 0
    assert "half" in out.split("further columns")[0]
    assert "leak: " in out


def test_unusable_data_have_exit_code_2_and_a_report(run, tmp_path):
    (tmp_path / "bad.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,two\n2024-01-03,3\n2024-01-04,4\n")
    code, out, err = run("check", "bad.csv", "--json")
    assert code == 2
    assert json.loads(out)["usable"] is False
    assert "a y that is not a number (row 2)" in " ".join(err.split())


def test_json_is_the_report(run, clean):
    code, out, err = run("check", clean, "--json")
    report = json.loads(out)
    assert code == 0
    assert (report["rows"], report["series"], report["grid"]["frequency"]) == (960, 2, "h")
    assert "frequency" in err


def test_no_line_is_wider_than_80_columns(run, clean, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run("check", clean)[1].splitlines())) <= 80


def test_absent_file_is_an_error(run):
    code, out, err = run("check", "absent.csv")
    assert (code, out) == (2, "")
    assert "absent.csv does not exist" in err
