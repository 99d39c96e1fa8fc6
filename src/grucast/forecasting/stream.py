"""Forecasts that follow each observation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.ahead import Ends, read_future, require_future, rows_ahead
from grucast.data.covariates import Covariate
from grucast.data.encoding import Encoded, encode_columns
from grucast.data.frequency import Times
from grucast.data.kinds import read_covariate, to_covariate
from grucast.data.observations import Observations, length_of, pick, read_row
from grucast.data.scalars import brief
from grucast.data.sources import take_again
from grucast.data.wording import show
from grucast.errors import DataError
from grucast.forecasting.frames import FrameKind, column_places, forecast_columns
from grucast.model.models import ForecastModel
from grucast.model.state_file import load_states, save_states
from grucast.model.states import States

Integers = NDArray[np.int64]
LAST_DAY = np.datetime64("9999-12-31", "us")


class Stream:
    """Takes in observations of any number of series and forecasts after each, from the window that it remembers.

    The forecast is, to the last bit, that of `predict` on all rows so far, in whatever order they came:

    - steps that are skipped, and rows whose y is missing, are not observed;
    - a row that comes late fills its step if the window still holds it, and changes nothing if not;
    - a row that comes twice changes nothing; with another y it is an error;
    - a row before the first of its series, or off the grid of time, is an error;
    - a row more than 50 years after the one before it is an error, and than 1,000 steps where these are more, or
      1,000,000 where time is counted in integers;
    - after an error, or Ctrl-C, everything is as it was before the call.

    Threads may share a stream: their calls follow one another.

    Args:
        model: The trained model.
        level: Coverage of the intervals in percent; those trained when None.
    """

    def __init__(self, model: ForecastModel, level: tuple[float, ...] | None = None) -> None:
        self.model, self.level = model, model.level if level is None else level
        self.states = States.empty(model.input_size, model.frequency, model.schema)
        self._known, self._covariates = model.schema.known, model.schema.covariates
        self._places = column_places(self.level)
        model.frequency.require_reach(model.h)
        self._end = np.int64(2**63 - 1) if model.frequency.kind == "integer" else LAST_DAY

    def update(self, rows: Any, future: Any = None) -> Any:
        """Take in an observation, or several in turn, and forecast after each.

        Args:
            rows: A mapping {"unique_id": ..., "ds": ..., "y": ...} with the model's covariates, or a sequence of such.
            future: Coming values of the future covariates, {"price": [...]} with h values each, or a sequence of such.

        Returns:
            For each observation a mapping: unique_id, and arrays (h,) ds, GRU, GRU-lo-80, ...; time stamps with a zone
            come back in UTC. None where the series has no value in its window, so nothing to forecast from.

        Raises:
            DataError: A row cannot be used, see above.

        >>> from grucast import GRUForecaster, TrainingConfig
        >>> from grucast.data import example
        >>> forecaster = GRUForecaster(h=24, training=TrainingConfig(max_steps=2)).fit(example().tail(500))
        >>> forecast = forecaster.stream().update({"ds": "2024-01-31 13:00", "y": 10.0})
        >>> str(forecast["ds"][0]), len(forecast["GRU"])
        ('2024-01-31T14:00:00.000000', 24)
        """
        if isinstance(rows, Mapping):
            if future is None and self.states.plain:
                return self._update_one(rows)
            return self.update([rows], future if future is None else [future])[0]
        rows = list(rows) if isinstance(rows, Iterable) else [rows]
        if not rows:
            return []
        seen = self._usable(Observations.of_rows(rows, self._known, self.model.reading.time_format))
        covariates, coming = self._encode(seen), self._coming(future, len(rows))
        forecasts: list[dict[str, Any] | None] = []
        with self.states.all_or_nothing(seen.ids):
            series = self.states.rows(seen.ids, seen.times)
            for run in runs_without_repetition(series):
                self.states.record(series[run], seen.times[run], seen.y[run], covariates and covariates.take(run))
                known, times, quantiles = self._forecast(series[run], coming and coming.take(run))
                named = [self._named(*own) for own in zip(seen.ids[run], times, quantiles, strict=True)]
                forecasts += [own if there else None for own, there in zip(named, known, strict=True)]
        return forecasts

    def forecast(self, unique_id: Any, future: Any = None) -> dict[str, Any] | None:
        """Forecast a series from what came of it, as its last `update` did; None without a value in its window.

        Args:
            unique_id: Its id.
            future: Coming values of the future covariates, {"price": [...]} with h values each.

        Raises:
            DataError: No observation of it came, or the future is not as `update` takes it.
        """
        place = self.states.row.get(unique_id)
        if place is None:
            raise DataError(f"series {brief(unique_id)} is not in this stream: send an observation of it first")
        known, times, quantiles = self._forecast(
            np.array([place]), self._coming(None if future is None else [future], 1)
        )
        return self._named(unique_id, times[0], quantiles[0]) if known[0] else None

    def _named(self, unique_id: Any, times: Times, quantiles: NDArray[Any]) -> dict[str, Any]:
        """A forecast as users get it."""
        columns = {column: quantiles[:, place] for column, place in self._places.items()}
        return {"unique_id": unique_id, "ds": times, **columns}

    def _update_one(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """`update` of one observation; where it is simply the next one of its series, without its detours."""
        name, time, y = read_row(row, self.model.reading.time_format)
        with self.states.appended(name, time, y) as series:
            if series is not None:
                times = time + self.model.frequency.strides(self.model.h)
                self._refuse_late(times[-1])
                own = self.model.forecast_window(self.states.latest(series, self.model.h), self.level)[0]
                return self._named(name, times, own)
        found: list[dict[str, Any] | None] = self.update([row])
        return found[0]

    def update_many(self, df: Any, future: Any = None) -> Any:
        """Take in all rows of a frame or file, and forecast each of its series once, after its last row.

        Args:
            df: Anything that `grucast.read` takes, or a mapping of columns.
            future: Coming values of the future covariates, as `predict` takes them.

        Returns:
            A frame as `predict` gives it, or a mapping of columns; series without a value in their window are left out.

        Raises:
            DataError: A row cannot be used, see above.
        """
        columns = isinstance(df, Mapping)
        frame: Any = df if columns else take_again(df, self.model.reading, texts=self.model.schema.texts).table
        told = self.model.reading.time_format
        seen = Observations.of_columns(frame, self._known, told) if columns else None
        seen = self._usable(seen or Observations.of_frame(frame, self._known))
        covariates, by_time = self._encode(seen), np.lexsort((~np.isnan(seen.y), seen.times))
        names = list(dict.fromkeys(seen.ids))
        with self.states.all_or_nothing(names):
            series = self.states.rows([seen.ids[row] for row in by_time], seen.times[by_time])
            grouped = np.argsort(series, kind="stable")
            rows = by_time[grouped]
            self.states.record(series[grouped], seen.times[rows], seen.y[rows], covariates and covariates.take(rows))
            own = np.array([self.states.row[name] for name in names])
            known, times, quantiles = self._forecast(own, self._coming_rows(names, own, future, seen.zone))
        ids = [name for name, there in zip(names, known, strict=True) if there for _ in range(self.model.h)]
        stamps = {"ds": times[known].ravel()}
        flat = forecast_columns(quantiles[known], self.level)
        return {"unique_id": ids} | stamps | flat if columns else FrameKind.of(frame).make(ids, stamps, flat)

    def save(self, path: str | Path) -> None:
        """Write what the stream remembers to one safetensors file, whole or not at all.

        Raises:
            DataError: A series is named by something other than text or an integer.
        """
        save_states(self.states, self.model, path)

    def load(self, path: str | Path) -> None:
        """Go on from a file that `save` wrote; what was remembered before is forgotten.

        Raises:
            ModelFileError: It is damaged, or belongs to another model.
        """
        self.states = load_states(self.model, path)

    def _usable(self, seen: Observations) -> Observations:
        """Refuse time stamps of another kind than the model's."""
        wanted, zone = self.states.starts.dtype.kind, self.model.frequency.zone
        if seen.times.dtype.kind != wanted:
            kinds = {"i": "integers", "M": "dates"}
            found = kinds[seen.times.dtype.kind]
            raise DataError(f"this model counts time in {kinds[wanted]}, but ds = {seen.times[0]} is of {found}")
        if zone and not seen.zone:
            raise DataError(f"this model counts days in {zone}: give ds with its offset from UTC")
        return seen

    def _encode(self, seen: Observations) -> Encoded | None:
        columns, size = seen.covariates, len(seen.ids)
        return encode_columns(columns, columns, self.model.schema, size, size) if columns else None

    def _forecast(self, series: Integers, coming: Encoded | None) -> tuple[NDArray[np.bool_], Times, NDArray[Any]]:
        """Which series have a value in their window; time stamps (B, h) and quantiles (B, h, Q) of their forecasts."""
        model = self.model
        known: list[Any] = []
        parts: list[Any] = []
        for rows in model.chunks(np.arange(len(series))):
            window = self.states.window(series[rows], model.h, coming and coming.take(rows))
            known.append(~np.isnan(window.history).all(axis=1))
            parts.append(model.forecast_window(window, self.level))
        ahead = self.states.lengths[series, None] + np.arange(model.h)
        times = model.frequency.times(self.states.starts[series, None], ahead)
        self._refuse_late(times[:, -1].max())
        return np.concatenate(known), times, np.concatenate(parts)

    def _refuse_late(self, time: Any) -> None:
        """No forecast reaches beyond what a date can be."""
        if time > self._end:
            raise DataError(f"the forecast reaches {show(time)}, but dates end with 9999-12-31: check the year in ds")

    def _coming(self, future: Sequence[Mapping[str, Any]] | None, count: int) -> Encoded | None:
        """The coming values that some observations bring along."""
        names, h = self._covariates.future, self.model.h
        require_future(names, future)
        if not names or future is None:
            return None
        if len(future) != count:
            raise DataError(f"{count} observations came with {len(future)} futures: give one for each")
        values = {name: [pick(own, name) for own in future] for name in names}
        if wrong := [name for name, own in values.items() if any(length_of(x) != h for x in own)]:
            raise DataError(f"future must hold {h} values of {wrong[0]!r}, one for each step of the horizon")
        return self._encode_ahead(
            {name: to_covariate(name, [v for x in own for v in x], self._known[name]) for name, own in values.items()}
        )

    def _coming_rows(self, ids: Sequence[Any], series: Integers, future: Any, zone: str | None) -> Encoded | None:
        """The coming values of some series, from a frame that may hold others and other times as well."""
        names = self._covariates.future
        require_future(names, future)
        if not names:
            return None
        frame = nw.from_native(read_future(future, self.model.reading, self.model.schema.texts), eager_only=True)
        starts, lengths = self.states.starts[series], self.states.lengths[series]
        rows = rows_ahead(frame, Ends(ids, starts, lengths, self.model.frequency, zone), self.model.h).ravel()
        return self._encode_ahead({name: read_covariate(frame, name, self._known[name]).take(rows) for name in names})

    def _encode_ahead(self, columns: Mapping[str, Covariate]) -> Encoded:
        """Coming values as (B, h) rows; what is not known in advance is missing."""
        size = len(next(iter(columns.values())).values)
        unknown = dict.fromkeys(self._covariates.past, Covariate(np.full(size, np.nan)))
        static = dict.fromkeys(self._covariates.static, Covariate(np.full(size, np.nan)))
        return encode_columns(unknown | dict(columns), static, self.model.schema, size, size).unflatten(self.model.h)


def runs_without_repetition(series: Integers) -> Iterator[slice]:
    """Cut a sequence where a value comes for the second time.

    >>> [(run.start, run.stop) for run in runs_without_repetition(np.array([1, 2, 2, 1]))]
    [(0, 2), (2, 4)]
    """
    start: int = 0
    seen: set[int] = set()
    for index, value in enumerate(series.tolist()):
        if value in seen:
            yield slice(start, index)
            start, seen = index, set()
        seen.add(value)
    yield slice(start, len(series))
