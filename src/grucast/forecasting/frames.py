"""Forecasts as data frames of the kind that the user gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.frequency import Times
from grucast.data.panel import Panel
from grucast.data.stamps import is_zoned
from grucast.data.table import Table
from grucast.errors import DataError

Array = NDArray[Any]


@dataclass(frozen=True)
class FrameKind:
    """What to keep of a frame: its library and the types of its ids and time stamps, as that library has them."""

    backend: Any
    id_type: Any
    time_type: Any
    zoned: bool

    @classmethod
    def of(cls, frame: Any) -> "FrameKind":
        """The kind of a frame as `read` returns it, or of its table."""
        data, ids, ds, _ = Table.of(frame)
        return cls(data.implementation, ids.to_native().dtype, ds.to_native().dtype, is_zoned(ds))

    def make(self, ids: Sequence[Any], times: Mapping[str, Times], columns: Mapping[str, Array]) -> Any:
        """Build a frame: ids, then columns of time stamps, then columns of numbers.

        Raises:
            DataError: A time stamp is later than the type of the time stamps can be.
        """
        library = self.backend.to_native_namespace()
        data = {"unique_id": self._ids(list(ids), library)}
        data |= {name: self._time_series(name, values) for name, values in times.items()}
        data |= {name: np.asarray(values, np.float64) for name, values in columns.items()}
        return library.DataFrame(data)

    def _ids(self, ids: list[Any], library: Any) -> Any:
        if self.backend.is_pandas_like():
            return library.array(ids, dtype=self.id_type)  # pandas would align a series with the other columns
        return self._typed(nw.new_series("unique_id", ids, backend=self.backend), self.id_type)

    def _time_series(self, name: str, values: Times) -> Any:
        if values.dtype.kind == "M":
            refuse_late(values, "2262-04-11" if "ns" in str(self.time_type) else "9999-12-31", self.time_type)
        if isinstance(self.time_type, np.dtype):
            return values.astype(self.time_type, copy=False)
        plain = nw.Int64() if values.dtype.kind == "i" else nw.Datetime("us")
        series = nw.new_series(name, values, plain, backend=self.backend)
        return self._typed(series.dt.replace_time_zone("UTC") if self.zoned else series, self.time_type)

    def _typed(self, series: nw.Series[Any], dtype: Any) -> Any:
        native = series.to_native()
        if native.dtype == dtype:
            return native
        return native.astype(dtype) if self.backend.is_pandas_like() else native.cast(dtype)


def refuse_late(times: Times, latest: str, dtype: Any) -> None:
    """Refuse time stamps after the last day that a type has."""
    if times.size and times.max() > np.datetime64(latest):
        raise DataError(f"the forecast reaches {times.max()}, but {dtype} ends with {latest}: check the years in ds")


def forecast_columns(forecast: Array, level: Sequence[float]) -> dict[str, Array]:
    """Quantiles (..., Q) as the flat columns GRU, GRU-lo-90, GRU-hi-90, widest interval last.

    >>> import numpy as np
    >>> list(forecast_columns(np.zeros((1, 2, 3)), (80.0,)))
    ['GRU', 'GRU-lo-80', 'GRU-hi-80']
    """
    return {name: forecast[..., place].ravel() for name, place in column_places(level).items()}


def column_places(level: Sequence[float]) -> dict[str, int]:
    """Which quantile each column of a forecast is."""
    middle = len(level)
    places = {"GRU": middle}
    for step, percent in enumerate(level, 1):
        places |= {f"GRU-lo-{percent:g}": middle - step, f"GRU-hi-{percent:g}": middle + step}
    return places


def panel_frame(panel: Panel, kind: FrameKind) -> Any:
    """The series of a panel as a frame: unique_id, ds, y; steps that were not observed are NaN."""
    ids = [panel.ids[owner] for owner in panel.owners]
    return kind.make(
        ids, {"ds": panel.frequency.times(panel.starts[panel.owners], panel.positions)}, {"y": panel.values}
    )
