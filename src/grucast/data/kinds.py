"""Columns besides y as numbers or as text: what they hold where training learns it, what training saw from then on."""

import math
from collections.abc import Collection, Sequence
from datetime import date, time, timedelta
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import RESERVED, Column, Covariate
from grucast.data.scalars import NUMBERS, brief, is_nothing, is_text, listed
from grucast.errors import DataError

LARGEST = 1e30  # squares of larger values would not fit the network's float32
TEXTS = (nw.String, nw.Categorical, nw.Enum)
NO_CELLS = (bytes, complex, date, time, timedelta, list, tuple, dict, set, np.ndarray, np.complexfloating)
PLAIN = {str, type(None)}


def read_covariate(frame: nw.DataFrame[Any], name: str, known: Column | None = None) -> Covariate:
    """Read a column of numbers, truth values or text, as what training saw it to be if that is known.

    Raises:
        DataError: The column is not there, holds something else, or an infinite number.
    """
    if name not in frame.columns:
        others = [column for column in frame.columns if column not in RESERVED]
        raise DataError(
            f"there is no column {name!r}, named as covariate or weight: there are {listed(others) or 'none'}"
        )
    column, text = frame[name], known is not None and known.categories is not None
    numeric = column.dtype.is_numeric() or column.dtype == nw.Boolean
    if numeric and not text:
        return finite(name, column.cast(nw.Float64).to_numpy())
    if not (numeric or column.dtype in TEXTS or column.dtype == nw.Object or column.is_null().all()):
        raise DataError(f"covariate {name!r} holds {column.to_native().dtype}: give numbers, or text for categories")
    values = column.to_list()
    if column.null_count():
        values = [None if null else value for value, null in zip(values, column.is_null().to_list(), strict=True)]
    learned = Column(name, "past", categories=()) if known is None and column.dtype in TEXTS else known
    return to_covariate(name, values, learned)


def to_covariate(name: str, values: Sequence[Any], known: Column | None = None) -> Covariate:
    """Take Python's numbers, truth values or text as a column; None and NaN are missing.

    What training saw as numbers is parsed where it comes as text; what it saw as text is numbers written as such. Where
    nothing is known, a single text makes text of all.

    Raises:
        DataError: They hold something else, text that is not a number where numbers are wanted, or an infinite number.
    """
    plain = set(map(type, values)) <= PLAIN
    if not plain:
        values = [None if is_nothing(value) else value for value in values]
        cells = (str, *NUMBERS) if known and known.categories is None else object
        odd = next((v for v in values if v is not None and (isinstance(v, NO_CELLS) or not isinstance(v, cells))), None)
        if odd is not None:
            raise DataError(f"covariate {name!r} holds {brief(odd)}: give numbers, or text for categories")
    if is_text(values) if known is None else known.categories is not None:
        return to_codes(values if plain else in_words(name, values, frozenset((known and known.categories) or ())))
    return finite(name, to_numbers(name, values))


def to_codes(texts: Sequence[str | None]) -> Covariate:
    """A column of categories, numbered in the order of their first rows."""
    names = [text for text in dict.fromkeys(texts) if text is not None]
    codes: dict[str | None, float] = {None: np.nan} | {name: float(code) for code, name in enumerate(names)}
    return Covariate(np.fromiter(map(codes.__getitem__, texts), np.float64, len(texts)), tuple(names))


def finite(name: str, values: NDArray[np.float64]) -> Covariate:
    """A column of numbers, none of them infinite."""
    beyond = np.abs(values) > LARGEST
    if beyond.any():
        row = int(beyond.argmax())
        raise DataError(f"row {row + 1} has {name} = {values[row]:g}, infinite or beyond {LARGEST:g}: correct it")
    return Covariate(values)


def as_float(value: Any) -> float:
    """A number as float, infinite where it is too large for one; None is NaN."""
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf


def to_numbers(name: str, values: Sequence[Any]) -> NDArray[np.float64]:
    """Numbers, those written as text among them; truth values are 1 and 0."""
    texts = {row: value.strip() for row, value in enumerate(values) if isinstance(value, str)}
    numbers = np.array([np.nan if row in texts else as_float(value) for row, value in enumerate(values)], np.float64)
    if texts:
        numbers[list(texts)] = parse_texts(name, list(texts.values()))
    return numbers


def parse_texts(name: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """Numbers written as text, as `grucast.read` reads them in files; the usual words for a missing value are NaN.

    Raises:
        DataError: One is not a number, or nothing decides which mark is the decimal one.
    """
    from grucast.data.reading.numbers import decide_decimal, parse_numbers, weigh

    cells = [{"true": "1", "false": "0"}.get(text.lower(), text) for text in texts]
    mark = decide_decimal(f"covariate {name!r}", weigh(dict.fromkeys(cells)), (), None)
    numbers = parse_numbers(cells, mark)
    if numbers.bad.size:
        raise DataError(
            f"covariate {name!r} held numbers, or nothing, in training, and now holds {brief(texts[numbers.bad[0]])}: "
            "give numbers, or train with text"
        )
    return numbers.values


def in_words(name: str, values: Sequence[Any], wanted: Collection[str]) -> list[str | None]:
    """Values as text, numbers and truth values in the usual writing that is wanted, such as 1 for 1.0."""
    finite(name, np.array([as_float(value) if isinstance(value, NUMBERS) else 0.0 for value in values]))
    return [None if value is None else write(value, wanted) for value in values]


def write(value: Any, wanted: Collection[str]) -> str:
    """One of them."""
    forms = [str(value)]
    if isinstance(value, bool | np.bool_):
        forms += [forms[0].lower(), forms[0].upper()]
    elif isinstance(value, NUMBERS) and as_float(value).is_integer():
        forms += [str(int(value)), str(float(value))]
    return next((form for form in forms if form in wanted), forms[0])
