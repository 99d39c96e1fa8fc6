import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INTEROP = {
    f"docs/how-to/{name}.md" for name in ("mlflow", "sktime", "spark", "tensorboard")
}  # run in interop/, with what they need
TEXTS = (
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    *sorted((ROOT / "docs").glob("[!_]*/**/*.md")),
    ROOT / "docs" / "index.md",
)
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in TEXTS if "api" not in path.parts}
EXAMPLE = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.S)
PRINTED = {  # in some examples without an output that the page shows
    "README.md": (
        "over 3 tests",
        "mean absolute error: ",
        "GRU-lo-80",
        "2012-12-31T01:00",
        "torch.Size([8, 50, 32])",
    ),
    "docs/explanation/comparison.md": ("A GRU trains faster than torch's LSTM: ",),
    "docs/how-to/resume.md": ("True", ""),
    "docs/how-to/coming-from.md": (
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
    "docs/how-to/move-weights.md": (
        "GRU(3, 8, num_layers=2, batch_first=True) GRU(3, 8",
        "[(3, 24), (8, 24), (2, 24)]",
        "reset_after=False",
        "{'network__hidden_size': ",
    ),
    "docs/explanation/network.md": ("2,000 rows, 1 series",),
    "docs/how-to/intervals.md": ("", "GRU-hi-99", "rentals of the week: ", "2013-01-01 11:00:00"),
    "docs/how-to/covariates.md": ("", "2012-12-31 00:00:00", "2013-01-01 00:00:00", "leak: y = members + guests"),
    "docs/how-to/backtest.md": ("", "SeasonalNaive168", "GRU 48 rows", "no leak: "),
    "docs/how-to/sequences.md": ("['fast' 'slow'] (50, 2) True", "(50,)", "50", "True"),
    "docs/how-to/streams.md": ("2013-01-01T00:00", "", "", ""),
    "docs/how-to/your-data.md": ("", "read as day first", "name the one to forecast with target_col="),
}


def test_pictures_are_there_and_have_an_address_once_the_project_has_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for picture in re.findall(r"!\[.+?\]\((.*?)\)", PAGES["README.md"]):
        assert picture.startswith("https://") if "urls" in project else (ROOT / picture).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name in PAGES if EXAMPLE.search(PAGES[name]) and name not in INTEROP))
def test_examples_run_in_order_and_print_what_they_say(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    examples = EXAMPLE.findall(PAGES[name])
    wanted = PRINTED.get(name, [""] * len(examples))
    for number, ((code, output), part) in enumerate(zip(examples, wanted, strict=True), 1):
        exec(compile(code, f"{name}, example {number}", "exec"), names)
        printed = capsys.readouterr().out
        assert part in printed
        assert not output or printed == output


@pytest.mark.parametrize("name", [name for name in PAGES if "zh" in name])
def test_chinese_pages_have_the_code_of_the_english_ones(name):
    english = PAGES[
        {"docs/zh/index.md": "docs/index.md"}.get(name, name.replace("/zh/", "/tutorial/").replace(".zh-CN", ""))
    ]
    assert [shape(code) for code, _ in EXAMPLE.findall(PAGES[name])] == [shape(c) for c, _ in EXAMPLE.findall(english)]


def shape(code):
    """What a block does, apart from its texts and comments."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)


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
    drawn = set(re.findall(r'"([\w-]+\.png)"', PAGES[name]))  # by the page's own code; api/ when the site is built
    for path in re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[name]):
        assert path in drawn or path.startswith("api/") or (ROOT / name).parent.joinpath(path).is_file()


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
    assert named or name not in {"docs/explanation/determinism.md", "docs/explanation/reliability.md"}
