"""Observations outside the interval that was forecast for them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.errors import ModelFileError


class Alarm(NamedTuple):
    """An observation outside the interval that was forecast for it."""

    unique_id: str | int
    ds: Any
    y: float
    lo: float
    hi: float


class Interval(NamedTuple):
    """The interval that was last forecast: ds, lo, hi, (h,) each."""

    ds: NDArray[Any]
    lo: NDArray[np.float32]
    hi: NDArray[np.float32]

    @classmethod
    def of(cls, forecast: Mapping[str, Any] | None, level: str | None) -> "Interval | None":
        """That of a forecast at a level, where there are both."""
        if forecast is None or level is None:
            return None
        return cls(forecast["ds"], forecast[f"GRU-lo-{level}"], forecast[f"GRU-hi-{level}"])

    def pack(self) -> bytes:
        """The interval as a store writes it: int64, float32, float32."""
        return self.ds.astype(np.int64).tobytes() + np.stack([self.lo, self.hi]).astype(np.float32).tobytes()

    @classmethod
    def unpack(cls, content: bytes, h: int, kind: Any) -> "Interval":
        """What `pack` wrote; `kind` is the type of time stamps.

        Raises:
            ModelFileError: It is of another length.
        """
        if len(content) != 16 * h:
            raise ModelFileError(f"the interval of a series: damaged: {len(content)} bytes, where {16 * h} must be")
        ds = np.frombuffer(content, np.int64, h).astype(kind)
        lo, hi = np.frombuffer(content, np.float32, 2 * h, 8 * h).reshape(2, h)
        return cls(ds, lo, hi)


def outside(name: str | int, time: Any, y: float, ahead: Interval | None) -> Alarm | None:
    """The alarm of an observation that left the interval forecast for its time, if one was."""
    if ahead is None:
        return None
    place = np.flatnonzero(ahead.ds == time)
    if not place.size:
        return None
    lo, hi = float(ahead.lo[place[0]]), float(ahead.hi[place[0]])
    return Alarm(name, time, y, lo, hi) if y < lo or y > hi else None
