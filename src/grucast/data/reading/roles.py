"""Which columns hold the time, the series and the target."""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.reading.codes import code_readings
from grucast.data.reading.looks import Look
from grucast.data.reading.names import (
    ALIASES,
    COUNTER,
    RUNNING,
    alias,
    is_time_hint,
    listing,
    names_series,
    part_of,
    plain,
)
from grucast.data.reading.readings import is_regular
from grucast.data.wording import count

Integers = NDArray[np.int64]
Looks = Mapping[str, Look]

RANGES = {
    "year": (1500, 2200),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (1, 53),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
}
FINER = ("hour", "minute")
ROWS_A_SERIES = 3  # on average, where the id column is guessed
HALF = 0.5  # of the cells of a column that show what it is meant to hold
FILLED = 0.2  # share of a guessed panel's series and stamps that must be there


class Found(NamedTuple):
    """Columns that have a role, and what is said of the choice; without columns, what must be asked."""

    columns: tuple[str, ...]
    said: str = ""

    @property
    def asked(self) -> bool:
        """Whether nothing decided."""
        return not self.columns and bool(self.said)


def find_time(looks: Looks, alone: bool) -> Found:
    """The columns that make the time stamp; none and nothing said where the rows' order must serve.

    Args:
        looks: What each column seems to hold.
        alone: Whether the table is of one column only.
    """
    whole = [name for name, look in looks.items() if look.kind == "time"]
    whole = whole or [name for name, look in looks.items() if look.dated >= HALF]  # whose other cells are then named
    usual = alias(list(looks), "ds")
    if usual in whole or (usual and plain(usual) == "ds"):
        return with_clock(looks, usual)
    if whole:
        return one_of(looks, whole, [name for name in whole if is_time_hint(name)] if len(whole) > 1 else whole)
    parts = find_parts(looks)
    return Found(parts) if len(parts) > 1 else find_code(looks, usual, alone)


def one_of(looks: Looks, able: Sequence[str], likely: Sequence[str]) -> Found:
    """The one column that is likely to be the time, of those that can be."""
    if len(likely) == 1:
        return with_clock(looks, likely[0])
    return Found((), f"{len(able)} columns hold time stamps, {listing(able)}: name one with time_col= (--time-col)")


def find_code(looks: Looks, usual: str | None, alone: bool) -> Found:
    """The column of integers that are dates or count steps; none, and nothing said, where the rows' order serves."""
    if usual and looks[usual].numeric:
        return with_clock(looks, usual)
    codes = [name for name, look in looks.items() if is_code(look)]
    if codes:
        return one_of(looks, codes, [name for name in codes if is_time_hint(name) or part_of(name)] or codes)
    pair = len(looks) == 2 and all(look.numeric for look in looks.values())
    counters = [name for name, look in looks.items() if is_counter(look, pair)]
    if counters or usual:
        return Found((counters[0] if counters else str(usual),))
    return (
        Found(()) if alone else Found((), "no column holds time stamps or dates: name it with time_col= (--time-col)")
    )


def with_clock(looks: Looks, column: str) -> Found:
    """A column of days together with one of clocks, or of hours and minutes, if there is one."""
    look = looks[column]
    daily = not look.fine if look.kind == "time" else look.within(1500_01_01, 2200_12_31)
    if not daily:
        return Found((column,))
    clocks = [name for name, other in looks.items() if other.kind == "clock" and not names_series(name)]
    if clocks:
        return Found((column, clocks[0]))
    parts = {part_of(name): name for name in reversed(list(looks)) if name != column and is_part(looks[name])}
    hours = tuple(parts[part] for part in FINER if part in parts) if "hour" in parts else ()
    return Found((column, *hours))


def is_part(look: Look) -> bool:
    """Whether a column named as a part of a time holds what such a part does."""
    part = part_of(look.name)
    if part is None:
        return False
    return look.within(*RANGES[part]) or (part == "month" and look.kind == "text" and look.distinct <= 24)


def find_parts(looks: Looks) -> tuple[str, ...]:
    """Columns of year, and of month, quarter, week, day, hour and minute, in this order."""
    parts = {part_of(name): name for name in reversed(list(looks)) if is_part(looks[name])}
    if "year" not in parts or not {"month", "quarter", "week"} & parts.keys():
        return ()
    second = next(part for part in ("month", "quarter", "week") if part in parts)
    finer = ("day", *FINER) if second == "month" else ()
    chosen = ["year", second]
    for part in finer:
        if part not in parts:
            break
        chosen.append(part)
    return tuple(parts[part] for part in chosen)


def is_code(look: Look) -> bool:
    """Whether integers look like dates, years or seconds since 1970 with a regular step."""
    if look.kind != "integer" or look.integers is None or len(look.integers) < 2:
        return False
    reading = code_readings(look.integers, look.name)[0]
    if reading.label == "integer" or not reading.valid:
        return False
    return (
        reading.label != "year" or is_time_hint(look.name) or part_of(look.name) == "year" or is_regular(reading.times)
    )


def is_counter(look: Look, pair: bool) -> bool:
    """Whether integers count steps: by their name, or with a regular step where they are one of a pair of numbers."""
    if look.kind != "integer" or look.integers is None or len(look.integers) < 2:
        return False
    steps = np.diff(look.integers)
    return bool(COUNTER.match(look.name.strip()) or (pair and len(steps) > 1 and (steps == steps[0]).all()))


def find_ids(looks: Looks, times: Integers, codes: Mapping[str, Integers], taken: Sequence[str]) -> Found:
    """The columns that tell series apart; none where each time stamp stands once.

    Args:
        looks: What each column seems to hold.
        times: A number for each distinct time stamp, of each row.
        codes: A number for each distinct cell, of each row of the columns that may name series.
        taken: Columns that hold the time or the target.
    """
    usual = alias([name for name in looks if name not in taken], "unique_id")
    if usual and (plain(usual) == "unique_id" or usual not in codes or not each_its_own(codes[usual])):
        return Found((usual,))
    stamps, rows = len(np.unique(times)), len(times)
    if stamps == rows:
        return Found(())
    able = [name for name, code in codes.items() if name not in taken and 1 < code.max() + 1 < rows]
    texts = [name for name in able if not looks[name].numeric]
    numbers = [name for name in able if looks[name].kind == "integer" and plain(name) not in ALIASES["y"]]
    singles = [(name,) for name in (*texts, *numbers)]
    telling = []
    for group in (*singles, *combinations(texts[:8], 2), *combinations(texts[:6], 3), *product(texts[:6], numbers[:6])):
        combined = combine([codes[name] for name in group])
        series = int(combined.max()) + 1
        if len(np.unique(combined * (int(times.max()) + 1) + times)) == rows:
            if rows >= max(ROWS_A_SERIES * series, FILLED * series * stamps):
                return Found(group)
            telling.append(" and ".join(group))
    return ask_for_ids(rows - stamps, telling, texts)


def ask_for_ids(rows: int, telling: Sequence[str], texts: Sequence[str]) -> Found:
    """What to say of time stamps that stand more than once; nothing where no column could tell their rows apart.

    What puts the rows on a grid then names the first such time stamp.
    """
    if not texts and not telling:
        return Found(())
    hint = f", such as {telling[0]}" if telling else " (none that is here does)"
    return Found(
        (),
        f"{count(rows, 'row')} of a time stamp that stands before: name the column that tells series apart with "
        f"id_col= (--id-col){hint}, or say what becomes of them with aggregate= (--aggregate sum|mean|last)",
    )


def each_its_own(code: Integers) -> bool:
    """Whether a column has another value in each row, as a running number does."""
    return len(code) > 2 and int(code.max()) + 1 == len(code)


def combine(codes: Sequence[Integers]) -> Integers:
    """One number for each distinct combination of cells."""
    combined = codes[0].astype(np.int64)
    for code in codes[1:]:
        combined = np.unique(combined * (int(code.max()) + 1) + code, return_inverse=True)[1]
    return combined


def find_target(looks: Looks, taken: Sequence[str], running: Sequence[str]) -> Found:
    """The column to forecast: the one of a usual name, or the one column of numbers left over."""
    free = {name: look for name, look in looks.items() if name not in taken}
    usual = alias(list(free), "y")
    if usual:
        return Found((usual,))
    numbers = [name for name, look in free.items() if look.numeric and not is_part(look)]
    likely = [name for name in numbers if name not in running]
    counting = [name for name in numbers if name in running and not RUNNING.match(name.strip())]
    varied = [name for name in likely if free[name].distinct > 1] or counting or likely or numbers
    if not numbers:
        varied = [name for name, look in free.items() if look.kind == "text" and look.share >= HALF]
    if len(varied) == 1:
        return Found((varied[0],))
    if varied:
        return Found(
            (),
            f"{len(varied)} columns hold numbers, {listing(varied)}: name the one to forecast with target_col= "
            "(--target-col), or say wide=True (--wide) if each is a series",
        )
    return Found(
        (),
        f"no column is left that holds numbers, of {listing(list(looks))}: name the one to forecast with target_col= "
        "(--target-col)",
    )
