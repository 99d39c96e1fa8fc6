"""Time stamps of a column: which reading of what is written fits the whole column."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.codes import EPOCHS, code_readings, parts_of_year
from grucast.data.reading.origin import Origin
from grucast.data.reading.readings import Reading, choose, to_days, to_week
from grucast.data.reading.written import Written, take_apart
from grucast.errors import ConfigError, DataError

Times = NDArray[Any]  # int64, or datetime64[us]
Integers = NDArray[np.int64]

WORDS = ("day first", "month first", "year first", "month", "week", "quarter", "year", "excel", "integer", *EPOCHS)
SAME = {  # forms that may stand next to each other, and what they are together
    frozenset(("year, part", "year, short part")): "year, short part",
    frozenset(("two-digit year", "day or month first")): "day or month first",
}


class Stamps(NamedTuple):
    """Time stamps of a column.

    Attributes:
        times: int64, or datetime64[us], in UTC where zoned.
        dates: No stamp has a time of day.
        zoned: The stamps say how far they are from UTC.
        reading: How they were read, as `time_format` takes it; "" where there is one way only.
        why: What decided it.
    """

    times: Times
    dates: bool
    zoned: bool
    reading: str = ""
    why: str = ""


def read_stamps(cells: Sequence[str], origin: Origin, column: str, time_format: str | None = None) -> Stamps:
    """Read time stamps written as text, each distinct one once.

    Args:
        cells: Texts.
        origin: Where they come from, for messages.
        column: Name of the column, for messages and as a hint: weeks may look like months.
        time_format: One of WORDS, or a format of strptime, which may also be just the order of day and month.

    Raises:
        DataError: A cell is not a time stamp, or nothing decides between two readings.

    >>> read_stamps(["19.02.2018", "20.02.2018"], Origin(("f.csv",)), "day").times[1]
    np.datetime64('2018-02-20T00:00:00.000000')
    """
    known = {cell: place for place, cell in enumerate(dict.fromkeys(cells))}
    where = np.array([known[cell] for cell in cells])
    texts = list(known)
    if time_format and "%" in time_format and (exact := by_format(texts, time_format)):
        return exact._replace(times=exact.times[where], reading=time_format)
    place = Place(origin, column, cells)
    written = [take_apart(text) for text in texts]
    found = [one for one in written if one]
    if len(found) < len(texts):
        raise place.bad(texts[written.index(None)])
    form = shared_form(found, texts, place)
    numbers = np.array([one.numbers for one in found], np.int64)
    offsets, clocks = [one.offset for one in found], [one.clock for one in found]
    if len({offset is None for offset in offsets}) > 1:
        raise DataError(f"{place.what} has time stamps with a time zone and without: give all one")
    ahead = np.array([(clock or 0) - (offset or 0) for clock, offset in zip(clocks, offsets, strict=True)])
    readings = [later(reading, ahead) for reading in readings_of(form, numbers, column, order_of(time_format))]
    chosen = choose(readings, texts, place.what, order_of(time_format))
    if chosen.times.dtype.kind == "i":
        return Stamps(chosen.times[where], False, False, chosen.label, chosen.why)
    if (bad := np.isnat(chosen.times)).any():
        raise place.bad(texts[int(bad.argmax())])
    zoned = offsets[0] is not None
    dates = not chosen.fine and not zoned and all(clock is None for clock in clocks)
    return Stamps(chosen.times[where], dates, zoned, chosen.label, chosen.why)


def later(reading: Reading, ahead: Integers) -> Reading:
    """A reading of days with the time of day added; counters have none."""
    times = reading.times
    return reading if times.dtype.kind == "i" else reading._replace(times=times + ahead.astype("m8[us]"))


def read_codes(values: Integers, origin: Origin, column: str, time_format: str | None = None) -> Stamps:
    """Read integers: days as 20240131, months as 202401, years, seconds since 1970 ..., or a counter as it is.

    Raises:
        DataError: Nothing decides between two readings.

    >>> read_codes(np.array([202401, 202402, 202412, 202501]), Origin(("f.csv",)), "month").times[-1]
    np.datetime64('2025-01-01T00:00:00.000000')
    """
    distinct, where = np.unique(values, return_inverse=True)
    what = f"column {column} of {origin.name}"
    readings = code_readings(distinct, column, order_of(time_format))
    chosen = choose(readings, list(map(str, distinct)), what, order_of(time_format))
    return Stamps(chosen.times[where], not chosen.fine, False, chosen.label, chosen.why)


class Place(NamedTuple):
    """Where cells stand, for messages."""

    origin: Origin
    column: str
    cells: Sequence[str]

    @property
    def what(self) -> str:
        """The column in words."""
        return f"column {self.column} of {self.origin.name}"

    def bad(self, text: str) -> DataError:
        """The error for a cell that is not a time stamp."""
        return DataError(
            f"{self.origin.row(list(self.cells).index(text))} has {self.column} = {text[:80]!r}, which is not a time "
            "stamp: correct it, or say how they are written, such as time_format='%d.%m.%Y %H:%M' (--time-format)"
        )


def shared_form(found: Sequence[Written], texts: Sequence[str], place: Place) -> str:
    """The one form in which all are written."""
    forms = dict.fromkeys(one.form for one in found)
    if len(forms) == 1:
        return found[0].form
    if both := SAME.get(frozenset(forms)):
        return both
    first, other = (
        next(text for text, one in zip(texts, found, strict=True) if one.form == form) for form in list(forms)[:2]
    )
    raise DataError(f"{place.what} has time stamps as {first!r} and as {other!r}: write all in one way")


def readings_of(form: str, numbers: Integers, column: str, wanted: str | None) -> list[Reading]:
    """What a form may mean; `wanted` is what a format asks for."""
    years = numbers[:, 0]
    if form == "integer":
        return code_readings(years, column, wanted)
    if form == "seconds":
        return [Reading("s", years.astype("M8[us]"), fine=True)]
    if form in ("day or month first", "two-digit year"):
        first, second, third = numbers.T
        orders = [
            Reading("day first", to_days(third, second, first)),
            Reading("month first", to_days(third, first, second)),
        ]
        century = third // 100 * 100
        short = [Reading("year first", to_days(century + first, second, third % 100))]
        return orders + (short if form == "two-digit year" else [])
    if form == "month or day":
        return [Reading("", months_in_order(numbers, column))]
    if form.startswith("year, ") and form != "year, month":
        return parts_of_year(years, numbers[:, 1], column, padded=form == "year, part", wanted=wanted)
    return [Reading("", SINGLE[form](numbers))]


SINGLE: dict[str, Callable[[Integers], Times]] = {
    "ymd": lambda n: to_days(*n.T),
    "named": lambda n: to_days(*n.T),
    "year, month": lambda n: to_days(n[:, 0], n[:, 1], 1),
    "month": lambda n: to_days(n[:, 0], n[:, 1], 1),
    "quarter": lambda n: to_days(n[:, 0], 3 * n[:, 1] - 2, 1),
    "week": lambda n: to_week(n[:, 0], n[:, 1]),
    "week day": lambda n: to_week(n[:, 0], n[:, 1]) + (n[:, 2] - 1).astype("m8[D]"),
}


def months_in_order(numbers: Integers, column: str) -> Times:
    """Months written as Jan-21; refused where the numbers may be days, which do not run on as months do."""
    months = to_days(numbers[:, 0], numbers[:, 1], 1)
    steps = np.diff(months.astype("M8[M]")).astype(np.int64)
    if len(steps) > 1 and not (((steps > 0).all() or (steps < 0).all()) and (steps % 12).any()):
        raise DataError(
            f"column {column} has a month's name and two digits: write years with four digits, or days with a year"
        )
    return months


def order_of(time_format: str | None) -> str | None:
    """The reading that a time format asks for: one of WORDS, or what the order of its parts says."""
    if time_format is None or time_format in WORDS:
        return time_format
    if "%" not in time_format:
        raise ConfigError(
            f"time_format {time_format!r} is unknown: give one of {', '.join(WORDS)}, or such as '%d.%m.%Y %H:%M'"
        )
    parts = [part for part in time_format.split("%")[1:] if part]
    order = "".join(
        {"y": "y", "Y": "y", "m": "m", "d": "d", "G": "y", "V": "w", "W": "w", "U": "w", "q": "q"}.get(p[0], "")
        for p in parts
    )
    named = {
        "dm": "day first",
        "md": "month first",
        "ym": "month",
        "my": "month",
        "yw": "week",
        "wy": "week",
        "yq": "quarter",
        "y": "year",
    }
    return named.get(order) or named.get(order.replace("y", "")[:2]) if not order.startswith("ymd") else "year first"


def by_format(texts: Iterable[str], time_format: str) -> Stamps | None:
    """All texts read by a format of strptime, where %V alone means the Monday of a week; None if one does not fit."""
    week = "%V" in time_format and not any(day in time_format for day in ("%u", "%w", "%a", "%A"))
    suffix, end = (" 1", " %u") if week else ("", "")
    try:
        found = [datetime.strptime(text + suffix, time_format + end) for text in texts]
    except ValueError:
        return None
    zoned = {time.tzinfo is not None for time in found}
    if len(zoned) > 1:
        return None
    plain = [time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time for time in found]
    dates = not any(part in time_format for part in ("%H", "%I", "%M", "%S", "%f", "%X", "%c", "%T"))
    return Stamps(np.array(plain, "M8[us]"), dates, zoned == {True})
