"""From Parquet files larger than memory to forecasts in one call: test, train, forecast, part by part."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Unpack

from grucast.data.ahead import require_future
from grucast.data.reading.options import Options
from grucast.errors import DataError
from grucast.forecasting.backtest_parts import PartsBacktest, backtest_parts
from grucast.forecasting.engine import HERE, Engine
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.one_call import TESTS, TOO_SHORT
from grucast.forecasting.parts import new_folder, predict_parts
from grucast.forecasting.verdict import verdict, warnings


@dataclass(frozen=True)
class PartsForecast:
    """What is to be known of forecasts in a folder.

    Attributes:
        rows: How many there are.
        verdict: How good such forecasts were on the last windows, in a sentence.
        warnings: What may be wrong, a line each.
        backtest: Those forecasts' scores; None if the series are too short for a test.
        forecaster: The trained forecaster.
    """

    rows: int
    verdict: str
    warnings: tuple[str, ...]
    backtest: PartsBacktest | None
    forecaster: GRUForecaster


def forecast_parts(
    forecaster: GRUForecaster,
    source: str | Path,
    out: str | Path,
    *,
    future: str | Path | None = None,
    memory: int | None = None,
    engine: Engine = HERE,
    told: Callable[[str], None] | None = None,
    **options: Unpack[Options],
) -> PartsForecast:
    """Test a forecaster on the last windows of the series of Parquet files, train it on all, and forecast them.

    Args:
        forecaster: Its settings are used; it is trained at last.
        source: A folder of Parquet files, a glob or a path.
        out: Folder for the forecasts; made, or empty.
        future: As in `predict_parts`.
        memory: Bytes to work with, beside what processes have already; a quarter of the machine's when None.
        engine: What does the work, such as a `RayEngine`, whose machines must all see both folders.
        told: Called with what is done next.
        **options: How the data are to be read, as `grucast.read` takes them.

    Raises:
        ConfigError: There is something in `out` already.
        DataError: The files cannot be read or used.
    """
    require_future(forecaster.covariates.future, future)
    target, say = new_folder(out), told or str
    say("testing on the last windows")
    with TemporaryDirectory(dir=target.parent, prefix=".grucast-") as scratch:
        try:
            tested = backtest_parts(
                forecaster, source, Path(scratch, "past"), TESTS, memory=memory, engine=engine, **options
            )
        except DataError:  # too short for it; whatever else is wrong is said by the training
            tested = None
    say("training")
    forecaster.fit(source, memory=memory, engine=engine, **options)
    say("forecasting")
    rows = predict_parts(forecaster, source, target, future=future, memory=memory, engine=engine)
    if tested is None:
        return PartsForecast(rows, TOO_SHORT, (), None, forecaster)
    said = verdict(tested, tested.frequency, forecaster.h)
    return PartsForecast(rows, said, warnings(tested), tested, forecaster)
