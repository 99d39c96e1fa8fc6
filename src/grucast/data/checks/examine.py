"""What is in the data, what is wrong with it, and what gives the target away."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.checks.columns import ColumnSummary, describe_columns, numbers
from grucast.data.checks.declared import judge_covariates, judge_leak, roles_of
from grucast.data.checks.leaks import Leak, find_leaks
from grucast.data.checks.means import Target
from grucast.data.checks.outliers import find_outliers
from grucast.data.checks.report import Finding, Grid, Report, to_finding, to_warning
from grucast.data.checks.rows import Ordered, take_usable
from grucast.data.checks.seasonality import find_seasons, seasons_to_use
from grucast.data.covariates import Covariates
from grucast.data.panel import NONE, Panel
from grucast.data.reading.intake import Intake
from grucast.data.reading.options import Names, ReadOptions
from grucast.data.sources import to_panel
from grucast.data.table import Table
from grucast.data.wording import count, show
from grucast.errors import DataError

Array = NDArray[Any]

SHORT_SERIES = 10  # observed values
MOST_OUTLIERS = 0.01  # share of outliers above which they are not mistakes
MUCH = 0.2  # share of missing values worth a warning
LEVELS = ("error", "warning", "note")


def check(
    df: Any,
    id_col: Names = None,
    time_col: Names = None,
    target_col: str | None = None,
    covariates: Covariates = NONE,
    **options: Any,
) -> Report:
    """Say what is in the data, what is wrong with it, and which columns give the target away.

    Args:
        df: Anything that `grucast.read` takes. Rows that cannot be used are listed and left out.
        id_col: ColumnSummary that names the series.
        time_col: ColumnSummary of time stamps.
        target_col: ColumnSummary to forecast.
        covariates: Columns besides y, as a forecaster is given them; whether they are what they are declared to be.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        DataError: There is nothing to look at: no file, no such column, not one usable row.

    >>> import polars as pl
    >>> from grucast import check
    >>> print(check(pl.DataFrame({"ds": [1, 2, 3, 5], "y": [4.0, 1.0, 3.0, 2.0]})))
    4 rows, 1 series, 1 to 5
    warning: 1 series has fewer than 10 values: forecast, but with little to go on
    note: 1 step without a row (in 1 series, at most 1 in a row): taken as not observed
    """
    asked = ReadOptions.of(id_col=id_col, time_col=time_col, target_col=target_col, **options)
    intake, unusable = take_usable(df, asked)
    return check_intake(intake, unusable, covariates)


def check_intake(intake: Intake, unusable: Sequence[str] = (), covariates: Covariates = NONE) -> Report:
    """As `check`, of series that were taken in; and of rows that were not."""
    frame = intake.table.frame
    rows = Ordered(frame)
    panel, problem = lay_out(frame, rows, intake)
    columns = describe_columns(frame, rows)
    steps = grid_steps(rows, panel)
    leaks = search_leaks(Target(rows.codes, steps, rows.y), numbers(frame, columns, rows), covariates)
    judged = judge_covariates(frame, rows, columns, covariates, leaks)
    judged += [judge_leak(leak, roles_of(covariates)) for leak in leaks]
    seen = rows.y[np.isfinite(rows.y)]
    report = Report(
        rows=len(frame),
        series=len(rows.ids),
        first=show(rows.times.min()),
        last=show(rows.times.max()),
        unsorted=rows.unsorted,
        duplicates=rows.duplicates,
        missing=len(rows.y) - len(seen),
        constant=constant_series(rows),
        zero=float((seen == 0).mean()) if len(seen) else 0.0,
        negative=float((seen < 0).mean()) if len(seen) else 0.0,
        grid=describe_grid(panel, rows, steps, bool(columns)) if panel else None,
        columns=columns,
        leaks=leaks,
        notes=intake.guesses,
    )
    judged += [to_warning(doubt) for doubt in intake.doubts]
    return replace(report, findings=tuple(find_problems(report, rows.example, unusable, problem, judged)))


def lay_out(frame: nw.DataFrame[Any], rows: Ordered, intake: Intake) -> tuple[Panel | None, str]:
    """The panel of the rows without duplicates, or why there is none."""
    kept = frame if len(rows.order) == len(frame) else frame[np.sort(rows.order).tolist()]
    try:
        return to_panel(intake._replace(table=Table.of(kept.to_native()))), ""
    except DataError as error:
        return None, str(error)


def search_leaks(target: Target, columns: dict[str, Array], covariates: Covariates) -> list[Leak]:
    """Leaks among the future covariates, which others must not hide, then those among all columns."""
    future = {name: values for name, values in columns.items() if name in covariates.future}
    found = [*find_leaks(target, future), *find_leaks(target, columns)]
    return list({leak.columns: leak for leak in found}.values())


def grid_steps(rows: Ordered, panel: Panel | None) -> Array:
    """Step of each row within its series; its rank where there is no grid."""
    if panel:
        return panel.frequency.positions(rows.times, panel.starts[rows.codes]).astype(np.int64)
    first = np.flatnonzero(np.diff(rows.codes, prepend=-1))
    return np.asarray(np.arange(len(rows.codes)) - first[rows.codes])


def constant_series(rows: Ordered) -> int:
    """Series with at least two values, all of them equal."""
    seen = np.isfinite(rows.y)
    codes, y = rows.codes[seen], rows.y[seen]
    changes = np.bincount(codes[1:], (np.diff(codes) == 0) & (np.diff(y) != 0), minlength=len(rows.ids))
    return int(((changes == 0) & (np.bincount(codes, minlength=len(rows.ids)) > 1)).sum())


def describe_grid(panel: Panel, rows: Ordered, steps: Array, ahead: bool) -> Grid:
    """Gaps, lengths, outliers and seasons; and empty ends, unless all have them and they hold what is known `ahead`."""
    seasons = find_seasons(panel)
    count, farthest = find_outliers(panel, [season.period for season in seasons])
    jump = np.where(np.diff(rows.codes) == 0, np.diff(steps) - 1, 0)
    gaps = panel.lengths - np.bincount(rows.codes, minlength=len(panel))
    ends = empty_ends(panel)
    ends = ends - ends.min() if ahead else ends
    observed = np.bincount(rows.codes, np.isfinite(rows.y), minlength=len(panel))
    return Grid(
        frequency=panel.frequency.name,
        shortest=int(panel.lengths.min()),
        longest=int(panel.lengths.max()),
        gaps=int(gaps.sum()),
        gap_series=int((gaps > 0).sum()),
        longest_gap=int(jump.max(initial=0)),
        short=int((observed < SHORT_SERIES).sum()),
        outliers=count,
        farthest=farthest,
        seasons=seasons,
        used=seasons_to_use(panel),
        ending=int((ends > 0).sum()),
        longest_end=int(ends.max()),
        emptiest=panel.ids[int(ends.argmax())] if ends.any() else None,
    )


def find_problems(
    report: Report, example: str, unusable: Sequence[str], problem: str, judged: list[Finding]
) -> list[Finding]:
    """Judge the report: errors first, then warnings, then notes."""
    found = [
        Finding("error", f"rows with {text}", "correct them, or leave y empty where it is unknown") for text in unusable
    ]
    if report.duplicates:
        what = f"{count(report.duplicates, 'row')} whose series and time came before, such as {example}"
        advice = "name the series with id_col= (--id-col), or join rows with aggregate= (--aggregate sum|mean|last)"
        found.append(Finding("error", what, advice))
    if problem:
        found.append(to_finding(problem))
    found += judged
    if report.constant:
        advice = "they are forecast as they are; drop them if they are mistakes"
        found.append(Finding("note", f"{count(report.constant, 'series')} of one value", advice))
    if report.unsorted:
        found.append(Finding("note", f"{count(report.unsorted, 'row')} out of order in time", "sorted when read"))
    share = report.missing / (report.rows - report.duplicates)
    if share == 1:
        found.append(Finding("error", "y has no value at all", "name the column to forecast with target_col="))
    elif share:
        what = f"{count(report.missing, 'row')} without y ({share:.1%})"
        found.append(Finding("warning" if share > MUCH else "note", what, "taken as not observed"))
    found += judge_grid(report.grid, report.rows) if report.grid else []
    found += [judge_column(column) for column in report.columns if column.constant]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def judge_grid(grid: Grid, rows: int) -> list[Finding]:
    """Gaps, short series, empty ends, and outliers."""
    found = []
    if grid.short:
        what = f"{count(grid.short, 'series')} {'has' if grid.short == 1 else 'have'} fewer than {SHORT_SERIES} values"
        found.append(Finding("warning", what, "forecast, but with little to go on"))
    if grid.gaps:
        found.append(judge_gaps(grid, rows))
    if grid.ending:
        most = f"{count(grid.longest_end, 'step')} in series {grid.emptiest!r}"
        end = f"{verb(grid.ending)} in empty values, up to {most}"
        what = f"{count(grid.ending, 'series')} {end}"
        found.append(Finding("note", what, "the forecast starts after them; it is NaN where a whole window is empty"))
    if grid.outliers:
        far = grid.farthest[0]
        what = f"{count(grid.outliers, 'outlier')}, the farthest is {far.y:g} in series {far.unique_id!r} at {far.ds}"
        if grid.outliers > MOST_OUTLIERS * rows:
            what = f"{grid.outliers / rows:.0%} of the values are far from those around them, so the series jump"
        found.append(Finding("note", what, "correct them or leave y empty if they are mistakes"))
    return found


def judge_gaps(grid: Grid, rows: int) -> Finding:
    """Steps without a row: a few are gaps; many may be zeros that nobody wrote down."""
    where = f"in {grid.gap_series:,} series, at most {grid.longest_gap:,} in a row"
    share = grid.gaps / (grid.gaps + rows)
    if share <= MUCH:
        return Finding("note", f"{count(grid.gaps, 'step')} without a row ({where})", "taken as not observed")
    what = f"{count(grid.gaps, 'step')} without a row, {share:.0%} of all ({where})"
    return Finding(
        "warning",
        what,
        "taken as not observed; give fill=0 (--fill 0) if they are zeros, or the true step as freq= (--freq)",
    )


def verb(number: int) -> str:
    """The verb of one or more series that end."""
    return "ends" if number == 1 else "end"


def empty_ends(panel: Panel) -> Array:
    """Steps without a value at the end of each series."""
    seen = np.where(np.isnan(panel.values), -1, panel.positions)
    last = np.maximum.reduceat(seen, panel.offsets[:-1])
    return np.asarray(panel.lengths - 1 - last)


def judge_column(column: ColumnSummary) -> Finding:
    """A column that tells nothing."""
    what = f"column {column.name} has {'one value' if column.values else 'no value'}"
    return Finding("note", what, "it tells nothing: drop it")
