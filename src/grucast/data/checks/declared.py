"""Declared covariates: whether they are what they are declared to be."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np

from grucast.data.checks.columns import ColumnSummary
from grucast.data.checks.leaks import Leak, find_leaks
from grucast.data.checks.means import Target
from grucast.data.checks.report import Finding, to_finding
from grucast.data.checks.rows import Ordered
from grucast.data.covariates import Covariates, require_static
from grucast.data.kinds import read_covariate
from grucast.data.panel import Panel
from grucast.errors import DataError

TOGETHER = "drop one of them: together they are not known before y"


def roles_of(covariates: Covariates) -> dict[str, str]:
    """The role of each declared column.

    >>> roles_of(Covariates(past=("temp",), static=("region",)))
    {'temp': 'past', 'region': 'static'}
    """
    return {name: role for role in ("past", "future", "static") for name in getattr(covariates, role)}


def judge_covariates(
    frame: nw.DataFrame[Any],
    rows: Ordered,
    columns: Sequence[ColumnSummary],
    covariates: Covariates,
    leaks: Sequence[Leak],
) -> list[Finding]:
    """Say which columns are not there, hold what cannot be used, or do not fit their role."""
    described = {column.name: column for column in columns}
    leaking = {name for leak in leaks for name in leak.columns}  # none of these is to be declared future
    firsts = np.flatnonzero(np.diff(rows.codes, prepend=-1))
    found = []
    for name, role in roles_of(covariates).items():
        try:
            covariate = read_covariate(frame, name).take(rows.order)
            if role == "static":
                require_static(name, covariate, firsts, rows.codes)
        except DataError as error:
            found.append(to_finding(str(error)))
        else:
            found += [] if role == "past" and name in leaking else judge_role(described[name], role)
    return found


def judge_role(column: ColumnSummary, role: str) -> list[Finding]:
    """Whether a column is known in advance when it is declared to be, by the rows after the last y."""
    if role == "past" and column.known_ahead:
        what = f"past covariate {column.name} has values in {column.known_ahead:.0%} of the rows after the last y"
        return [Finding("note", what, "declare it future if they are known when a forecast is made")]
    if role == "future" and column.known_ahead == 0:
        what = f"perhaps a leak: future covariate {column.name} has no value in the rows after the last y"
        return [Finding("warning", what, "declare it past unless its coming values will be known")]
    return []


def judge_leak(leak: Leak, roles: dict[str, str]) -> Finding:
    """What a leak means for the use of its columns, by the roles of those that are declared."""
    declared = {roles.get(name) for name in leak.columns}
    label = "perhaps a leak" if leak.kind == "near" else "leak"
    one = len(leak.columns) == 1
    if declared == {"future"}:
        known = "known only so many steps ahead" if leak.kind == "past" else "not known before y"
        what = f"{label}, declared future: {leak.text}"
        return Finding("warning", what, f"{known}: declare {'it' if one else 'one of them'} past, or drop it")
    if leak.kind == "past" or (None not in declared and leak.kind != "ahead"):
        return Finding("note", leak.text, "harmless: past values are known; the network sees them anyway")
    if leak.kind == "ahead":
        return Finding("warning", f"{label}: {leak.text}", "drop it: it holds values that are not known yet")
    single = "drop it unless it is known before y" if leak.kind == "near" else "drop it: it is not known before y"
    return Finding("warning", f"{label}: {leak.text}", single if one else TOGETHER)


def given_away(panel: Panel, names: Sequence[str]) -> list[Leak]:
    """The leaks among a panel's columns of numbers that give y away exactly."""
    target = Target(panel.owners, panel.positions, panel.values)
    columns = {name: panel.temporal[name] for name in names}
    found = find_leaks(target, {name: column.values for name, column in columns.items() if column.categories is None})
    return [leak for leak in found if leak.kind in ("same", "sum", "ahead")]
