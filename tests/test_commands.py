"""The commands of README and the site's pages, in both languages, on bikes.csv; how-to pages run whole, in order."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from grucast.cli import main
from grucast.data import example

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"^    grucast (\S.*?)(?:   .*| > \S+)?$", re.M)  # and what the page says of it
FEW = ["--max-steps", "2"]
QUICK = {
    "forecast": FEW,
    "fit": FEW,
    "backtest": FEW,
    "tune": ["--trials", "1", "--max-time", "2"],
    "compare": ["--max-steps", "2", "--seeds", "1", "--windows", "1"],
}
ENDLESS = {"serve"}  # tests/server starts and stops it
PAGES = [
    *(path for path in (*ROOT.glob("README*.md"), *ROOT.glob("docs/[!_]*/*.md")) if COMMAND.search(path.read_text())),
    ROOT / "docs" / "index.md",
]
YOUR_DATA = ROOT / "docs" / "how-to" / "your-data.md"  # writes files of its own, and shows what the commands print
STREAMS = ROOT / "docs" / "how-to" / "streams.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.S)
PART = re.compile(f"(?s:{BLOCK.pattern})|{COMMAND.pattern}", re.M)
SHOWN = re.compile(r"^    grucast ([^\n]+)\n(?:\n```\n(.*?)^```)?", re.M | re.S)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run a command in a folder with a file; its exit code, and what it said and printed."""
    monkeypatch.chdir(tmp_path)
    example().tail(1000).write_csv("bikes.csv")

    def call(words):
        monkeypatch.setattr(sys, "argv", ["grucast", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.err + captured.out

    return call


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p != YOUR_DATA], ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_of_a_page_run_on_what_it_made_before_them(page, run):
    names = {}
    for code, command in PART.findall(page.read_text()):
        if command and (words := shlex.split(command))[0] not in ENDLESS:
            assert (words, run([*words, *QUICK.get(words[0], [])])[0]) == (words, 0)
        elif code and page.parent.name == "how-to":
            exec(code, names)


@pytest.mark.slow
def test_your_data_shows_what_its_commands_print(run):
    page = YOUR_DATA.read_text()
    exec(BLOCK.search(page)[1], {})
    for command, shown in SHOWN.findall(page):
        words = shlex.split(command)
        code, printed = run([*words, *QUICK.get(words[0], [])])
        assert (command, code) == (command, 2 if shown.startswith("error: ") else 0)
        places = [words_of(printed).find(words_of(part)) for part in shown.removesuffix("...\n").split("...\n")]
        assert -1 not in places, f"{command} prints {printed}"
        assert places == sorted(places)


@pytest.mark.slow
def test_stream_answers_the_lines_of_its_page(run, monkeypatch):
    page, names = STREAMS.read_text(), {}
    for code in BLOCK.findall(page):
        exec(code, names)
    file, command = re.search(r"^    cat (\S+) \| grucast (.*)$", page, re.M).groups()
    with Path(file).open() as lines:
        monkeypatch.setattr(sys, "stdin", lines)
        code, printed = run(shlex.split(command))
    answers = [json.loads(line) for line in printed.splitlines()[-2:]]
    assert code == 0
    assert [answer["ds"][0][:16] for answer in answers] == ["2013-01-01 01:00", "2013-01-01 02:00"]


def words_of(text):
    """Text apart from where a terminal breaks its lines, and from whether it can show an arrow."""
    return " ".join(text.replace("->", "→").split())
