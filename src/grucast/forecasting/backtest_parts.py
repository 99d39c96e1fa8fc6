"""Backtests of more series than fit into memory: Parquet in, scores and Parquet out, part by part."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Unpack

from grucast.data.frequency import Frequency
from grucast.data.panel import make_panel
from grucast.data.parquet import find_parquet
from grucast.data.parts import cut, usual_memory
from grucast.data.reading.options import Options, ReadOptions
from grucast.data.sources import take_again
from grucast.forecasting.backtest import Cutoff, Seconds, forecast_past, refuse_silent, steps_after, to_frame
from grucast.forecasting.baselines import SIMPLE, check_baselines
from grucast.forecasting.engine import HERE, Engine
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.frames import FrameKind
from grucast.forecasting.learning import Learning, fit_parts
from grucast.forecasting.parts import fewest, id_columns, new_folder, put
from grucast.forecasting.scoring import Score, Sums, added, scores_of, sum_models
from grucast.forecasting.tables import shortened
from grucast.model.models import ForecastModel

SHARE = 2  # of the memory of a forecast's part, since a backtest holds several forecasts of each series


@dataclass(frozen=True)
class PartsBacktest:
    """What past forecasts of many series were worth.

    Attributes:
        scores: Each model's, the best MASE first.
        series: Series with a forecast.
        windows: Pairs of series and cutoff with a forecast.
        left_out: Pairs without, since the series had no value then in the window that the network reads.
        rows: Of past forecasts that were written.
        frequency: Of the series.
    """

    scores: list[Score]
    series: int
    windows: int
    left_out: int
    rows: int
    frequency: Frequency


def backtest_parts(  # noqa: PLR0913 - each is an option of the command line, too
    forecaster: GRUForecaster,
    source: str | Path,
    out: str | Path,
    n_windows: int = 3,
    step_size: int | None = None,
    baselines: Sequence[str] = SIMPLE,
    *,
    memory: int | None = None,
    engine: Engine = HERE,
    told: Callable[[int, int], None] | None = None,
    **options: Unpack[Options],
) -> PartsBacktest:
    """Score a forecaster along with baselines on the last windows of the series of Parquet files, part by part.

    It is trained once, before the first cutoff. Scores are those of `backtest`, to rounding, from sums over the parts.
    The forecasts are written as Parquet files, a part's whole or not at all: a row for each series, cutoff and step
    that was observed.

    Args:
        forecaster: Its settings are used; it stays as it is.
        source: A folder of Parquet files, a glob or a path, or the URL of such in a store.
        out: Folder for the past forecasts; made, or empty.
        n_windows: As in `backtest`.
        step_size: As in `backtest`.
        baselines: As in `backtest`.
        memory: Bytes to work with, beside what processes have already; a quarter of the machine's when None.
        engine: What trains and does the parts, such as a `RayEngine`, whose machines must all see both folders.
        told: Called with the number of parts done, and of all.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        ConfigError: An argument has no meaning, or there is something in `out` already.
        DataError: The files cannot be read or used, or the series are too short for so many windows.
        MissingExtraError: A baseline needs statsforecast, which is not installed.
    """
    check_baselines(baselines)
    drops, target, seconds = steps_after(forecaster.h, n_windows, step_size), new_folder(out), Seconds()
    learning = Learning(engine, memory, ReadOptions.of(**options), start=time.perf_counter(), drop=drops[0])
    with seconds.of("GRU fit"):
        model = fit_parts(forecaster, str(source), learning)[0]
    work, done = partial(score_part, PartTest(model, tuple(drops), tuple(baselines), target)), NOTHING
    files = find_parquet(str(source))
    with TemporaryDirectory(dir=target.parent, prefix=".grucast-") as scratch:
        share = (memory or usual_memory()) // engine.workers // SHARE
        parts = cut(files, id_columns(model, files[0]), share, Path(scratch), engine.map, fewest(engine)).folders
        for number, tested in enumerate(engine.map(work, parts)):
            done = done.joined(tested)
            if told:
                told(number + 1, len(parts))
    refuse_silent(done.windows, model.input_size)
    seconds.spent.update(done.seconds)
    scores = [seconds.added_to(score) for score in scores_of(done.sums)]
    return PartsBacktest(scores, done.series, done.windows, done.left_out, done.rows, model.frequency)


class PartTest(NamedTuple):
    """What is done with each part.

    Attributes:
        model: What forecasts.
        drops: Steps after each cutoff.
        baselines: As in `backtest`.
        target: Folder for the forecasts.
    """

    model: ForecastModel
    drops: tuple[int, ...]
    baselines: tuple[str, ...]
    target: Path


class PartResult(NamedTuple):
    """What was found in a part, or in several.

    Attributes:
        sums: Those of each model's errors.
        series: As in PartsBacktest, as are the others.
        windows: Likewise.
        left_out: Likewise.
        rows: Likewise.
        seconds: What each model took to forecast.
    """

    sums: dict[str, Sums]
    series: int
    windows: int
    left_out: int
    rows: int
    seconds: dict[str, float]

    def joined(self, other: "PartResult") -> "PartResult":
        """Both together."""
        seconds = defaultdict(float, self.seconds)
        for name, own in other.seconds.items():
            seconds[name] += own
        return PartResult(
            added(self.sums, other.sums),
            self.series + other.series,
            self.windows + other.windows,
            self.left_out + other.left_out,
            self.rows + other.rows,
            dict(seconds),
        )


NOTHING = PartResult({}, 0, 0, 0, 0, {})


def score_part(test: PartTest, folder: Path) -> PartResult:
    """Forecast the past of a part's series, write that, and add up the errors."""
    import polars as pl

    if not any(folder.iterdir()):
        return NOTHING
    model, drops, baselines, target = test
    table = take_again(pl.read_parquet(folder / "*.parquet"), model.reading, texts=model.schema.texts).table
    panel, seconds = (
        make_panel(table, model.frequency, model.schema.covariates, bool(model.reading.freq), model.schema.known),
        Seconds(),
    )
    past = forecast_past(panel, [Cutoff(model, drop, drops[-1]) for drop in drops], baselines, seconds)
    if not past.windows:
        return PartResult({}, 0, 0, len(panel) * len(drops), 0, dict(seconds.spent))
    frame: Any = shortened(to_frame(FrameKind.of(table), panel, past.table))
    put(frame, target / f"{folder.name}.parquet")
    sums = sum_models(past.table, past.naive_errors)
    left_out = len(panel) * len(drops) - past.windows
    return PartResult(sums, past.series, past.windows, left_out, len(frame), dict(seconds.spent))
