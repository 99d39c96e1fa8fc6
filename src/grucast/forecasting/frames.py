"""Forecasts as data frames of the kind that the user gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
from numpy.typing import NDArray

from grucast.data.frequency import Times

Array = NDArray[Any]


@dataclass(frozen=True)
class FrameKind:
    """What to keep of a frame: its library and the types of its ids and time stamps."""

    backend: Any
    id_type: Any
    time_type: Any

    @classmethod
    def of(cls, native: Any) -> "FrameKind":
        """The kind of a frame with the columns unique_id and ds."""
        frame = nw.from_native(native, eager_only=True)
        return cls(frame.implementation, frame.schema["unique_id"], frame.schema["ds"])

    def make(self, ids: Sequence[Any], times: Mapping[str, Times], columns: Mapping[str, Array]) -> Any:
        """Build a frame: ids, then columns of time stamps, then columns of numbers."""
        series = [nw.new_series("unique_id", list(ids), self.id_type, backend=self.backend)]
        series += [self._time_series(name, values) for name, values in times.items()]
        series += [nw.new_series(name, values, nw.Float64, backend=self.backend) for name, values in columns.items()]
        return nw.from_dict({s.name: s for s in series}, backend=self.backend).to_native()

    def _time_series(self, name: str, values: Times) -> nw.Series[Any]:
        plain = nw.Int64() if values.dtype.kind == "i" else nw.Datetime("us")
        series = nw.new_series(name, values, plain, backend=self.backend)
        zone = getattr(self.time_type, "time_zone", None)
        if zone is not None:
            series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        return series.cast(self.time_type)


def forecast_columns(forecast: Array, level: Sequence[float]) -> dict[str, Array]:
    """Quantiles (..., Q) as the flat columns GRU, GRU-lo-90, GRU-hi-90, widest interval last.

    >>> import numpy as np
    >>> list(forecast_columns(np.zeros((1, 2, 3)), (80.0,)))
    ['GRU', 'GRU-lo-80', 'GRU-hi-80']
    """
    middle = len(level)
    columns = {"GRU": forecast[..., middle].ravel()}
    for step, percent in enumerate(level, 1):
        columns[f"GRU-lo-{percent:g}"] = forecast[..., middle - step].ravel()
        columns[f"GRU-hi-{percent:g}"] = forecast[..., middle + step].ravel()
    return columns
