"""Holidays of a country or a part of it, by the package of that name."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Column
from grucast.data.frequency import MICROSECONDS, Frequency, Times
from grucast.data.zones import to_local
from grucast.errors import ConfigError, DataError, MissingExtraError

SCALE = 1 / 6  # about the standard deviation of a flag that is 1 on ten days a year
DAY = np.timedelta64(1, "D")
OFFSETS = {"holiday": 0, "holiday tomorrow": 1, "holiday yesterday": -1}  # days from a step's own


@dataclass(frozen=True, slots=True)
class Holidays:
    """What a network sees of holidays.

    Attributes:
        code: Country, or country and subdivision: DE, DE-BY.
        zone: Time zone in whose local time days are counted; "" counts as the time stamps are written.
    """

    code: str
    zone: str = ""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The numbers that `flags` gives, as columns known in advance."""
        return tuple(Column(f"{self.code} {name}", "future", scale=SCALE) for name in OFFSETS)

    def encode(self, times: Times) -> NDArray[np.float32]:
        """The flags on the scale of their columns."""
        return self.flags(times) / np.float32(SCALE)

    def flags(self, times: Times) -> NDArray[np.float32]:
        """Whether the day of each time stamp (...) is a holiday, and the day after and before it, 1 or 0, (..., 3).

        Raises:
            MissingExtraError: The package is not installed.
            ConfigError: It knows no such country.
        """
        days = (to_local(times, self.zone) if self.zone else times).astype("M8[D]")
        if not days.size:
            return np.zeros((*days.shape, len(OFFSETS)), np.float32)
        first, last = days.min() - DAY, days.max() + DAY
        found = np.zeros(int((last - first).astype(np.int64)) + 1, np.float32)
        for year in years_of(days):
            own = days_off(self.code, year)
            found[(own[(own >= first) & (own <= last)] - first).astype(np.int64)] = 1
        place = (days - first).astype(np.int64)
        return np.stack([found[place + offset] for offset in OFFSETS.values()], axis=-1)


def holidays_for(code: str, frequency: Frequency, zone: str | None) -> Holidays:
    """Those that series of a frequency see.

    Raises:
        DataError: Their steps lie on no single days.
        MissingExtraError: The package is not installed.
        ConfigError: It knows no such country.
    """
    if not lies_on_days(frequency):
        found = "counts time in integers" if frequency.kind == "integer" else f"has steps of {frequency.name}"
        raise DataError(
            f"holidays={code!r} needs days or parts of days, but the series {found}: leave holidays (--holidays) out"
        )
    days_off(code, 2000)
    return Holidays(code, zone or "")


def lies_on_days(frequency: Frequency) -> bool:
    """Whether each step is of one day."""
    return frequency.kind == "business" or (
        frequency.kind in ("duration", "week") and frequency.step <= MICROSECONDS["D"]
    )


def years_of(days: NDArray[Any]) -> list[int]:
    """The years of some days, and of those next to them."""
    years = days.astype("M8[Y]").astype(np.int64).ravel()
    near = np.flatnonzero(np.bincount(years - years.min())) + years.min()
    return sorted({int(year) + 1970 + step for year in near for step in (-1, 0, 1)})


@lru_cache(maxsize=4096)
def days_off(code: str, year: int) -> NDArray[Any]:
    """The holidays of a year, datetime64[D].

    Source: https://github.com/vacanza/holidays
    """
    try:
        import holidays
    except ImportError as error:
        raise MissingExtraError("holidays", "holidays") from error
    country, _, part = code.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=year)
    except NotImplementedError as error:
        raise ConfigError(
            f"holidays={code!r} is not known to the package holidays ({error}): give a code such as DE or DE-BY"
        ) from error
    return np.array(sorted(found), "M8[D]")
