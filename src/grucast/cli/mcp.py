"""Tools for assistants, as a command."""

from typing import Annotated

import typer

from grucast.cli.common import command


@command("grucast mcp --folder ~/data")
def mcp(
    folder: Annotated[str, typer.Option(help="Folder whose files assistants may read; nothing is written.")] = ".",
) -> None:
    """Serve check, forecast and backtest to an assistant on standard input and output (Model Context Protocol)."""
    from grucast.mcp import make_server

    make_server(folder).run()
