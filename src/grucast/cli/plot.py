"""A picture of the series, as a command."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from grucast import plotting
from grucast.cli import common
from grucast.cli.common import command, split
from grucast.cli.output import print_json, refuse_existing, require_outputs


@command("grucast plot sales.csv --series north,south --last 365")
def plot(
    data: common.Data,
    series: Annotated[str, typer.Option(help="Series to draw, with commas between; the first four if none.")] = "",
    last: Annotated[int | None, typer.Option(help="Steps to draw, counted from the end; all if not given.")] = None,
    path: Annotated[
        Path | None, typer.Option("--out", help="Picture to write; DATA's name with .png if not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that is there.")] = False,
    *,
    columns: common.Columns,
    as_json: common.Json = False,
) -> None:
    """Draw the series in DATA; a gap breaks the line."""
    picture = path or default_picture(data)
    require_outputs({"DATA": data}, {"--out": (picture, plotting.PICTURES)})
    refuse_existing([picture], overwrite)
    frame = columns.read(data)
    plotting.plot_series(frame, picture, split(series) or None, last, columns.target_col or "y")
    say = Console(stderr=as_json)
    say.print(f"Picture: {escape(str(picture))}", highlight=False, soft_wrap=True)
    if as_json:
        print_json({"plot": picture, "series": frame["unique_id"].n_unique()})


def default_picture(data: Any) -> Path:
    """A picture's name in the current folder.

    >>> str(default_picture("data/sales.csv.gz")), str(default_picture("data/*.csv"))
    ('sales.png', 'series.png')
    """
    stem = Path(str(data)).name.partition(".")[0]
    return Path(stem if re.fullmatch(r"\w[\w -]*", stem) else "series").with_suffix(".png")
