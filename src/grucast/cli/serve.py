"""Forecasts over HTTP, as a command."""

from typing import Annotated

import typer

from grucast.cli.common import command, to_seconds


@command("grucast serve --open")
def serve(
    model: Annotated[list[str] | None, typer.Argument(metavar="MODEL", help="Model files.")] = None,
    models: Annotated[str | None, typer.Option(help="Folder whose models are served, too.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; another than this machine's own needs --token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.")] = 8000,
    token: Annotated[
        str | None, typer.Option(envvar="GRUCAST_TOKEN", help="What clients must send: Authorization: Bearer TOKEN.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Database that keeps streams under /v1/streams: sqlite:///streams.db or postgresql://...",
            envvar="GRUCAST_STORE",
        ),
    ] = None,
    idle: Annotated[
        str | None, typer.Option(help="Drop series from the store that had no observation for so long: 30d, 12h.")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Write the log as JSON, a line each.")] = False,
) -> None:
    """Serve a page where people forecast files, and forecasts over HTTP: the Open Inference Protocol under /v2, tables,
    files and trainings under /v1, /metrics, /openapi.json. Without MODEL the page is there to train one.
    """
    from grucast.server.running import run
    from grucast.server.settings import ServerSettings, find_models

    seconds, own = to_seconds(idle, "--idle"), find_models(model or [], models)
    run(ServerSettings(own, host, port, token, store=store, idle=seconds), log_json, browse)
