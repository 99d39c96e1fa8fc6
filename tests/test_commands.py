"""The commands of README and of the site's pages, in both languages, run in order on a file of that name."""

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
    "compare": ["--max-steps", "2", "--seeds", "1", "--windows", "1"],
}
PAGES = [
    *(path for path in (*ROOT.glob("README*.md"), *ROOT.glob("docs/[!_]*/*.md")) if COMMAND.search(path.read_text())),
    ROOT / "docs" / "index.md",
]
APART = {"your-data.md"}  # shows parts of files; tests/cli and tests/data read such files whole


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run a command in a folder with a file; its exit code and standard error."""
    monkeypatch.chdir(tmp_path)
    example().tail(1000).write_csv("bikes.csv")

    def call(words):
        monkeypatch.setattr(sys, "argv", ["grucast", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code or 0, capsys.readouterr().err

    return call


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in APART], ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_of_a_page_run(page, run):
    commands = [shlex.split(line) for line in COMMAND.findall(page.read_text())]
    if not any(words[0] in {"fit", "forecast"} for words in commands):
        assert run(["fit", "bikes.csv", "-h", "24", "--out", "bikes.safetensors", "--max-steps", "2"])[0] == 0
    for words in commands:
        assert (words, run([*words, *QUICK.get(words[0], [])])[0]) == (words, 0)
