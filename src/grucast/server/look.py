"""What is in a file that a client brought: columns, how they are understood, what is wrong, what to do about it.

It runs in a process of its own, in the folder of the file, so that messages name the file without a path.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from grucast.data.checks.examine import check_intake
from grucast.data.checks.repairs import repairs
from grucast.data.checks.report import Report, to_json
from grucast.data.checks.rows import take_usable
from grucast.data.reading.intake import Intake
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import cells_of, to_panel
from grucast.data.wording import show
from grucast.errors import GrucastError
from grucast.forecasting.horizon import usual_horizon

MOST_POINTS, MOST_SERIES, MOST_COLUMNS = 2000, 1000, 500
Answer = dict[str, Any]


def look(folder: str, name: str, given: dict[str, Any], series: str | None = None) -> Answer:
    """Everything about a file, as JSON has it.

    Args:
        folder: Where it is.
        name: Its name there.
        given: Options of `read`.
        series: Which to show; the first when None.
    """
    os.chdir(folder)
    warnings.simplefilter("ignore")
    try:
        options = ReadOptions.of(**given)
    except GrucastError as error:
        return {"columns": [], "usable": False} | refused(error)
    found = {"columns": columns_of(name, options), "options": given, "usable": False}
    try:
        intake, unusable = take_usable(name, options)
        report = check_intake(intake, unusable)
    except GrucastError as error:
        return found | refused(error)
    found |= {"usable": report.usable, "error": None, "repairs": [], "notes": list(intake.notes)}
    return found | roles(intake) | facts(intake, report) | shown(intake, series)


def refused(error: GrucastError) -> Answer:
    """An error, and the options that may mend it."""
    return {"error": str(error), "repairs": repairs(str(error))}


def columns_of(name: str, options: ReadOptions) -> list[str]:
    """The names of the file's columns, none if it has none."""
    try:
        return list(cells_of(name, options).frame.columns)[:MOST_COLUMNS]
    except GrucastError:
        return []


def roles(intake: Intake) -> Answer:
    """Which columns were taken for what."""
    options = intake.options
    return {"roles": {"time": list(options.time_col), "series": list(options.id_col), "target": intake.target}}


def facts(intake: Intake, report: Report) -> Answer:
    """The data check, and what a forecaster would choose."""
    told = report.to_dict()
    findings = [finding | {"repairs": repairs(finding["advice"])} for finding in told["findings"]]
    counts = {name: told[name] for name in ("rows", "series", "first", "last", "missing")}
    counts |= {"frequency": report.grid.frequency} if report.grid else {}
    if not report.grid or not report.usable:
        return {"findings": findings, "facts": counts, "h": None, "season": None}
    chosen = usual_horizon(to_panel(intake).frequency, report.grid.longest)
    return {"findings": findings, "facts": counts, "h": chosen.h, "season": list(report.grid.used)}


def shown(intake: Intake, series: str | None) -> Answer:
    """The names of the series, and the last values of one."""
    table = intake.table
    ids = table.ids.unique(maintain_order=True)
    names = [str(name) for name in ids[:MOST_SERIES].to_list()]
    chosen = series if series in names else names[0]
    own = table.ids.to_numpy() == ids[names.index(chosen)]
    times, y = table.ds.to_numpy()[own], table.y.to_numpy()[own]
    order = np.argsort(times, kind="stable")[-MOST_POINTS:]
    values = {"ds": [show(time) for time in times[order]], "y": to_json(y[order].astype(float).tolist())}
    return {"names": names, "shown": {"name": chosen} | values}


def file_name(given: str) -> str:
    """A name of a file that a client chose, as one in a folder of ours: no path, no sign that means something.

    >>> file_name("../a/sales 2024.csv"), file_name("-"), file_name("x[1]*.csv")
    ('sales 2024.csv', 'data', 'x_1__.csv')
    """
    last = Path(given.replace("\\", "/")).name[-100:]
    plain = "".join(letter if letter.isalnum() or letter in " ._-()" else "_" for letter in last)
    return plain.strip(" .-") or "data"
