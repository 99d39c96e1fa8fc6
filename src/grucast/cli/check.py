"""What is in the data, as a command."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from grucast.cli import common
from grucast.cli.common import command, say_lines
from grucast.cli.output import TABLES, print_json, require_outputs, write_table
from grucast.cli.screen import Screen
from grucast.data.checks.examine import check_intake
from grucast.data.checks.report import Report
from grucast.data.checks.rows import take_usable
from grucast.errors import plain

COLOURS = {"error": "bold red", "warning": "yellow", "note": "dim"}


@command("grucast check sales.csv --future price,holiday")
def check(
    data: common.Data,
    roles: common.CovariateOptions,
    columns: common.Columns,
    clean: Annotated[
        str | None, typer.Option("--write", help="Table of the series as they are read: unique_id, ds, y ...")
    ] = None,
    as_json: common.Json = False,
) -> None:
    """Say what is in DATA, what is wrong with it, and which columns give the target away."""
    require_outputs({"DATA": data}, {"--write": (clean, TABLES)})
    intake, unusable = take_usable(data, columns.options)
    report = check_intake(intake, unusable, roles.covariates)
    say = Screen(stderr=as_json)
    say_lines(say, intake.guesses)
    say.print(verdict_on(report, data), style="bold" if report.usable else "bold red")
    if clean:
        write_table(intake.table.frame.to_native(), clean)
        say.tell(f"Written: {clean}", whole=True)
    if report.findings:
        say.print(finding_table(report))
    say.print(fact_table(report))
    if report.columns:
        say.print(column_table(report))
    if as_json:
        print_json(report.to_dict())
    if not report.usable:
        raise typer.Exit(2)


def verdict_on(report: Report, data: str) -> str:
    """The report in one sentence."""
    data = "standard input" if data == "-" else data
    if not report.usable:
        return f"{data} cannot be used as it is."
    if any(finding.level == "warning" for finding in report.findings):
        return f"{data} can be used; look at the warnings first."
    return f"{data} can be used; nothing is wrong with it."


def finding_table(report: Any) -> Table:
    """What was found, and what to do about each."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for finding in report.findings:
        said = Text.assemble(plain(finding.what), ("\n-> ", "dim"), plain(finding.advice))
        table.add_row(Text(finding.level, COLOURS[finding.level]), said)
    return table


def fact_table(report: Any) -> Table:
    """Size, time, target and seasons."""
    table = Table(show_header=False, title="data", title_justify="left")
    table.add_row("rows", f"{report.rows:,}")
    table.add_row("series", f"{report.series:,}{lengths(report.grid)}")
    table.add_row("time", f"{report.first} to {report.last}")
    grid = report.grid
    if grid:
        table.add_row("frequency", grid.frequency)
        seasons = [season_text(season) for season in grid.seasons] or ["none found"]
        table.add_row("seasons", lines([*seasons, f"fit uses {' and '.join(map(str, grid.used)) or 'none'}"]))
    table.add_row("y", f"{report.missing:,} missing, {report.zero:.1%} zero, {report.negative:.1%} negative")
    if grid and grid.farthest:
        table.add_row(Text("farthest\noutliers"), lines(map(outlier_text, grid.farthest)))
    return table


def lines(parts: Iterable[str]) -> Text:
    """A cell of several lines."""
    return Text("\n".join(map(plain, parts)))


def lengths(grid: Any) -> str:
    """Steps of the shortest and longest series."""
    if not grid:
        return ""
    if grid.shortest == grid.longest:
        return f" of {grid.longest:,} steps"
    return f" of {grid.shortest:,} to {grid.longest:,} steps"


def season_text(season: Any) -> str:
    """A season in words."""
    how = "strong" if season.strength >= 0.6 else "moderate" if season.strength >= 0.3 else "weak"
    return f"{season.period} steps: {how} ({season.strength:.2f} of 1){'' if season.usual else ', seen in the data'}"


def outlier_text(outlier: Any) -> str:
    """An outlier in words."""
    return f"{outlier.ds}  {outlier.y:g} among {outlier.median:g}, series {outlier.unique_id}"


def column_table(report: Any) -> Table:
    """The further columns."""
    table = Table("column", "type", title="further columns", title_justify="left")
    for name in ("missing", "values"):
        table.add_column(name, justify="right")
    table.add_column("in each series")
    for column in report.columns:
        varies = "constant" if column.constant else "stays the same" if column.static else "varies"
        table.add_row(column.name, column.kind, f"{column.missing:,}", f"{column.values:,}", varies)
    return table
