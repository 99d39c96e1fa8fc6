"""What each row counts in training, from a column of the data."""

from dataclasses import replace
from typing import Any

import numpy as np

from grucast.data.covariates import Covariate, Covariates
from grucast.data.panel import Panel
from grucast.data.scalars import brief
from grucast.data.wording import show_local
from grucast.errors import ConfigError, DataError


def with_weights(covariates: Covariates, column: Any) -> Covariates:
    """Columns to read: those of the covariates, and that of the weights if there is one.

    Raises:
        ConfigError: It cannot be one of weights.
    """
    if column is None:
        return covariates
    if not isinstance(column, str) or column in (*covariates.temporal, *covariates.static, "unique_id", "ds", "y"):
        raise ConfigError(
            f"sample_weight must be the name of a column that is nothing else, no covariate either, not {brief(column)}"
        )
    return replace(covariates, past=(*covariates.past, column))


def weighed(panel: Panel, column: str | None) -> Panel:
    """A panel whose values count in training as a column says, if there is one; on average as much as without.

    Raises:
        DataError: It holds something else than numbers from 0 on, not all of them 0.
    """
    if column is None:
        return panel
    found = panel.temporal[column]
    if found.categories is not None:
        raise DataError(f"sample_weight {column!r} holds text: give a column of numbers")
    known = ~np.isnan(panel.values)
    wrong = np.flatnonzero(known & ~(found.values >= 0))
    if wrong.size:
        place = wrong[0]
        series = panel.owners[place]
        time = show_local(panel.frequency.times(panel.starts[series], panel.positions[place]), panel.zone)
        value = "nothing" if np.isnan(found.values[place]) else f"{found.values[place]:g}"
        raise DataError(
            f"sample_weight {column!r} holds {value} in series {brief(panel.ids[series])} at {time}: "
            "give each row that has y a number from 0 on"
        )
    counted = found.values[known]
    if not counted.any():
        raise DataError(f"sample_weight {column!r} is 0 in all rows with y: nothing would be learned from")
    values = np.where(known, found.values, 0) / counted.mean()
    return replace(panel, temporal={**panel.temporal, column: Covariate(values)}, weighting=column)
