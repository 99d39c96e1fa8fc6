import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INTEROP = {"sktime.md"}  # runs in interop/, with what it needs
PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
EXAMPLES = {name: re.findall(r"```python\n(.*?)```", page, re.S) for name, page in PAGES.items()}
PRINTED = {  # by each example
    "README.md": (
        "over 3 tests",
        "mean absolute error: ",
        "GRU-lo-80",
        "2012-12-31T01:00",
        "torch.Size([8, 50, 32])",
    ),
    "checkpoints.md": ("True",),
    "coming-from.md": (
        "",
        "'GRU', 'GRU-lo-80', 'GRU-hi-80'",
        "'GRU-lo-50', 'GRU-hi-50', 'GRU-lo-99'",
        "['unique_id', 'ds', 'cutoff', 'y', 'GRU']",
        "48",
        "elsewhere",
        "True",
        "coverage_level80",
        "True True GRU(3, 16, batch_first=True)",
    ),
    "exchange.md": (
        "GRU(3, 8, num_layers=2, batch_first=True) GRU(3, 8",
        "[(3, 24), (8, 24), (2, 24)]",
        "reset_after=False",
        "{'network__hidden_size': ",
    ),
    "forecasting.md": (
        "2,000 rows, 1 series",
        "rentals of the week: ",
        "2013-01-01 11:00:00",
        "",
        "2012-12-31 00:00:00",
        "2013-01-01 00:00:00",
        "leak: y = members + guests",
        "SeasonalNaive168",
        "no leak: ",
    ),
    "determinism.md": (),
    "model-file.md": (),
    "onnx.md": ("(1, 24) True",),
    "reliability.md": (),
    "sequences.md": ("['fast' 'slow'] (50, 2) True", "(50,)", "50", "True"),
    "streams.md": ("2013-01-01T00:00", ""),
    "your-data.md": ("read as day first", "name the one to forecast with target_col="),
}


def test_pictures_are_there_and_have_an_address_once_the_project_has_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for picture in re.findall(r"!\[.+?\]\((.*?)\)", PAGES["README.md"]):
        assert picture.startswith("https://") if "urls" in project else (ROOT / picture).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PAGES.keys() - INTEROP))
def test_examples_run_in_order_and_print_what_they_say(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, (code, wanted) in enumerate(zip(EXAMPLES[name], PRINTED[name], strict=True), 1):
        exec(compile(code, f"{name}, example {number}", "exec"), names)
        assert wanted in capsys.readouterr().out


@pytest.mark.parametrize("name", PAGES)
def test_commands_of_a_page_exist(name):
    from grucast.cli import COMMANDS
    from grucast.cli.common import app

    for command in COMMANDS:
        importlib.import_module(f"grucast.cli.{command}")
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert set(re.findall(r"^    (?:.*\| )?grucast (\w+)", PAGES[name], re.M)) <= names


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_links_to_exists(name):
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for path in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[name]):
        assert (folder / path).is_file()


def named_tests(page):
    """File and name of each test in backticks; `::name` alone is in the file named before it."""
    path = None
    for here, test in re.findall(r"`((?:tests|fuzz|interop)/[\w/]+\.\w+)?(?:::(\w+))?`", page):
        path = here or path
        if here or test:
            yield path, test


def is_there(path, test):
    return path.is_file() and (not test or re.search(rf"^def {test}\(", path.read_text(), re.M))


@pytest.mark.parametrize("name", PAGES)
def test_tests_that_a_page_names_are_in_the_suite(name):
    named = list(named_tests(PAGES[name]))
    assert [f"{path}::{test}" for path, test in named if not is_there(ROOT / path, test)] == []
    assert named or name not in {"determinism.md", "reliability.md"}
