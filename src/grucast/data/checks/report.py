"""The report of a check of data."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from grucast.data.checks.columns import ColumnSummary
from grucast.data.checks.leaks import Leak
from grucast.data.checks.outliers import Outlier
from grucast.data.checks.seasonality import Season
from grucast.data.markup import Strong, page, table
from grucast.errors import plain

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """Something about the data and what to do about it; with an error they cannot be used."""

    level: Severity
    what: str
    advice: str


def to_finding(message: str) -> Finding:
    """The message of an error as a finding: what came, then what to do.

    >>> to_finding("y holds text: convert it")
    Finding(level='error', what='y holds text', advice='convert it')
    """
    cut = max(message.rfind(": "), message.rfind("; "))
    return Finding("error", message[:cut], message[cut + 2 :])


def to_warning(doubt: str) -> Finding:
    """What may be wrong with data as a finding: what came, then what to do."""
    what, _, advice = doubt.rpartition("; ")
    return Finding("warning", what, advice)


@dataclass(frozen=True)
class Grid:
    """The series on their grid of time.

    Attributes:
        frequency: Name of the step.
        shortest: Steps of the shortest series.
        longest: Steps of the longest.
        gaps: Steps without a row.
        gap_series: Series with such steps.
        longest_gap: Most of them in a row.
        short: Series with fewer than 10 values.
        outliers: Number of outliers.
        farthest: The farthest of them.
        seasons: Seasonal periods that the data show.
        used: Seasonal periods that a forecaster uses if it is told none.
        ending: Series that end in steps without a value; where other columns are there, more of them than all have.
        longest_end: Most such steps.
        emptiest: The series that has them.
    """

    frequency: str
    shortest: int
    longest: int
    gaps: int
    gap_series: int
    longest_gap: int
    short: int
    outliers: int
    farthest: list[Outlier]
    seasons: list[Season]
    used: tuple[int, ...] = ()
    ending: int = 0
    longest_end: int = 0
    emptiest: Any = None


@dataclass(frozen=True)
class Report:
    """What `check` found.

    Attributes:
        rows: Rows that can be read.
        series: Series in them.
        first: First time stamp.
        last: Last time stamp.
        unsorted: Rows earlier than the row of their series before.
        duplicates: Rows whose series and time were there before.
        missing: Rows without y.
        constant: Series of one value.
        zero: Share of y that is 0.
        negative: Share of y below 0.
        grid: The series on their grid; None if they have none.
        columns: The further columns.
        leaks: Columns that give the target away, and those that might seem to.
        findings: Errors, warnings and notes, in this order.
        notes: What was taken for what when the data were read.
    """

    rows: int
    series: int
    first: str
    last: str
    unsorted: int
    duplicates: int
    missing: int
    constant: int
    zero: float
    negative: float
    grid: Grid | None
    columns: list[ColumnSummary]
    leaks: list[Leak]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a forecaster takes the data as they are."""
        return all(finding.level != "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        return {"usable": self.usable, **to_json(asdict(self))}

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows, {self.series:,} series, {self.first} to {self.last}"]
        lines += [f"read: {note}" for note in self.notes]
        lines += [f"{finding.level}: {finding.what}: {finding.advice}" for finding in self.findings]
        return "\n".join(map(plain, lines))

    def _repr_html_(self) -> str:
        facts = [("rows", f"{self.rows:,}"), ("series", f"{self.series:,}"), ("time", f"{self.first} to {self.last}")]
        facts += [("frequency", self.grid.frequency)] if self.grid else []
        facts += [("read", note) for note in self.notes]
        found = [(Strong(finding.level), finding.what, finding.advice) for finding in self.findings]
        title = "These data can be used" if self.usable else "These data cannot be used as they are"
        return page(title, table(facts), table(found) if found else "")


def to_json(value: Any) -> Any:
    """The value as JSON has it: no NaN, and nothing but its own types."""
    if isinstance(value, dict):
        return {name: to_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
