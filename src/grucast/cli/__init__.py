"""The command line: parse arguments, make one call, show what came of it."""

import sys
from importlib import import_module

from grucast.errors import GrucastError, MissingExtraError

# Each module registers the command of its name; --help lists them in this order.
COMMANDS = ("forecast", "check", "fit", "predict", "backtest", "plot", "stream", "export", "info", "demo")


def main() -> None:
    """Run the command line; an error is one paragraph and an exit code, never a traceback."""
    try:
        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def run() -> None:
    """Parse arguments and run the command they name."""
    try:
        from rich.markup import escape

        from grucast.cli.common import app, err

        for command in COMMANDS:
            import_module(f"grucast.cli.{command}")
    except ImportError as error:
        sys.exit(f"error: {MissingExtraError(f'{error.name} (for the command line)', 'cli')}")
    try:
        app()
    except GrucastError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
