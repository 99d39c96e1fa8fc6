"""Checks of what the user gave."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.scalars import brief
from grucast.errors import ConfigError


def positive(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ConfigError(f"{name} must be a whole number of at least 1, not {value!r}")
    return int(value)


def valid_level(level: Any) -> tuple[float, ...]:
    """Coverages in percent, from 1 to 100, ascending and distinct; less is taken for a share by mistake.

    They are rounded to the six digits that name their columns.
    """
    message = f"level must hold percentages between 0 and 100 of six digits, such as (80, 95), not {brief(level)}"
    try:
        given = sorted({float(x) for x in level})
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(message) from error
    levels = tuple(float(f"{x:g}") for x in given)
    if not all(0 < x < 100 for x in levels) or len(set(levels)) < len(levels):
        raise ConfigError(message)
    if levels and levels[0] < 1:
        likely = ", ".join(f"{100 * x if x < 1 else x:g}" for x in levels)
        raise ConfigError(
            f"level holds percentages, so {levels[0]:g} would be an interval that holds {levels[0]:g} % of the values: "
            f"give level=({likely}{',' * (len(levels) == 1)}) (--level {likely.replace(' ', '')})"
        )
    return levels


def shown_level(trained: tuple[float, ...], level: Any) -> tuple[float, ...]:
    """The intervals to show of a model with those trained: these when None.

    Raises:
        ConfigError: They have no meaning, or the model has none.
    """
    shown = trained if level is None else valid_level(level)
    if shown and not trained:
        raise ConfigError("this model was trained without intervals: give GRUForecaster a level such as (80,)")
    return shown


def chosen(ids: Iterable[Any], series: Sequence[Any] | None) -> NDArray[np.bool_]:
    """Which ids are named, however they are typed; all when None.

    Raises:
        ConfigError: A name is not among them.
    """
    known = {str(name): place for place, name in enumerate(ids)}
    wanted = known if series is None else [str(name) for name in ([series] if isinstance(series, str) else series)]
    if unknown := [name for name in wanted if name not in known]:
        some = ", ".join([*known][:8]) + ", ..." * (len(known) > 8)
        raise ConfigError(f"there is no series {unknown[0]!r}: there are {some}")
    return np.isin(np.arange(len(known)), [known[name] for name in wanted])
