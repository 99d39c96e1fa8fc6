"""The command that compares recurrent layers, and the table it prints."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from grucast import plotting
from grucast.cli import common
from grucast.cli.backtest import LOOK, fitting
from grucast.cli.common import bar, command, say_lines
from grucast.cli.output import print_json, require_outputs
from grucast.cli.screen import Screen, err

LEGEND = (
    "kernels: torch, its own; grucast.nn, grucast's called by torch; grucast, without torch, as forecasters train. "
    "GRU, published: its reset gate acts before the recurrent product"
)


@command("grucast compare sales.csv -h 28 --seeds 3")
def compare(
    data: common.Data,
    horizon: common.Horizon,
    seeds: Annotated[int, typer.Option(help="Trainings of each, from --seed on.")] = 3,
    windows: Annotated[int, typer.Option(help="Horizons at the end to test on.")] = 3,
    plot: Annotated[str | None, typer.Option("--out", help="Picture of times and errors.", show_default=False)] = None,
    *,
    roles: common.CovariateOptions,
    settings: common.Settings,
    columns: common.Columns,
    as_json: common.Json = False,
) -> None:
    """Train RNN, LSTM and GRU (in both variants) alike on DATA: parameters, seconds, errors. Needs torch."""
    from grucast.comparison.contenders import require_torch
    from grucast.comparison.forecasts import compare_layers

    require_torch()
    forecaster = settings.forecaster(horizon, roles)
    require_outputs({"DATA": data}, {"--out": (plot, plotting.PICTURES)})
    if plot:
        plotting.require_matplotlib()
    say = Screen(stderr=as_json)
    intake = columns.take(data)
    say_lines(err, intake.guesses, intake.doubts)
    with bar("training", say) as show:
        result = compare_layers(forecaster, intake, seeds, windows, show)
    show_comparison(result, plot, say, as_json)


def show_comparison(result: Any, plot: str | None, say: Screen, as_json: bool) -> None:
    """The table, the picture if one is wanted, and the verdict last."""
    if plot:
        result.plot(plot)
    say.tell(result.caption)
    say.print(fitting(comparison_table(result), say, drop=-1))
    if plot:
        say.tell(f"Picture: {plot}", whole=True)
    say.tell(result.verdict, style="bold")
    if as_json:
        print_json(result.details | {"plot": plot})


def comparison_table(result: Any) -> Table:
    """A row a contender, and the best seasonal naive last."""
    rows = result.cells()
    table = Table(caption=LEGEND, **LOOK)
    for name in rows[0]:
        table.add_column(name, justify="left" if name in {"model", "kernels"} else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row.values()))
    return table
