"""What is installed, as a command."""

import platform
from importlib.metadata import version
from typing import Annotated

import typer

from grucast.cli.common import Json, app, command
from grucast.cli.output import print_json
from grucast.cli.screen import out
from grucast.kernels import native, targets


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        out.tell(f"grucast {version('grucast')}")
        raise typer.Exit


@app.callback()
def grucast(
    _: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Forecast with GRUs at the speed of your CPU."""


@command("grucast info")
def info(as_json: Json = False) -> None:
    """Versions and native kernels, for bug reports."""
    facts = {
        "grucast": version("grucast"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "kernels": ", ".join(targets()) or "none (no native extension)",
        "in use": native.target() or "NumPy and torch operations",
    }
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            out.tell(f"{name:8} {value}")
