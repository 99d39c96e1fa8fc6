"""A picture of the series, as a command."""

from typing import Annotated

import typer

from grucast import plotting
from grucast.cli import common
from grucast.cli.common import command, say_lines, to_draw
from grucast.cli.output import print_json, refuse_existing, require_outputs, stem_of
from grucast.cli.screen import Screen, err


@command("grucast plot sales.csv --series north,south --last 365")
def plot(
    data: common.Data,
    series: common.Series = "",
    last: Annotated[int | None, typer.Option(help="Steps to draw, counted from the end; all if not given.")] = None,
    path: Annotated[
        str | None, typer.Option("--out", help="Picture to write; DATA's name with .png if not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that is there.")] = False,
    *,
    columns: common.Columns,
    as_json: common.Json = False,
) -> None:
    """Draw the series in DATA; a gap breaks the line."""
    picture = path or f"{stem_of(data)}.png"
    require_outputs({"DATA": data}, {"--out": (picture, plotting.PICTURES)})
    refuse_existing([picture], overwrite)
    intake = columns.take(data)
    frame = intake.table.frame.to_native()
    plotting.plot_series(frame, picture, to_draw(series, intake), last, intake.target)
    say = Screen(stderr=as_json)
    say_lines(err, intake.guesses, intake.doubts)
    say.tell(f"Picture: {picture}", whole=True)
    if as_json:
        print_json({"plot": picture, "series": intake.table.ids.n_unique()})
