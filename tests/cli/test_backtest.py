import json
import math
import re
from dataclasses import replace
from io import StringIO

import polars as pl
import pytest

from grucast.cli.backtest import conclude, fitting, numbers, score_table, show, some_steps, step_table
from grucast.cli.screen import Screen
from grucast.forecasting.backtest import Backtest
from grucast.forecasting.scoring import Score

QUICK = ["--input-size", "48", "--max-steps", "2", "--season-length", "24"]
GRU = Score("GRU", 34.61, 55.3, 54.3, 0.437, 0.204, {80: 0.789}, (30.0, 39.2), (0.4, 0.474), 48, 8.7, 0.01)
NAIVE = Score("SeasonalNaive168", 39.8, 66.0, 50.9, 0.502, math.nan, {}, (29.0, 50.6), (0.39, 0.614), 48, 0.0, 0.001)


def printed(thing, width=80):
    """What appears on a terminal, without and with its marks of bold type."""
    plain, marked = StringIO(), StringIO()
    Screen(file=plain, width=width).print(thing)
    Screen(file=marked, width=width, force_terminal=True, color_system="truecolor").print(thing)
    return plain.getvalue(), marked.getvalue()


def bold(marked):
    """The numbers in bold type, headings left out."""
    return re.findall(r"\x1b\[1m *([\d,]*\.[\d.e+-]+) *\x1b\[0m", marked)


@pytest.fixture
def folder(hourly, tmp_path):
    """The series in Parquet files, a part of each in each."""
    (tmp_path / "in").mkdir()
    for number in range(2):
        hourly.filter(pl.int_range(pl.len()) % 2 == number).write_parquet(tmp_path / "in" / f"{number}.parquet")
    return "in"


def test_a_folder_has_the_scores_of_a_file(run, data, folder, tmp_path):
    words = ("-h", 6, "--windows", 2, *QUICK, "--json")
    code, out, err = run("backtest", folder, *words, "--out", "past", "--memory", "100MB")
    assert code == 0
    found, wanted = json.loads(out), json.loads(run("backtest", data, *words)[1])
    assert "24 rows of past forecasts: past" in err
    assert (found["verdict"], found["windows"]) == (wanted["verdict"], wanted["windows"])
    for ours, theirs in zip(found["scores"], wanted["scores"], strict=True):
        assert ours["model"] == theirs["model"]
        assert ours["mase"] == pytest.approx(theirs["mase"], rel=1e-9)
    assert len(pl.read_parquet(tmp_path / "past" / "*.parquet")) == 24


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name one with --out, such as in-past"),
        (["--out", "past", "--refit"], "--refit is for files, but in is a folder"),
        (["--out", "past", "--plot", "p.png"], "--plot is for files"),
        (["--out", "past", "--memory", "much"], "no size of memory"),
        (["--out", "past", "--workers", "2"], "--engine ray"),
    ],
)
def test_what_a_folder_cannot_have_is_refused(run, folder, tmp_path, words, said):
    code, _, err = run("backtest", folder, "-h", 6, *words)
    assert (code, said in err) == (2, True)
    assert not (tmp_path / "past").is_dir() or not any((tmp_path / "past").iterdir())


def test_memory_is_for_folders(run, data):
    code, _, err = run("backtest", data, "-h", 6, "--memory", "1GB")
    assert (code, "for folders of Parquet files" in err) == (2, True)


def test_table_and_json_have_the_scores(run, data, tmp_path):
    words = ("backtest", data, "-h", 6, "--windows", 2, *QUICK, "--out", "past.csv", "--plot", "past.png", "--json")
    code, out, err = run(*words)
    result = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    scores = result["scores"]
    assert code == 0
    assert (result["series"], result["windows"], result["left_out"]) == (2, 4, 0)
    assert [s["mase"] for s in scores] == sorted(s["mase"] for s in scores)
    assert {s["model"] for s in scores} == {"GRU", "Naive", "SeasonalNaive24", "Drift"}
    assert all(len(s["mae_by_step"]) == len(s["mase_by_step"]) == 6 for s in scores)
    assert {s["model"]: list(s["coverage"]) for s in scores}["GRU"] == ["80", "95"]
    assert {s["model"]: s["scaled_crps"] for s in scores}["Naive"] is None
    assert "4 windows of 6 steps in 2 series" in err
    assert "GRU: the 95% interval covers" in err
    assert pl.read_csv(tmp_path / "past.csv").height == 2 * 2 * 6
    assert (tmp_path / "past.png").exists()
    assert err.splitlines()[-1] == result["verdict"]
    assert "over 4 tests in 2 series; 80% intervals held " in result["verdict"]
    assert all(f"warning: {text}" in err for text in result["warnings"])


def test_interrupted_backtest_says_so_and_has_exit_code_130(run, data, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("grucast.cli.backtest.run_backtest", interrupt)
    assert run("backtest", data, "-h", 6, "--out", "past.csv") == (130, "", "interrupted\n")
    assert not (tmp_path / "past.csv").exists()


def test_baselines_are_chosen_by_name(run, data):
    words = ("backtest", data, "-h", 6, "--windows", 1, *QUICK, "--json", "--baselines")
    assert {s["model"] for s in json.loads(run(*words, "naive, drift")[1])["scores"]} == {"GRU", "Naive", "Drift"}
    code, _, err = run(*words, "naive,best")
    assert code == 2
    assert "there is no baseline 'best'" in err


def test_missing_extra_of_a_baseline_is_named_before_training(run, data, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "statsforecast.models", None)
    code, out, err = run("backtest", data, "-h", 6, "--baselines", "ets")
    assert (code, out) == (1, "")
    assert "grucast[baselines]" in err


def test_best_of_each_column_is_bold():
    assert bold(printed(score_table([GRU, NAIVE]))[1]) == ["34.6", "55.3", "0.437", "0.204", "50.9"]
    assert bold(printed(step_table([GRU, NAIVE], 2))[1]) == ["0.474", "0.390"]
    assert re.search(r"GRU +0\.400 +0\.474", printed(step_table([GRU, NAIVE], 2))[0])


def test_numbers_are_aligned_within_80_columns_whatever_their_size():
    for factor in (1e-5, 1.0, 1234.5, 1e9):
        scores = [replace(score, mae=score.mae * factor, rmse=score.rmse * factor) for score in (GRU, NAIVE)]
        lines = printed(score_table(scores))[0].splitlines()
        assert max(map(len, lines)) <= 80
        assert not any("…" in line for line in lines)
        ends = [
            [found.end() for found in re.finditer(r"\S+", line)][:5]
            for line in lines
            if line.startswith((" GRU", " Seas"))
        ]
        assert len(ends) == 2
        assert ends[0][1:] == ends[1][1:]


@pytest.mark.parametrize("width", [30, 40, 50, 60, 70, 100])
def test_columns_that_have_no_room_are_left_out_whole(width):
    h = 24
    long = [replace(score, mae_by_step=(1.0,) * h, mase_by_step=(1234567.0,) * h) for score in (GRU, NAIVE)]
    for build, drop in ((lambda: score_table(long), -1), (lambda: step_table(long, h), -2)):
        whole = [column.header for column in build().columns]
        table = fitting(build(), Screen(width=width), drop)
        text = printed(table, width)[0]
        assert "…" not in text
        assert "SeasonalNaive168 " in text
        assert max(map(len, text.splitlines())) <= width
        kept = [column.header for column in table.columns]
        assert kept == [header for header in whole if header in kept]
        assert kept[:2] == whole[:2] or kept == [whole[0], whole[-1]]
        assert ("--json" in text) == (kept != whole)


def test_warnings_are_yellow_and_the_verdict_is_bold_and_last():
    stream = StringIO()
    terminal = Screen(file=stream, width=60, force_terminal=True, color_system="standard")
    conclude({"verdict": "23% better than [b]", "warnings": ("the 80% interval held only 12%",)}, terminal)
    first, last = stream.getvalue().splitlines()
    assert first == "\x1b[33mwarning:\x1b[0m the 80% interval held only 12%"
    assert last == "\x1b[1m23% better than [b]\x1b[0m"


def test_without_mase_the_errors_by_step_are_mae():
    lost = [replace(score, mase=math.nan, mase_by_step=(math.nan, math.nan)) for score in (GRU, NAIVE)]
    text = printed(step_table(lost, 2))[0]
    assert "MAE at step" in text
    assert "39.2" in text
    assert "nan" not in text + printed(score_table(lost))[0]


def test_what_was_left_out_is_said():
    stream = StringIO()
    show(Backtest(None, [GRU, replace(NAIVE, steps=40)], 3, 7, 2, panel=None), 2, Screen(file=stream, width=80))
    assert "7 windows of 2 steps in 3 series; 2 left out" in stream.getvalue()
    assert "GRU: the 80% interval covers 78.9%\n" in stream.getvalue()
    assert stream.getvalue().endswith("SeasonalNaive168: scored on the 40 of 48 steps it forecasts\n")


@pytest.mark.parametrize("h", [1, 5, 6, 7, 24, 48, 1000])
def test_steps_shown_are_a_handful_from_first_to_last(h):
    steps = some_steps(h)
    assert (steps[0], steps[-1]) == (1, h)
    assert len(steps) <= 6
    assert steps == sorted(set(steps))


def test_numbers_of_nothing_are_empty():
    assert [cell.plain for cell in numbers([math.nan, math.nan], 2)] == ["", ""]
