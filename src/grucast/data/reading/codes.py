"""Integers as time stamps: calendar codes such as 20240131, 202401 or 20241, seconds since 1970, years, counters."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.readings import Reading, to_days, to_week

Integers = NDArray[np.int64]
Times = NDArray[Any]

EPOCHS = {
    "s": (10**8, 10**10, 10**6),
    "ms": (10**11, 10**13, 10**3),
    "us": (10**14, 10**16, 1),
    "ns": (10**17, 10**19, 1),
}
CODE_YEARS = (1800, 2100)
WEEK_WORD = re.compile(r"week|woche|\bkw|kw\b|semaine|semana|settimana|\bwk|wk\b", re.IGNORECASE)
MONTH_WORD = re.compile(r"month|monat|mois|\bmes\b|mese|maand|\bym\b|yyyymm", re.IGNORECASE)
YEAR_WORD = re.compile(r"year|jahr|\bann?[eé]?e?\b|a[nñ]o", re.IGNORECASE)
DATE = re.compile(r"date|datum|fecha|\bdata\b|\bday|\btag\b", re.IGNORECASE)
SERIALS = (20_000, 60_000)  # days since 1899-12-30 in workbooks: 1954 to 2064
QUARTER = re.compile(r"quart|qtr|trimest", re.IGNORECASE)


def code_readings(values: Integers, column: str, wanted: str | None = None) -> list[Reading]:
    """What integers may mean; a counter where they are not codes; where a reading is `wanted`, that one alone.

    >>> [reading.label for reading in code_readings(np.array([100, 110, 120]), "step")]
    ['integer']
    >>> [reading.label for reading in code_readings(np.array([202411, 202412, 202501]), "t")]
    ['month']
    """
    if wanted in BY_NAME:
        return [BY_NAME[wanted](values)]
    counter = Reading("integer", values.astype(np.int64))
    low, high = int(values.min()), int(values.max())
    calendar = clock_codes(values)
    if calendar and len(values) > 1:
        return [calendar]
    for unit, (least, most, factor) in EPOCHS.items():
        if least <= low and high < most:
            return [Reading(unit, since_1970(values, unit, factor), fine=True)]
    size = len(str(high))
    if low <= 0 or len(values) < 2 or len(str(low)) != size or size not in SIZES:
        return [counter]
    return SIZES[size](values, column, counter)


def since_1970(values: Integers, unit: str, factor: int) -> Times:
    """Seconds, milli-, micro- or nanoseconds since 1970; what is finer than a microsecond cannot be kept."""
    whole = values // 1000 if unit == "ns" else values * factor
    finer = (values % 1000 != 0) & (unit == "ns")
    return np.asarray(np.where(finer, np.datetime64("NaT", "us"), whole.astype("M8[us]")))


def since_1900(values: Integers) -> Times:
    """Days as workbooks count them."""
    return np.asarray((np.datetime64("1899-12-30") + values).astype("M8[us]"))


def clock_codes(values: Integers) -> Reading | None:
    """Codes such as 2024013113, 202401311330 or 20240131133000; None if one is not."""
    for size in (10, 12, 14):
        if len(str(int(values.min()))) == size == len(str(int(values.max()))):
            text = 10 ** (size - 8)
            day, clock = values // text, values % text * 10 ** (14 - size)
            days = to_days(day // 10000, day // 100 % 100, day % 100)
            hour, minute, second = clock // 10000, clock // 100 % 100, clock % 100
            sound = not np.isnat(days).any() and hour.max() < 24 and minute.max() < 60 and second.max() < 60
            years = CODE_YEARS[0] <= int(day.min()) // 10000 and int(day.max()) // 10000 <= CODE_YEARS[1]
            if sound and years:
                ahead = (hour * 3600 + minute * 60 + second).astype("m8[s]").astype("m8[us]")
                return Reading("day", days + ahead, fine=True)
    return None


def year_readings(values: Integers, column: str, counter: Reading) -> list[Reading]:
    """Years of our times, or any that the column's name says are years."""
    ours = CODE_YEARS[0] <= values.min() and values.max() <= CODE_YEARS[1]
    return [Reading("year", to_days(values, 1, 1))] if ours or YEAR_WORD.search(column) else [counter]


def day_readings(values: Integers, column: str, counter: Reading) -> list[Reading]:  # noqa: ARG001 - one of SIZES
    """Days such as 20240131."""
    days = Reading("day", to_days(values // 10000, values // 100 % 100, values % 100))
    ours = CODE_YEARS[0] <= values.min() // 10000 and values.max() // 10000 <= CODE_YEARS[1]
    return [days] if days.valid and ours else [counter]


def quarter_readings(values: Integers, column: str, counter: Reading) -> list[Reading]:
    """Days of a workbook, by the column's name; or year and quarter, by its name or where a 4 is followed by a 1."""
    if SERIALS[0] <= values.min() and values.max() <= SERIALS[1] and DATE.search(column):
        return [Reading("excel", since_1900(values))]
    part, year = values % 10, values // 10
    if part.min() < 1 or part.max() > 4 or year.min() < CODE_YEARS[0] or year.max() > CODE_YEARS[1]:
        return [counter]
    quarters = Reading("quarter", to_days(values // 10, 3 * part - 2, 1))
    distinct = np.unique(values)
    turns = ((distinct[:-1] % 10 == 4) & (np.diff(distinct) == 7)).any()
    return [quarters] if turns or QUARTER.search(column) else [quarters, counter]


def part_readings(values: Integers, column: str, counter: Reading) -> list[Reading]:
    """Year and month, or year and week; a counter where they are neither."""
    if values.min() // 100 < CODE_YEARS[0] or values.max() // 100 > CODE_YEARS[1]:
        return [counter]
    readings = parts_of_year(values // 100, values % 100, column)
    if readings[0].label == "week" and not WEEK_WORD.search(column):
        turns = (np.diff(np.unique(values)) > 40).any()  # from the last week of a year to the first of the next
        return readings if readings[0].valid and turns else [counter]
    return readings


def parts_of_year(
    year: Integers, part: Integers, column: str, padded: bool = False, wanted: str | None = None
) -> list[Reading]:
    """Months, or weeks where a part is above 12; both where nothing decides.

    A 12 followed by a 1, twelve different parts, the column's name, or two digits for each part as ISO 8601 writes
    months (`padded`) decide.
    """
    months, weeks = Reading("month", to_days(year, part, 1)), Reading("week", to_week(year, part))
    if wanted in ("month", "week"):
        return [months if wanted == "month" else weeks]
    if not months.valid:
        return [weeks, months]
    distinct = np.unique(12 * year + part - 1)
    turns = bool(((distinct[:-1] % 12 == 11) & (np.diff(distinct) == 1)).any())
    if turns or MONTH_WORD.search(column) or len(np.unique(part)) == 12:
        return [months]
    if WEEK_WORD.search(column):
        return [weeks]
    return [months] if padded else [months, weeks]


BY_NAME: dict[str | None, Callable[[Integers], Reading]] = {
    "integer": lambda v: Reading("integer", v.astype(np.int64)),
    "year": lambda v: Reading("year", to_days(v, 1, 1)),
    "quarter": lambda v: Reading("quarter", to_days(v // 10, np.where(v % 10 > 4, 0, 3 * (v % 10) - 2), 1)),
    "month": lambda v: Reading("month", to_days(v // 100, v % 100, 1)),
    "week": lambda v: Reading("week", to_week(v // 100, v % 100)),
    "excel": lambda v: Reading("excel", since_1900(v)),
    **{
        unit: lambda v, unit=unit, factor=factor: Reading(unit, since_1970(v, unit, factor), fine=True)  # type: ignore[misc]
        for unit, (_, _, factor) in EPOCHS.items()
    },
}
SIZES: dict[int, Callable[[Integers, str, Reading], list[Reading]]] = {
    4: year_readings,
    5: quarter_readings,
    6: part_readings,
    8: day_readings,
}
