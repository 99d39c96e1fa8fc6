"""Covariates known in advance, put where their steps will be."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np

from grucast.data.covariates import read_covariate
from grucast.data.panel import Panel, show
from grucast.data.reading.intake import DEFAULT
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import cells_of, take_in
from grucast.data.stamps import to_times
from grucast.errors import DataError


def require_future(names: Sequence[str], future: Any) -> None:
    """Coming values must be there when, and only when, there are covariates known in advance."""
    if names and future is None:
        raise DataError(f"this model reads {', '.join(names)}: give predict their coming values as future= (--future)")
    if future is not None and not names:
        raise DataError("this model reads nothing that is known in advance: leave out future= (--future)")


def read_future(future: Any, options: ReadOptions = DEFAULT) -> Any:
    """Read the frame or file of coming values; its target, if there is one, does not count.

    Raises:
        DataError: It cannot be read.
    """
    cells = cells_of(future, options)
    targets = [name for name in cells.frame.columns if name in ("y", options.target_col)]
    frame = cells.frame.drop(targets).with_columns(y=nw.lit(0.0))
    kept = tuple(name for name in options.id_col if name in frame.columns)
    known = tuple(name for name in options.time_col if name in frame.columns)
    asked = replace(
        options, id_col=kept, time_col=known, target_col="y", aggregate=None, fill=None, freq=None, wide=None
    )
    return take_in(cells._replace(frame=frame), asked).table.frame.to_native()


def fill_future(panel: Panel, h: int, frame: Any, names: Sequence[str]) -> Panel:
    """Put the coming values of covariates to the last h steps of each series.

    Args:
        panel: Series with h steps of which nothing is known yet.
        h: Horizon.
        frame: Rows with unique_id, ds and the columns; those of other series and times do not matter.
        names: The columns.

    Raises:
        DataError: A column, or a series' row, is not there.
    """
    data = nw.from_native(frame, eager_only=True)
    number = {name: index for index, name in enumerate(panel.ids)}
    series = np.array([number.get(name, -1) for name in data["unique_id"].to_list()])
    position = panel.frequency.positions(to_times(data["ds"]), panel.starts[series])
    lengths = panel.lengths[series]
    rows = np.flatnonzero((series >= 0) & (position >= lengths - h) & (position < lengths) & (position % 1 == 0))
    places = panel.offsets[series[rows]] + position[rows].astype(np.int64)
    wanted = panel.offsets[1:, None] - np.arange(h, 0, -1)
    absent = wanted[~np.isin(wanted, places)]
    if absent.size:
        owner = int(np.searchsorted(panel.offsets, absent[0], side="right")) - 1
        time = panel.frequency.times(panel.starts[owner], absent[0] - panel.offsets[owner])
        raise DataError(
            f"future (--future) has no row for series {panel.ids[owner]!r} at {show(time)} "
            f"({absent.size} such rows in all): give all {h} steps of each series"
        )
    columns = {name: panel.temporal[name].filled(places, read_covariate(data, name).take(rows)) for name in names}
    return replace(panel, temporal={**panel.temporal, **columns})
