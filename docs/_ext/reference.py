"""The reference: pages for public modules and the command line, written before the site is built, checked after."""

import importlib
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError
from sphinx.ext.autodoc.mock import mock

MODULES = (
    "grucast",
    "grucast.data",
    "grucast.data.synthetic",
    "grucast.forecasting",
    "grucast.forecasting.metrics",
    "grucast.comparison",
    "grucast.tuning",
    "grucast.plotting",
    "grucast.nn",
    "grucast.onnx",
    "grucast.kernels",
    "grucast.kernels.native",
    "grucast.kernels.forecaster",
    "grucast.kernels.reference",
    "grucast.errors",
    "grucast.server",
    "grucast.store",
    "grucast.sktime",
    "grucast.mlflow",
    "grucast.tensorboard",
    "grucast.spark",
    "grucast.mcp",
    "grucast.distributed",
)
COMMAND = "## grucast {name}\n\n```text\n{help}\n```\n"


def import_module(name: str) -> Any:
    """A module; what needs other versions of packages than the site need not be there."""
    with mock(["sktime", "mlflow", "ray", "tensorboardX", "pyspark"]):
        return importlib.import_module(name)


def public(module: Any) -> Iterator[str]:
    """The names that a module offers: those it lists, else what is defined or exported there."""
    if hasattr(module, "__all__"):
        yield from module.__all__
        return
    for name, thing in vars(module).items():
        own = getattr(thing, "__module__", "").startswith(module.__name__)
        if own and not name.startswith("_") and (inspect.isfunction(thing) or inspect.isclass(thing)):
            yield name


def entries(name: str) -> Iterator[str]:
    """The directives of a module's page."""
    module = import_module(name)
    for member in public(module):
        thing = getattr(module, member)
        kind = "class" if inspect.isclass(thing) else "module" if inspect.ismodule(thing) else "function"
        if kind == "module" or documented(f"{name}.{member}") != name:
            continue
        options = "   :members:\n   :show-inheritance:\n" if kind == "class" else ""
        yield f".. auto{kind}:: {name}.{member}\n{options}"


def documented(name: str) -> str:
    """The first module of the list that offers the same thing by the same name."""
    module, _, member = name.rpartition(".")
    thing = getattr(import_module(module), member)
    offering = (first for first in MODULES if member in public(import_module(first)))
    return next(first for first in offering if getattr(import_module(first), member) is thing)


def module_page(name: str) -> str:
    """A module's page."""
    says = (import_module(name).__doc__ or "").split("\n\n")[0]
    body = "\n".join(entries(name))
    return f"# {name}\n\n{says}\n\n```{{eval-rst}}\n.. module:: {name}\n\n{body}```\n"


def command_page() -> str:
    """What each command says of itself."""
    os.environ |= {"COLUMNS": "88", "TERM": "dumb", "NO_COLOR": "1"}
    from typer.testing import CliRunner

    from grucast.cli import COMMANDS
    from grucast.cli.common import app

    for command in COMMANDS:
        import_module(f"grucast.cli.{command}")
    runner = CliRunner()
    helps = {name: runner.invoke(app, [name, "--help"], prog_name="grucast").output for name in COMMANDS}
    body = "\n".join(COMMAND.format(name=name, help=text.strip("\n")) for name, text in helps.items())
    return f"# The command line\n\nEvery command says this with `--help`.\n\n{body}"


def write(app: Any) -> None:
    """Write the pages that are not as they must be."""
    folder = Path(app.srcdir, "reference", "api")
    folder.mkdir(exist_ok=True)
    pages = {f"{name}.md": module_page(name) for name in MODULES} | {"command-line.md": command_page()}
    for path in folder.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def check(app: Any, failure: Exception | None) -> None:
    """Fail where a public name has no entry."""
    if failure or app.builder.name != "html":
        return
    there = app.env.get_domain("py").objects
    names = [f"{name}.{member}" for name in MODULES for member in public(import_module(name))]
    missing = [name for name in names if f"{documented(name)}.{name.rpartition('.')[2]}" not in there]
    if missing:
        raise ExtensionError(f"the reference lacks {', '.join(missing)}")


def setup(app: Any) -> dict[str, Any]:
    """Write before pages are read, check when all are written."""
    app.connect("builder-inited", write)
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}
