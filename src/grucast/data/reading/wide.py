"""Tables on their side: a column for each series, or for each step."""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from grucast.data.reading.looks import Look
from grucast.data.reading.names import listing
from grucast.data.reading.written import take_apart
from grucast.errors import DataError

Frame = nw.DataFrame[Any]
Looks = Mapping[str, Look]

FEWEST = 3  # columns named by time stamps that make a table a wide one
TIME, SERIES, VALUE = "time", "series", "value"  # columns of what comes out


def find_steps(looks: Looks) -> tuple[str, ...]:
    """Columns of numbers that are named by time stamps, such as 2/8/2016 or 1990."""
    numeric = [name for name, look in looks.items() if look.numeric or look.kind == "empty"]
    found = [name for name in numeric if is_step(name)]
    return tuple(found) if len(found) >= FEWEST and 2 * len(found) >= len(looks) else ()


def is_step(name: str) -> bool:
    """Whether a column's name is a time stamp: a date, month, week or quarter, or a year of our times."""
    written = take_apart(name)
    if written is None or written.form == "seconds":
        return False
    return (
        written.form != "integer"
        or 1800 <= written.numbers[0] <= 2100
        or 1800_01_01 <= written.numbers[0] <= 2100_12_31
    )


def melt_steps(
    frame: Frame, looks: Looks, steps: Sequence[str], ids: Sequence[str], name: str
) -> tuple[Frame, tuple[str, ...]]:
    """A row for each series and step, of a table with a column for each step; and the columns that name the series.

    Raises:
        DataError: No column tells the rows apart.
    """
    others = [column for column in frame.columns if column not in steps]
    ids = list(ids) or naming_columns(frame, looks, others)
    if not ids and len(frame) > 1:
        raise DataError(
            f"{name} has time stamps as names of columns, but nothing tells its rows apart: "
            "name the column that does with id_col= (--id-col)"
        )
    steps = [step for step in steps if looks[step].kind != "empty"]
    text = {frame.schema[step] for step in steps}
    if len(text) > 1:
        frame = frame.with_columns(nw.col(*steps).cast(nw.String if nw.String in text else nw.Float64))
    return frame.unpivot(steps, index=others, variable_name=TIME, value_name=VALUE), tuple(ids)


def naming_columns(frame: Frame, looks: Looks, others: Sequence[str]) -> list[str]:
    """The first columns, text before integers, that tell all rows apart."""
    texts = [column for column in others if looks[column].kind == "text"]
    numbers = [column for column in others if looks[column].kind == "integer"]
    for group in (*((one,) for one in texts), tuple(texts), *((one,) for one in numbers)):
        if group and len(frame.select(*group).unique()) == len(frame):
            return list(group)
    return []


def melt_series(frame: Frame, looks: Looks, time: Sequence[str], name: str) -> Frame:
    """A row for each series and step, of a table with a column of numbers for each series.

    Raises:
        DataError: There is no column of numbers beside the time.
    """
    series = [column for column, look in looks.items() if look.numeric and column not in time]
    if not series:
        raise DataError(
            f"{name} has no columns of numbers beside its time, only {listing(list(looks))}: leave out wide (--wide)"
        )
    kept = frame.select(*time, *series)
    if len({frame.schema[column] for column in series}) > 1:
        to = nw.String if any(frame.schema[column] == nw.String for column in series) else nw.Float64
        kept = kept.with_columns(nw.col(*series).cast(to))
    return kept.unpivot(series, index=list(time), variable_name=SERIES, value_name=VALUE)
