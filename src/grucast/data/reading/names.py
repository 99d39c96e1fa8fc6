"""Names of columns: found as users write them, and what they hint at."""

import re
from collections.abc import Sequence

from grucast.errors import DataError

ALIASES = {
    "unique_id": ("unique_id", "item_id", "series_id", "id"),
    "ds": ("ds", "timestamp", "datetime", "date", "time"),
    "y": ("y", "target", "value"),
}
PARTS = {  # parts of a time in columns of their own; a whole word of the name, or the letters of a format
    "year": r"year|yyyy|yr|jahr|ann[ée]e|año|ano|anno|jaar",
    "quarter": r"quarter|qtr|quartal|trimestre",
    "month": r"month|mm|mon|mo|mnth|monat|mois|mes|mese|maand",
    "week": r"week|wk|kw|woche|semaine|semana|settimana",
    "day": r"day|dd|dy|tag|jour|d[íi]a|giorno|dag|dom",
    "hour": r"hour|hh|hr|hrs|h|he|stunde|std|heure|hora|ora|uur",
    "minute": r"minute|min|mi|minuto|minuut",
}
HINT = re.compile(
    r"(?:^|[^a-zà-ÿ])(?:date|datetime|day|time|timestamp|month|year|week|quarter|period|dt|datum|zeit|zeitpunkt|tag|monat|jahr"
    r"|woche|quartal|fecha|data|jour|mois|année|año|mes|dia|día|hora|ts)(?:$|[^a-zà-ÿ])",
    re.IGNORECASE,
)
COUNTER = re.compile(
    r"^(?:t|n|step|steps|index|idx|epoch|iteration|iter|period|tick|time|x|sample|obs|observation)$", re.IGNORECASE
)
RUNNING = re.compile(r"(?i)$|(?:id|no|nr|num|number|index|row|#|unnamed.*|column_\d+)\b")
UNIT = re.compile(r"\s*[\[(][^\[\]()]*[\])]\s*$")


def plain(name: str) -> str:
    """A name without case, outer blanks and marks, and a unit in brackets behind it.

    >>> plain(" #Guests (persons) ")
    'guests'
    """
    text = name.strip().strip("#").strip().casefold()
    return UNIT.sub("", text) or text


def names_series(name: str) -> bool:
    """Whether a column is called as one of the names of series.

    >>> names_series("Item_ID"), names_series("item")
    (True, False)
    """
    return plain(name) in ALIASES["unique_id"]


def words(name: str) -> list[str]:
    """The words of a name.

    >>> words("calendar_month"), words("HourOfDay")
    (['calendar', 'month'], ['hour', 'of', 'day'])
    """
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", name)
    return [word.casefold() for word in re.split(r"[\W_]+", apart) if word]


def part_of(name: str) -> str | None:
    """Which part of a time the column's name says it holds, by its first word that is one."""
    found = (part for word in words(name) for part, pattern in PARTS.items() if re.fullmatch(pattern, word))
    return next(found, None)


def is_time_hint(name: str) -> bool:
    """Whether a name speaks of time."""
    return bool(HINT.search(re.sub(r"_", " ", name)))


def match(columns: Sequence[str], wanted: str, option: str, name: str) -> str:
    """The column that the user means, as it is written or else as `plain` has it.

    Raises:
        DataError: There is none, or more than one.
    """
    if wanted in columns:
        return wanted
    for same in (str.strip, plain):
        found = [column for column in columns if same(column) == same(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(
                f"{name} has {len(found)} columns like {wanted!r} ({option}): {listing(found)}; write it as it is there"
            )
    raise DataError(f"{name} has no column {wanted!r} ({option}); it has: {listing(columns)}")


def alias(columns: Sequence[str], standard: str) -> str | None:
    """The first of the usual names of a standard column that is there, whatever its case, blanks and unit."""
    lower = {plain(column): column for column in reversed(columns)}
    lower |= {column.strip().casefold(): column for column in reversed(columns)}
    return next((lower[name] for name in ALIASES[standard] if name in lower), None)


def listing(columns: Sequence[str]) -> str:
    """The first columns' names, on one line."""
    return ", ".join(repr(column)[1:-1][:40] for column in columns[:12]) + ", ..." * (len(columns) > 12)
