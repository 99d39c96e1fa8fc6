import json
from io import StringIO

import polars as pl
import pytest
from rich.table import Table

from grucast.cli.screen import Screen, plain_lines

FIT = ["--input-size", "48", "--max-steps", "2", "--season-length", "24"]
NAMES = {
    "escape": ("a\x1b[31mred\x1b]0;title\x07", r"a\x1b[31mred\x1b]0;title\x07"),
    "markup": ("[bold]nope\\[/]\\", "[bold]nope\\[/]\\"),
    "emoji": (":warning: a:b:c", ":warning: a:b:c"),
    "lines": ("two\r\nlines", r"two\r\nlines"),
    "direction": ("a\u202eb", r"a\u202eb"),
    "math": ("a$x^$b", "a$x^$b"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_letter_by_letter_wherever_they_stand(name):
    given, wanted = NAMES[name]
    screen = Screen(file=StringIO(), width=200)
    table = Table(given, title=given, caption=given)
    table.add_row(given)
    screen.print(table)
    screen.print(given, style="bold")
    screen.tell(given, "note:", "red")
    lines = screen.file.getvalue().splitlines()
    assert sum(line.count(wanted) for line in lines) == 6
    assert not any(mark in "".join(lines) for mark in "\x1b\x07\r\u202e⚠")


@pytest.mark.parametrize("width", [60, 100])
def test_lines_are_whole_for_programs_and_wrapped_for_people(width):
    text = "word " * 40
    for terminal in (True, False):
        screen = Screen(file=StringIO(), width=width, force_terminal=terminal, color_system=None)
        screen.tell(text, "warning:")
        screen.tell(text, whole=True)
        first, *others = screen.file.getvalue().splitlines()
        assert len(first) <= width or not terminal
        assert (len(others) > 1) == terminal
        assert others[-1] == text


@pytest.fixture
def odd(hourly, tmp_path):
    """A file of series and columns with odd names."""
    given = [name for name, _ in NAMES.values()]
    named = [hourly.filter(unique_id="a").with_columns(unique_id=pl.lit(name)) for name in given]
    pl.concat(named).with_columns(pl.lit(1.5).alias(name) for name in given).write_parquet(tmp_path / "odd.parquet")


def test_no_command_is_broken_by_names(run, odd):
    assert run("fit", "odd.parquet", "-h", 6, "--out", "m", *FIT)[0] == 0
    assert run("check", "odd.parquet")[0] == 0
    assert run("predict", "m", "odd.parquet", "--plot", "p.svg", "--out", "f.csv")[0] == 0
    assert run("plot", "odd.parquet", "--out", "s.png")[0] == 0
    json.loads(run("predict", "m", "odd.parquet", "--json")[1])
    for words in (["check", "odd.parquet", "--id-col", "nope[/]\\"], ["plot", "odd.parquet", "--series", "no\\[/]"]):
        code, out, err = run(*words)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert all(shown in err or shown.replace("\\", r"\\") in err for _, shown in NAMES.values())
        assert not any(mark in err for mark in "\x1b\x07\u202e⚠")


@pytest.mark.parametrize("name", ["nope\\[/].csv", "[red]a.csv", ":smile:.csv", "a\x1b[31m\n.csv", "\udcff.csv"])
def test_a_file_that_is_not_there_is_named_in_one_line(run, name):
    code, out, err = run("check", name)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert name.isprintable() <= (name in err)
    assert "\x1b" not in err


def test_a_table_on_a_terminal_keeps_its_lines_and_nothing_that_steers():
    assert plain_lines("id,y\na\x1b[31m,1\n") == "id,y\na\\x1b[31m,1\n"
