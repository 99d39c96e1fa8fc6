import json
import sys
from datetime import date, timedelta

import polars as pl
import pytest

QUICK = ["--max-steps", 2]


@pytest.fixture
def sales(tmp_path):
    rows = [f"{date(2023, 1, 2) + timedelta(days=k):%d.%m.%Y};{100 + k % 7 * 10},5;{k % 3}" for k in range(120)]
    (tmp_path / "sales.csv").write_text("Tag;Umsatz (EUR);Aktion\n" + "\n".join(rows) + "\n")
    return "sales.csv"


def test_one_command_leads_from_a_file_to_forecast_and_picture(run, sales, tmp_path):
    code, out, err = run("forecast", sales, "-h", 7, "--target-col", "umsatz", *QUICK)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "time: Tag (read as day first as 13.01.2023 shows)",
        "series: one",
        "target: Umsatz (EUR) (decimal comma)",
    ]
    assert any("over 3 tests" in line for line in lines)
    assert lines[-3:-1] == ["Forecast: sales-forecast.csv", "Picture: sales-forecast.png"]
    assert lines[-1].startswith("Next: grucast backtest sales.csv -h 7")
    forecast = pl.read_csv(tmp_path / "sales-forecast.csv", try_parse_dates=True)
    assert forecast["ds"][0].isoformat()[:10] == "2023-05-02"
    assert len(forecast) == 7
    assert (tmp_path / "sales-forecast.png").read_bytes().startswith(b"\x89PNG")


def test_columns_that_must_be_named_are_asked_for_before_anything_is_written(run, sales, tmp_path):
    code, out, err = run("forecast", sales, *QUICK)
    assert (code, out) == (2, "")
    assert "Umsatz (EUR), Aktion" in err
    assert [path.name for path in tmp_path.iterdir()] == [sales]


def test_files_that_are_there_are_replaced_only_when_asked(run, sales, tmp_path):
    (tmp_path / "sales-forecast.csv").write_text("mine")
    words = ["forecast", sales, "-h", 7, "--target-col", "Umsatz", *QUICK]
    code, _, err = run(*words)
    assert code == 2
    assert "sales-forecast.csv is there already" in err
    assert (tmp_path / "sales-forecast.csv").read_text() == "mine"
    assert run(*words, "--overwrite")[0] == 0
    assert len(pl.read_csv(tmp_path / "sales-forecast.csv")) == 7


def test_json_holds_the_forecast_the_verdict_and_what_was_taken_for_what(run, sales):
    code, out, _ = run("forecast", sales, "--target-col", "Umsatz", "--json", *QUICK)
    assert code == 0
    said = json.loads(out)
    assert (said["h"], said["target"]) == (14, "Umsatz (EUR)")
    assert [set(row) for row in said["forecast"][:1]] == [
        {"unique_id", "ds", "GRU", "GRU-lo-80", "GRU-hi-80", "GRU-lo-95", "GRU-hi-95"}
    ]
    assert "over 3 tests" in said["verdict"]
    assert said["notes"][-1] == "horizon: 14 steps (two weeks)"


def test_the_model_that_is_kept_forecasts_again_without_options(run, sales, tmp_path):
    assert run("forecast", sales, "-h", 7, "--target-col", "Umsatz", "--model", "m.safetensors", *QUICK)[0] == 0
    code, out, err = run("predict", "m.safetensors", sales, "--json")
    assert (code, err) == (0, "")
    first = pl.read_csv(tmp_path / "sales-forecast.csv")["GRU"][0]
    assert json.loads(out)["forecast"][0]["GRU"] == pytest.approx(first, rel=1e-6)


def test_levels_are_chosen(run, sales):
    _, out, _ = run("forecast", sales, "-h", 7, "--target-col", "Umsatz", "--level", "50", "--json", *QUICK)
    assert list(json.loads(out)["forecast"][0])[3:] == ["GRU-lo-50", "GRU-hi-50"]
    code, _, err = run("forecast", sales, "-h", 7, "--target-col", "Umsatz", "--level", "most", "--overwrite", *QUICK)
    assert code == 2
    assert "--level" in err


def test_without_matplotlib_the_extra_is_named_before_any_work(run, sales, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, out, err = run("forecast", sales, "-h", 7, "--target-col", "Umsatz", *QUICK)
    assert (code, out) == (1, "")
    assert "grucast[plot]" in err
    assert [path.name for path in tmp_path.iterdir()] == [sales]


def test_the_next_command_has_the_options_of_this_one(run, sales):
    _, out, _ = run("forecast", sales, "-h", 7, "--target-col", "Umsatz (EUR)", "--fill", 0, "--wide", "--long", *QUICK)
    line = out.splitlines()[-1]
    assert line.startswith("Next: grucast backtest sales.csv -h 7 --target-col='Umsatz (EUR)' --fill=0.0 --long shows")
