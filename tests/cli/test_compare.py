import json
import sys
from dataclasses import replace
from io import StringIO

import pytest

from grucast.cli.backtest import fitting
from grucast.cli.compare import comparison_table
from grucast.cli.screen import Screen
from grucast.forecasting.textbook import TRAINING
from tests.comparison.test_result import compared

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = ["--input-size", "48", "--max-steps", "2", "--seeds", "1", "--windows", "1"]


@pytest.fixture
def one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_table_picture_verdict_and_json(run, data, tmp_path):
    code, out, err = run("compare", data, "-h", 6, *QUICK, "--out", "picture.png", "--json")
    result = json.loads(out)
    assert code == 0
    assert [row["model"] for row in result["rows"]][:3] == ["RNN", "LSTM", "GRU"]
    assert (result["seeds"], result["steps"], result["task"]) == (1, 2, "2 windows of 6 steps in 2 series")
    assert result["simple"]["model"].startswith("SeasonalNaive")
    assert err.splitlines()[-1] == result["verdict"]
    assert "LSTM" in err
    assert "Picture: picture.png" in err
    assert (tmp_path / "picture.png").exists()


@pytest.mark.parametrize("width", [60, 80, 100])
def test_table_fits_with_the_times_and_the_spread(width):
    file = StringIO()
    say = Screen(file=file, width=width)
    say.print(fitting(comparison_table(compared()), say, drop=-1))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "range" in lines[1]
    assert ("parameters" in lines[1]) == (width == 100)
    assert lines[4].split()[:5] == ["LSTM", "torch", "4.04", "0.800", "0.700-0.900"]


def test_mistakes_are_seen_before_any_work(run, data, monkeypatch):
    code, _, err = run("compare", data, "-h", 6, "--out", "picture.txt")
    assert (code, "--out picture.txt does not say what to write" in err) == (2, True)
    assert run("compare", data, "-h", 6, "--seeds", 0)[0] == 2
    for name in [name for name in sys.modules if name == "grucast.nn" or name.startswith("grucast.nn.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = run("compare", "not-read.csv", "-h", 6)
    assert (code, out) == (1, "")
    assert "grucast[torch]" in err


def test_demo_compares_on_the_textbooks_example(run, tmp_path, monkeypatch):
    from grucast.comparison import textbook

    whole, quick = textbook.compare_textbook, replace(TRAINING, max_steps=3)
    monkeypatch.setattr(textbook, "compare_textbook", lambda callback: whole(1, quick, callback))
    code, out, err = run("demo", "--compare", "--out", "pictures", "--json")
    result = json.loads(out)
    assert code == 0
    assert list(result["rows"][0]["errors"]) == ["MSE", "MAE"]
    assert "60 test sequences; one seed of 3 steps" in err
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["comparison.png"]
