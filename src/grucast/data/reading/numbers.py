"""Numbers as people write them: decimal and thousands marks, currencies, percent signs, words for a missing value."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.errors import DataError

Mark = Literal[".", ","]

MISSING = frozenset(
    ("", "na", "n/a", "nan", "null", "none", "?", "-", "--", "–", ".", "..", "...", "#n/a", "nil", "<na>")
)
INFINITE = frozenset(sign + word for sign in ("", "+", "-") for word in ("inf", "infinity"))
BLANKS = "\u0020\u00a0\u202f\u2009"
CURRENCY = (
    r"(?:[$€£¥₹₽₩₺¢]|(?:R|US|A|C|HK)\$|USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|SEK|NOK|DKK|PLN|CZK|HUF|BRL|AUD|CAD"
    r"|kr\.?|zł|Kč|Ft|Fr\.?|Rs\.?)"
)
BODY = rf"\d[\d.,'’{BLANKS}]*\d|\d[.,]?|[.,]\d+"
CELL = re.compile(
    rf"(?P<paren>\()?[{BLANKS}]*(?P<sign>[-+−])?[{BLANKS}]*{CURRENCY}?[{BLANKS}]*(?P<sign2>[-+−])?[{BLANKS}]*"
    rf"(?P<body>{BODY})(?P<power>[eE][-+]?\d+)?[{BLANKS}]*(?:%|{CURRENCY})?[{BLANKS}]*(?(paren)\))(?P<after>[-−])?"
)
GROUPS = re.compile(rf"\d{{1,3}}(?:[.,'’{BLANKS}]\d{{3}})+")
DIVIDERS = str.maketrans("", "", f"'’{BLANKS}")
OTHER: Mapping[str, Mark] = {".": ",", ",": "."}


class Evidence(NamedTuple):
    """What the cells of a column say of its decimal mark: a cell that shows each mark, and one that leaves it open."""

    shown: dict[str, str]
    open: dict[str, str]


def is_missing(text: str, missing: frozenset[str] = frozenset()) -> bool:
    """Whether a cell holds one of the usual words for a missing value, or one that the user gave."""
    return text.lower() in MISSING or text in missing


def weigh(texts: Iterable[str]) -> Evidence:
    """Collect what cells say of the decimal mark.

    A mark that stands twice, or before another kind, divides thousands. One that stands once is the decimal mark unless
    one to three digits stand before it and three behind: then it may be either.

    >>> weigh(["1.234,5"]).shown, weigh(["1.234"]).open
    ({',': '1.234,5'}, {'.': '1.234'})
    """
    found = Evidence({}, {})
    for text in texts:
        cell = CELL.fullmatch(text)
        if cell and (marks := re.sub(r"[^.,]", "", body := cell["body"])):
            last = marks[-1]
            if len(marks) > 1:
                mark = OTHER[last] if marks.count(last) > 1 else last
                found.shown.setdefault(mark, text)
                continue
            before, after = body.split(last)
            digits = before.translate(DIVIDERS)
            grouped = len(after) == 3 and 0 < len(digits) <= 3 and digits[0] != "0" and not cell["power"]
            (found.open if grouped else found.shown).setdefault(last, text)
    return found


def decide_decimal(name: str, evidence: Evidence, others: Iterable[Evidence], separator: str | None) -> Mark:
    """The decimal mark of a column: told by its own cells, then by the other columns, then by the file's separator.

    Commas between fields leave the point to numbers, and a comma within quotes to thousands. Where fields have another
    separator, as where the comma is the decimal mark, the separator decides nothing.

    Args:
        name: The column and its file, for messages.
        evidence: What its cells say.
        others: What the cells of the other columns say.
        separator: Between fields; None where the file is not delimited text.

    Raises:
        DataError: Cells contradict each other, or nothing decides; both readings are named.
    """
    if len(evidence.shown) > 1:
        one, other = evidence.shown.values()
        raise DataError(f"{name} has numbers as {one!r} and as {other!r}: write all with one decimal mark")
    marks = set(evidence.shown) or {mark for other in others for mark in other.shown}
    if len(marks) == 1:
        return "." if marks == {"."} else ","
    if not evidence.open or (separator in (",", None) and set(evidence.open) == {"."}) or separator == ",":
        return "."
    mark, text = next(iter(evidence.open.items()))
    what = {".": "point", ",": "comma"}
    raise DataError(
        f"{name} has numbers such as {text!r}: a decimal {what[mark]}, or one between thousands? "
        f"say which mark is the decimal one with decimal='{mark}' or decimal='{OTHER[mark]}' (--decimal)"
    )


def parse_number(text: str, decimal: str = ".") -> float | None:
    """The number that a cell holds, None if it holds none.

    >>> parse_number("($1,234.50)"), parse_number("18 430,5", ","), parse_number("12.3%"), parse_number("1_000")
    (-1234.5, 18430.5, 12.3, None)
    """
    cell = CELL.fullmatch(text)
    if not cell:
        return float(text) if text.lower() in INFINITE else None
    whole, mark, fraction = cell["body"].partition(decimal)
    if not whole.isdigit() and whole and not GROUPS.fullmatch(whole):
        return None
    if mark and fraction and not fraction.isdigit():
        return None
    digits = re.sub(r"\D", "", whole) or "0"
    value = float(f"{digits}.{fraction or 0}{cell['power'] or ''}")
    signs = [cell["paren"], cell["sign"] in ("-", "−"), cell["sign2"] in ("-", "−"), cell["after"]]
    return -value if sum(map(bool, signs)) == 1 else value


class Numbers(NamedTuple):
    """The numbers of a column (NaN where missing or none), and its rows that hold neither."""

    values: NDArray[np.float64]
    bad: NDArray[np.int64]

    @property
    def share(self) -> float:
        """The part of the cells that are not missing which hold numbers; 0 where all are missing."""
        seen = int(np.isfinite(self.values).sum())
        return seen / max(seen + len(self.bad), 1)


def parse_numbers(cells: Sequence[str | None], decimal: str, missing: frozenset[str] = frozenset()) -> Numbers:
    """Read a column of cells, each distinct one once.

    >>> parse_numbers(["1", None, "closed"], ".")
    Numbers(values=array([ 1., nan, nan]), bad=array([2]))
    """
    known: dict[Any, float | None] = {
        cell: np.nan if cell is None or is_missing(cell, missing) else parse_number(cell, decimal)
        for cell in dict.fromkeys(cells)
    }
    found = [known[cell] for cell in cells]
    bad = [row for row, value in enumerate(found) if value is None]
    return Numbers(
        np.array([np.nan if value is None else value for value in found], np.float64), np.array(bad, np.int64)
    )
