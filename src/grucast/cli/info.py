"""What is installed, as a command."""

import platform
from importlib.metadata import version

from grucast.cli.common import Json, command, out, print_json
from grucast.kernels import native, targets


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
            out.print(f"{name:8} {value}", highlight=False)
