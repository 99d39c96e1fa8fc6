"""House rules that hold for the whole package."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest

import grucast

ROOT = Path(__file__).parents[1]
APART = {
    f"grucast.{name}" for name in ("_native", "distributed", "mlflow", "sktime", "spark", "tensorboard")
}  # without source; see interop/
MODULES = [
    "grucast",
    *(
        m.name
        for m in pkgutil.walk_packages(grucast.__path__, "grucast.")
        if ".".join(m.name.split(".")[:2]) not in APART
    ),
]
PUBLIC = [
    "grucast",
    "grucast.comparison",
    "grucast.data",
    "grucast.forecasting",
    "grucast.kernels",
    "grucast.nn",
    "grucast.onnx",
]
SOURCES = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("native/*")])


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_sorted_and_are_all_that_is_exported(name):
    module = importlib.import_module(name)
    exported = re.findall(r"^ *from .* import (\w+) as \1$", inspect.getsource(module), re.M)
    assert module.__all__ == sorted(module.__all__)
    assert sorted(exported) == module.__all__


@pytest.mark.parametrize(
    "name", [f"{module}.{name}" for module in PUBLIC for name in importlib.import_module(module).__all__]
)
def test_public_name_is_documented_with_an_example(name):
    module, _, attribute = name.rpartition(".")
    thing = getattr(importlib.import_module(module), attribute)
    assert ">>>" in thing.__doc__
    methods = inspect.getmembers(thing, inspect.isfunction) if inspect.isclass(thing) else []
    own = [m for n, m in methods if not n.startswith("_") and m.__module__.startswith("grucast")]
    assert all(m.__doc__ for m in own)


ELSEWHERE = {  # files whose tests are those of the files that they serve
    *(f"cli/{name}.py" for name in ("common", "demo", "info", "mcp", "predict")),
    *(f"data/raw/{name}.py" for name in ("content", "dialect", "extent", "flat", "table", "text")),
    *(f"distributed/{name}.py" for name in ("cluster", "crew", "desk", "engine")),  # in interop/
    *(f"server/{name}.py" for name in ("metrics", "problems", "stream_bodies", "tables")),
    *(f"store/{name}.py" for name in ("engines", "keys")),
    *(f"training/{name}.py" for name in ("crew", "task", "worker")),
    "forecasting/engine.py",
    "model/operations.py",
    "plotting/textbook.py",
}


@pytest.mark.parametrize("name", MODULES)
def test_module_says_what_it_is_for(name):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) <= 400


def test_no_two_classes_have_one_name():
    files = [ast.parse(path.read_text()) for path in (ROOT / "src/grucast").rglob("*.py")]
    names = Counter(node.name for file in files for node in file.body if isinstance(node, ast.ClassDef))
    twice = {name for name, times in names.items() if times > 1}
    assert twice == {"GRUClassifier", "GRUForecaster"}  # those of sktime are the same things


def test_every_source_file_has_its_test_file():
    package = ROOT / "src/grucast"
    sources = {p.relative_to(package) for p in package.glob("*/**/*.py") if p.name != "__init__.py"}
    tests = {
        p.relative_to(ROOT / "tests").parent / p.name.removeprefix("test_") for p in ROOT.glob("tests/**/test_*.py")
    }
    assert {str(path) for path in sources - tests} == ELSEWHERE


def test_import_needs_neither_torch_nor_any_extra():
    code = """
import sys
for name in ("torch", "polars", "pandas", "matplotlib", "typer", "rich", "sktime"):
    sys.modules[name] = None
import grucast, grucast.data, grucast.kernels, grucast.forecasting.backtest, grucast.plotting, grucast.cli, grucast.onnx
import grucast.comparison
print([n for n in ("scipy", "pyarrow", "onnx", "ray", "optuna") if n in sys.modules])
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")


def test_without_torch_nn_names_the_extra_and_the_rest_trains():
    code = """
import sys, pandas, grucast
sys.modules["torch"] = sys.modules["polars"] = None
frame = pandas.DataFrame({"ds": range(90), "y": range(90)})
quick = grucast.TrainingConfig(max_steps=2)
x, y = [[[1.0]], [[2.0]]] * 10, [1, 2] * 10
grucast.GRUForecaster(2, 12, training=quick).fit(frame).predict()
grucast.GRURegressor(training=quick).fit(x, y).predict(x)
grucast.GRUClassifier(training=quick).fit(x, y).predict(x)
try:
    import grucast.nn
except grucast.errors.MissingExtraError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "this needs torch, which is not installed: pip install 'grucast[torch]'\n"


def test_without_sktime_its_adapter_names_the_extra():
    code = """
import sys
sys.modules["sktime"] = None
try:
    import grucast.sktime
except ImportError as error:
    print(type(error).__name__, error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "MissingExtraError this needs sktime, which is not installed: pip install 'grucast[sktime]'\n"


def test_changelog_and_citation_name_the_version():
    assert f"## [{version('grucast')}]" in (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {version('grucast')}\n" in (ROOT / "CITATION.cff").read_text()


def test_loading_predicting_and_saving_never_import_torch(fitted, hourly, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    hourly.write_parquet(tmp_path / "data.parquet")
    code = """
import sys, grucast
sys.modules["torch"] = None
forecaster = grucast.load(sys.argv[1] + "/model.safetensors")
print(forecaster.predict(sys.argv[1] + "/data.parquet").height)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "12"


def test_the_version_is_that_of_the_package():
    assert grucast.__version__ == version("grucast")


def test_importing_grucast_imports_nothing_that_only_some_need():
    late = "{'torch', 'polars', 'pandas', 'http.client', 'zipfile', 'grucast.data.raw', 'grucast.forecasting.backtest'}"
    code = f"import sys, grucast; print(sorted({late} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize("before", ["", "import grucast.forecasting.backtest, grucast.forecasting.one_call"])
def test_backtest_is_the_function_whether_its_module_was_imported_or_not(before):
    code = f"""
{before}
from grucast.forecasting import backtest, metrics
import grucast.forecasting.backtest
from grucast.forecasting.backtest import backtest as same
print(backtest is same is grucast.forecasting.backtest, metrics.mae is grucast.forecasting.metrics.mae)
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("True True\n", "")
