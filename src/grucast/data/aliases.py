"""Frequencies as pandas and polars write them."""

import re

from grucast.data.frequency import MICROSECONDS, Frequency, Kind, Stated
from grucast.data.week import DAYS
from grucast.errors import ConfigError

TAKEN = (
    "s, min, h, D, W or W-MON to W-SUN, B, MS, ME, QS, QE, YS, YE (the last four with a month too, such as QS-FEB), "
    "BMS, BME, SMS, SME, each with a number before it, such as 15min or 2W, if it counts clocks, weeks or months; "
    "1m, 1mo, 1q, 1w, 1y as in polars; a whole number such as 10 where ds has integers"
)
CLOCKS = {"s": "s", "min": "min", "t": "min", "h": "h", "d": "D", "w": "W"}
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = tuple(day.upper() for day in DAYS)
STAMPED: dict[str, tuple[Kind, int, bool]] = {  # kind, months, on the last day
    "MS": ("month", 1, False),
    "ME": ("month", 1, True),
    "QS": ("month", 3, False),
    "QE": ("month", 3, True),
    "YS": ("month", 12, False),
    "AS": ("month", 12, False),
    "YE": ("month", 12, True),
    "B": ("business", 1, False),
    "BMS": ("business_month", 1, False),
    "BME": ("business_month", 1, True),
    "BM": ("business_month", 1, True),
    "SMS": ("half_month", 1, False),
    "SME": ("half_month", 1, True),
    "SM": ("half_month", 1, True),
}
LOOSE = {"M": "ME", "Q": "QE", "Y": "YE", "A": "YE"}  # read as pandas does, and of data that are stamped elsewhere too
POLARS = {"mo": 1, "MO": 1, "q": 3, "y": 12}  # months, from the day of the first stamp on
MILLISECONDS = ("ms", "Ms", "mS")  # or starts of months
LONGEST_ALIAS = 2**40  # steps of an alias


def parse_frequency(text: str) -> Frequency:
    """Read a frequency as pandas or polars writes it; case matters only where m and M or ms and MS differ.

    Time stamps must lie where MS, ME, W-FRI and their like say. M, Q, Y, 1mo, 1q and 1y take months that are stamped on
    any day, W weeks on any weekday.

    Raises:
        ConfigError: It is no such frequency.

    >>> parse_frequency("15min").name, parse_frequency("W-FRI").name, parse_frequency("1mo").name
    ('15min', 'W-FRI', 'MS')
    """
    found = re.fullmatch(r"(\d{0,12})([A-Za-z]*)(?:-([A-Za-z]{3}))?", str(text).strip())
    number, unit, anchor = (part or "" for part in found.groups()) if found else ("", "", "")
    count = int(number or 1)
    frequency = of_alias(count, number, unit, anchor.upper()) if 1 <= count <= LONGEST_ALIAS else None
    if frequency is None:
        hint = {"m": ": write 1m or min for minutes, M for months", "ms": ": write MS for starts of months"}
        raise ConfigError(f"freq (--freq) = {text!r} is not known{hint.get(unit.lower(), '')}; give one of {TAKEN}")
    return frequency


def of_alias(count: int, number: str, unit: str, anchor: str) -> Frequency | None:
    """The frequency of an alias in its parts; None if there is none."""
    alone = bool(number) and not anchor
    if unit in ("", "m"):
        frequency = Frequency("duration", count * MICROSECONDS["min"]) if unit else Frequency("integer", count)
        return frequency if alone else None
    if unit.lower() in CLOCKS:
        return of_clock(count, unit.lower(), anchor)
    if alone and unit in POLARS:
        return Frequency("month", count * POLARS[unit])
    return None if unit in MILLISECONDS else of_months(count, unit.upper(), anchor)


def of_clock(count: int, unit: str, anchor: str) -> Frequency | None:
    """Seconds to weeks."""
    step = count * MICROSECONDS[CLOCKS[unit]]
    if not anchor:
        return Frequency("duration", step)
    if unit != "w" or anchor not in WEEKDAYS:
        return None
    return Stated("duration", step, weekday=WEEKDAYS.index(anchor))


def of_months(count: int, unit: str, anchor: str) -> Frequency | None:
    """Business days, months, quarters, years and halves of months."""
    stamped = STAMPED.get(LOOSE.get(unit, unit))
    if stamped is None:
        return None
    kind, months, end = stamped
    if (anchor and (months == 1 or anchor not in MONTHS)) or (kind in ("business", "half_month") and count > 1):
        return None
    if unit in LOOSE and not anchor:
        return Frequency(kind, count * months, end)
    day = 0 if end or kind != "month" else 1
    month = MONTHS.index(anchor) + 1 if anchor else 0
    return Stated(kind, count * months, end, day, month=month)
