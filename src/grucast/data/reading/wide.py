"""Tables on their side: a column for each series, or for each step."""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from grucast.data.reading.looks import Look
from grucast.data.reading.names import listing, part_of, plain
from grucast.data.reading.written import MONTH, take_apart
from grucast.errors import DataError

Frame = nw.DataFrame[Any]
Looks = Mapping[str, Look]

HALF_A_YEAR = 6  # months as names of columns that make a table a wide one
FEWEST_TIMES = 3  # columns named by time stamps that make a table a wide one
TIME, SERIES, VALUE, MONTH_OF_YEAR = "time", "series", "value", "month"  # columns of what comes out


def find_steps(looks: Looks) -> tuple[str, ...]:
    """Columns of numbers that are named by time stamps, such as 2/8/2016 or 1990."""
    numeric = [name for name, look in looks.items() if look.numeric or look.kind == "empty"]
    found = [name for name in numeric if is_step(name)]
    return tuple(found) if len(found) >= FEWEST_TIMES and 2 * len(found) >= len(looks) else ()


def find_months(looks: Looks) -> tuple[str, tuple[str, ...]] | None:
    """A column of years and those of numbers that are named by months, where there are both."""
    months = tuple(name for name, look in looks.items() if look.numeric and plain(name).rstrip(".") in MONTH)
    years = [name for name, look in looks.items() if part_of(name) == "year" and look.within(1500, 2200)]
    return (years[0], months) if years and len(months) >= HALF_A_YEAR else None


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


def melt_months(frame: Frame, months: Sequence[str]) -> Frame:
    """A row for each year and month, of a table with a column for each month."""
    others = [column for column in frame.columns if column not in months]
    return alike(frame, months).unpivot(list(months), index=others, variable_name=MONTH_OF_YEAR, value_name=VALUE)


def alike(frame: Frame, columns: Sequence[str]) -> Frame:
    """The frame with these columns of one type."""
    types = {frame.schema[column] for column in columns}
    if len(types) == 1:
        return frame
    return frame.with_columns(nw.col(*columns).cast(nw.String if nw.String in types else nw.Float64))


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
    return alike(frame, steps).unpivot(steps, index=others, variable_name=TIME, value_name=VALUE), tuple(ids)


def naming_columns(frame: Frame, looks: Looks, others: Sequence[str]) -> list[str]:
    """The first columns, text before integers, that tell all rows apart."""
    texts = [column for column in others if looks[column].kind == "text"]
    numbers = [column for column in others if looks[column].kind == "integer"]
    whole = [(column,) for column in (*texts, *numbers) if not frame[column].null_count()]
    for group in (*whole[: len(texts)], tuple(texts), *whole):
        if group and len(frame.select(*group).unique()) == len(frame):
            return list(group)
    return []


def melt_series(frame: Frame, looks: Looks, time: Sequence[str], name: str) -> Frame:
    """A row for each series and step, of a table with a column of numbers for each series.

    Raises:
        DataError: There is no column of numbers besides the time.
    """
    series = [column for column, look in looks.items() if look.numeric and column not in time]
    if not series:
        raise DataError(
            f"{name} has no columns of numbers besides its time, only {listing(list(looks))}: leave out wide (--wide)"
        )
    kept = alike(frame.select(*time, *series), series)
    return kept.unpivot(series, index=list(time), variable_name=SERIES, value_name=VALUE)
