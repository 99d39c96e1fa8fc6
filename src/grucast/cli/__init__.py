"""The command line: parse arguments, make one call, show what came of it."""

import sys
import warnings
from importlib import import_module

from grucast.cli.signals import ending
from grucast.cli.streams import standard_streams
from grucast.errors import GrucastError, InputError, MissingExtraError

# Each module registers the command of its name; --help lists them in this order.
COMMANDS = (
    "forecast", "check", "fit", "predict", "backtest", "tune", "compare", "plot", "gates", "stream", "export", "info",
    "serve", "mcp", "demo",
)  # fmt: skip


def main() -> None:
    """Run the command line; an error is one sentence and an exit code, never a traceback."""
    with standard_streams(), ending.installed():
        try:
            run()
        except KeyboardInterrupt as interrupt:
            print(str(interrupt) or "interrupted", file=sys.stderr)
            sys.exit(130)


def run() -> None:
    """Parse arguments and run the command they name."""
    try:
        from grucast.cli.common import app
        from grucast.cli.screen import err

        for command in COMMANDS:
            import_module(f"grucast.cli.{command}")
    except ImportError as error:
        sys.exit(f"error: {MissingExtraError(f'{error.name} (for the command line)', 'cli')}")
    try:
        require_sound(sys.argv)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: err.tell(message, "warning:", "yellow", whole=True)
            try:
                app()
            finally:
                sys.stdout.flush()
    except GrucastError as error:
        err.tell(error, "error:", "bold red", whole=True)
        sys.exit(error.exit_code)
    except OSError as error:
        err.tell(f"the system refuses to go on: {error}", "error:", "bold red", whole=True)
        sys.exit(1)


def require_sound(words: list[str]) -> None:
    """Refuse what no command can do without, or use.

    Raises:
        GrucastError: Standard output is closed, or a word holds NUL, which no path has.
    """
    if sys.stdout is None:
        raise GrucastError("standard output is closed: leave it open, or send it to /dev/null")
    for word in words:
        if "\0" in word:
            raise InputError(f"{word} holds the character NUL: leave it out")
