"""Time stamps taken apart as people write them; which reading is meant, `times` decides by the whole column."""

import re
from typing import NamedTuple

MONTHS = {  # English, German, French, Spanish, Italian, Portuguese, Dutch; three letters tell most of them
    1: "january januar jänner janvier enero gennaio janeiro januari jan janv ene gen",
    2: "february februar février fevrier febrero febbraio fevereiro februari feb fév fev févr fevr",
    3: "march märz maerz mars marzo março marco maart mar mär mrz mrt",
    4: "april avril abril aprile apr avr abr",
    5: "may mai mayo maggio maio mei mag",
    6: "june juni juin junio giugno junho jun giu",
    7: "july juli juillet julio luglio julho jul juil lug",
    8: "august août aout agosto augustus aug aoû ago",
    9: "september septembre septiembre settembre setembro sep sept set",
    10: "october oktober octobre octubre ottobre outubro oct okt ott out",
    11: "november novembre noviembre novembro nov",
    12: "december dezember décembre decembre diciembre dicembre dezembro dec dez déc dic",
}
MONTH = {name: month for month, names in MONTHS.items() for name in names.split()}
WEEKDAY = re.compile(
    r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,?\s*"
    r"|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag|mo|di|mi|do|fr|sa|so)\b[.,]+\s*"
    r"|\b(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo)\b,?\s*"
)
ZONE = r"\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-]\d{2}:?\d{2}|[+-]\d{2})?"
CLOCK = re.compile(
    r"(?P<date>.*?)(?:(?:^|(?<=\d)t|,?\s+)(?P<hour>\d{1,2})"
    r"(?:[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?)?"
    rf"\s*(?P<half>[ap]\.?m\.?)?(?:\s*uhr)?{ZONE})"
)
PACKED = re.compile(
    rf"(?P<date>\d{{8}})[t ]?(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})?(?P<part>)(?P<half>){ZONE}"
)
RANGE = re.compile(r"(?P<start>.*\d.*?)\s+(?:[-–—]|to|bis)\s+\S.*")
DECIMAL = re.compile(r"[+-]?\d{1,8}\.(?!0*$)(?:\d{1,3}|\d{5,})")  # what most numbers are, and no time stamp is
MINUTE = 60 * 10**6


class Written(NamedTuple):
    """One time stamp: how it is written, its numbers, the time of day and the distance from UTC in microseconds."""

    form: str
    numbers: tuple[int, ...]
    clock: int | None = None
    offset: int | None = None


FORMS = (  # form, pattern; the first that fits
    ("ymd", r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})"),
    ("day or month first", r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})"),
    ("week day", r"(\d{4})-?w(\d{2})-?([1-7])"),
    ("week", r"(\d{4})[-/. ]*(?:w|kw|wk|week|woche)[-/. ]*(\d{1,2})"),
    ("week, year", r"(?:w|kw|wk|week|woche)[-/. ]*(\d{1,2})[-/,. ]+(\d{4})"),
    ("quarter", r"(\d{4})[-/. :]*[qt]r?[-/. ]*([1-4])"),
    ("quarter, year", r"[qt]r?[-/. ]*([1-4])[-/,. ']*(\d{4}|\d{2})"),
    ("quarter, year", r"([1-4])\.?[-/. ]*(?:q|quartal|quarter|trimestre)[-/,. ']*(\d{4}|\d{2})"),
    ("year, month", r"(\d{4})-?m(\d{1,2})"),
    ("year, part", r"(\d{4})[-/](\d{1,2})"),
    ("part, year", r"(\d{1,2})[-/.](\d{4})"),
    ("seconds", r"(\d{9,10}\.\d{1,9})"),
    ("integer", r"([+-]?\d{1,19})(?:\.0*)?"),
)
PATTERNS = tuple((form, re.compile(pattern)) for form, pattern in FORMS)
TOKENS = re.compile(r"[^\W\d_]+|\d+")


def take_apart(text: str) -> Written | None:
    """How a time stamp is written; None if it is not one.

    >>> take_apart("Friday, 13 January 2017")
    Written(form='named', numbers=(2017, 1, 13), clock=None, offset=None)
    >>> take_apart("8/30/2022 3:00:00 PM")
    Written(form='day or month first', numbers=(8, 30, 2022), clock=54000000000, offset=None)
    """
    text = text.strip().lower().translate(str.maketrans("年月\u00a0\u202f", "--  ")).rstrip("日")
    known = take_date(text)
    if known:
        return known
    if cut := RANGE.fullmatch(text):
        return take_apart(cut["start"])
    if text[:1].isalpha() and (plain := WEEKDAY.sub("", text)) != text:
        return take_apart(plain)
    clocked = PACKED.fullmatch(text) or CLOCK.fullmatch(text)
    if not clocked or not clocked["date"]:
        return None
    day, clock = take_date(clocked["date"].rstrip(",")), take_clock(clocked)
    if not day or clock is None or (day.form == "integer" and len(clocked["date"]) != 8):
        return None
    return day._replace(clock=clock, offset=take_offset(clocked["zone"]))


def take_date(text: str) -> Written | None:
    """A date, month, week, quarter or number, without a time of day."""
    for form, pattern in PATTERNS:
        if found := pattern.fullmatch(text):
            parts = [part for part in found.groups() if part and part.isdigit()]
            if form == "integer":
                return Written(form, (int(found[1]),))
            if form == "seconds":
                return Written(form, (round(float(found[1]) * 10**6),))
            if form == "day or month first" and len(parts[2]) == 2 and (" " in text):
                return None  # such as 10 12 22, a number in groups
            return arranged(form, parts)
    return take_named(text)


def arranged(form: str, parts: list[str]) -> Written:
    """The numbers of a form, the year first; an open one keeps its order, and says how it is written."""
    numbers = tuple(map(int, parts))
    if form in ("quarter, year", "week, year"):
        return Written(form.split(",", maxsplit=1)[0], (full_year(parts[1]), numbers[0]))
    if form == "part, year":
        return Written("year, month" if numbers[0] <= 12 else "week", numbers[::-1])
    if form == "day or month first":
        short = len(parts[2]) == 2
        return Written("two-digit year" if short and len(parts[0]) == 2 else form, (*numbers[:2], full_year(parts[2])))
    if form == "year, part":
        return Written("year, part" if len(parts[1]) == 2 else "year, short part", numbers)
    return Written(form, numbers)


def full_year(digits: str) -> int:
    """A year of four digits; of two digits, one from 1969 to 2068, as POSIX has it."""
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year > 68 else 2000)


def take_named(text: str) -> Written | None:
    """A date with the name of its month: day and year in any order, or a year alone."""
    words = TOKENS.findall(re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b|\bde\b", "", text))
    names = [word for word in words if word.isalpha()]
    if len(names) != 1 or names[0] not in MONTH or len(re.sub(r"[\w\s.,/'’-]", "", text)):
        return None
    month, numbers = MONTH[names[0]], [word for word in words if word.isdigit()]
    if len(numbers) == 1 and len(numbers[0]) == 4:
        return Written("month", (int(numbers[0]), month))
    if len(numbers) == 1 and len(numbers[0]) == 2 and not words[0].isdigit():
        return Written("month or day", (full_year(numbers[0]), month))
    if len(numbers) != 2 or {len(numbers[0]), len(numbers[1])} - {1, 2, 4}:
        return None
    year, day = numbers if len(numbers[0]) == 4 else numbers[::-1]
    return Written("named", (full_year(year), month, int(day))) if len(year) > 1 and len(day) <= 2 else None


def take_clock(found: re.Match[str]) -> int | None:
    """Microseconds since midnight; None if there is no such time of day."""
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    half = (found["half"] or "")[:1]
    alone = found["minute"] is None and not half
    if (alone and "t" not in found.string) or (half and not 1 <= hour <= 12) or minute > 59 or second > 59:
        return None
    part = (found["part"] or "").ljust(6, "0")
    if hour > 24 or (hour == 24 and minute + second + int(part)) or int(part[6:] or 0):
        return None
    hour = hour % 12 + 12 * (half == "p") if half else hour
    return (hour * 60 + minute) * MINUTE + second * 10**6 + int(part[:6])


def take_offset(zone: str | None) -> int | None:
    """Microseconds ahead of UTC; None for a local time."""
    if not zone:
        return None
    digits = re.sub(r"\D", "", zone).ljust(4, "0")
    return (-1 if "-" in zone else 1) * (int(digits[:2]) * 60 + int(digits[2:])) * MINUTE


def read_clock(text: str) -> int | None:
    """Microseconds since midnight of a time of day alone, the start of a range; None if it is not one.

    >>> read_clock("06.00.00"), read_clock("1:30 pm"), read_clock("7"), read_clock("25:00")
    (21600000000, 48600000000, None, None)
    """
    text = text.strip().lower()
    if cut := RANGE.fullmatch(text):
        text = cut["start"] + (":00" if cut["start"].isdigit() else "")
    found = CLOCK.fullmatch(text)
    return take_clock(found) if found and not found["date"] else None
