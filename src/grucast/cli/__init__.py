"""The command line: parse arguments, make one call, show what came of it."""

import sys

from grucast.errors import GrucastError, MissingExtraError


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

        from grucast.cli import backtest, check, demo, export, forecast, info, plot, stream  # noqa: F401 - each registers its commands
        from grucast.cli.common import app, err
    except ImportError as error:
        sys.exit(f"error: {MissingExtraError(f'{error.name} (for the command line)', 'cli')}")
    try:
        app()
    except GrucastError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
