"""What each covariate is worth to a forecast: how the medians change when it is not told."""

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import Schema
from grucast.data.windows import Window
from grucast.model.models import ForecastModel


def withheld(model: ForecastModel, window: Window) -> dict[str, NDArray[np.float64]]:
    """The medians (h,) of a window less those without each covariate, by its name, in the unit of y.

    A column is withheld by marking all of it as missing, in the window and in the horizon; holidays are columns too.
    """
    names = [column.name for column in model.schema.numbers("past", "future", "static")]
    names += [column.name for column in model.schema.categorical("past", "future", "static")]
    batch = Window._make(np.repeat(part, 1 + len(names), axis=0) for part in window)
    for row, name in enumerate(names, 1):
        hide(batch, row, model.schema, name)
    free = batch._replace(nonnegative=np.zeros_like(batch.nonnegative))
    medians = model.unsettled(free, model.level)[..., len(model.level)]
    return {name: medians[0] - without for name, without in zip(names, medians[1:], strict=True)}


def hide(batch: Window, row: int, schema: Schema, name: str) -> None:
    """Mark a column of one window as missing."""
    places = (
        (batch.numbers, schema.numbers("past", "future"), np.nan),
        (batch.codes, schema.categorical("past", "future"), 0),
        (batch.static_numbers, schema.numbers("static"), np.nan),
        (batch.static_codes, schema.categorical("static"), 0),
    )
    for array, columns, missing in places:
        for place, column in enumerate(columns):
            if column.name == name:
                array[row, ..., place] = missing
