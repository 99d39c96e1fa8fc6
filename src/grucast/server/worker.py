"""A training of its own process: reads job.json in a folder, tells its progress in lines of JSON, leaves results there.

python -m grucast.server.worker FOLDER
"""

import json
import math
import os
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grucast.data.checks.report import to_json
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import take
from grucast.errors import GrucastError
from grucast.forecasting.one_call import ForecastResult, forecast_intake
from grucast.forecasting.tables import shortened
from grucast.forecasting.verdict import best_simple, gain, score_of_gru, shown_interval
from grucast.model.config import TrainingConfig
from grucast.server.child import bound
from grucast.training.progress import Progress

MEMORY = 8 * 2**30  # bytes of address space that training may take
EVERY = 0.1  # seconds between two lines of progress
NICE = 5  # so that forecasts of others go first


def main(folder: str) -> None:
    """Train and forecast as the job says."""
    os.chdir(folder)
    os.nice(NICE)
    bound(MEMORY)
    warnings.simplefilter("ignore")
    try:
        result = run(json.loads(Path("job.json").read_text()))
    except GrucastError as error:
        tell("failed", error=str(error))
    except MemoryError:
        tell("failed", error="training took more memory than this server gives: give fewer or shorter series")
    else:
        leave(result)
        tell("done")


def run(job: dict[str, Any]) -> ForecastResult:
    """The forecast of a job."""
    intake = take(job["file"], ReadOptions.of(**job["options"]))
    training = TrainingConfig(max_time=job["max_time"], seed=job["seed"])
    level = tuple(job["level"])
    return forecast_intake(intake, job["h"], job["season_length"], level, training=training, progress=Telling())


class Telling:
    """Tells of training: of the test on the past first, then of the training that counts."""

    def __init__(self) -> None:
        self._part, self._step, self._next = 0, sys.maxsize, 0.0

    def __call__(self, progress: Progress) -> None:
        """A line now and then, and one for the last step of each training."""
        self._part += progress.step < self._step
        self._step = progress.step
        now = time.monotonic()
        if now >= self._next or progress.step == progress.steps:
            self._next = now + EVERY
            tell("progress", part=self._part, **to_json(asdict(progress)))


def tell(event: str, **about: Any) -> None:
    """A line of JSON on standard output."""
    print(json.dumps({"event": event} | about, allow_nan=False), flush=True)


def leave(result: ForecastResult) -> None:
    """Write what was found into the folder."""
    result.forecaster.save("model.safetensors")
    shortened(result.forecast).write_parquet("forecast.parquet")
    result.history.select("unique_id", "ds", "y").write_parquet("history.parquet")
    if result.backtest:
        result.backtest.frame.write_parquet("backtest.parquet")
    Path("result.json").write_text(json.dumps(summary(result), allow_nan=False))


def summary(result: ForecastResult) -> dict[str, Any]:
    """What is to be known of a forecast, as JSON has it."""
    model = result.forecaster.model_
    members = ("model", "mae", "rmse", "mase", "coverage")
    return {
        "h": result.h,
        "season": list(model.seasons),
        "frequency": model.frequency.name,
        "level": list(model.level),
        "target": result.target,
        "verdict": result.verdict,
        "judgement": judgement(result),
        "notes": list(result.notes),
        "warnings": list(result.warnings),
        "scores": [{name: to_json(getattr(score, name)) for name in members} for score in result.scores],
        "losses": [round(loss, 5) for loss in result.forecaster.history_ if math.isfinite(loss)],
    }


def judgement(result: ForecastResult) -> dict[str, Any] | None:
    """The verdict in numbers; None where there was no test or nothing to compare with."""
    if not result.backtest or not (gru := score_of_gru(result.backtest)).steps:
        return None
    simple = best_simple(result.backtest, gru)
    counts = {"windows": result.backtest.windows, "series": result.backtest.series}
    compared = {"simple": simple.model, "gain": gain(gru, simple)} if simple else {}
    held = [{"level": level, "share": share} for level, share in shown_interval(gru)]
    return counts | compared | {"held": held}


if __name__ == "__main__":
    main(sys.argv[1])
