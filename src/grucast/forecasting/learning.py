"""Training on more series than fit into memory, here or on other machines: part by part, to the bits of all at once."""

import os
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from grucast.data.calendar import usual_cycles
from grucast.data.covariates import Covariates
from grucast.data.encoding import Schema, make_schema
from grucast.data.frequency import Frequency
from grucast.data.holidays import holidays_for
from grucast.data.outline import Outline
from grucast.data.panel import Panel, make_panel
from grucast.data.parquet import File, find_parquet, read
from grucast.data.parts import SAMPLE, cut_in_order, usual_memory
from grucast.data.reading.intake import DEFAULT
from grucast.data.reading.options import ReadOptions
from grucast.data.sources import stated, take
from grucast.forecasting.engine import HERE, Engine
from grucast.forecasting.plan import Plan, make_plan, untrained
from grucast.model.config import CheckpointConfig, NetworkConfig, TrainingConfig
from grucast.model.models import ForecastModel

if TYPE_CHECKING:
    from grucast.training.crew import Crew
    from grucast.training.team import Team
    from grucast.training.worker import Read

Trained = tuple[ForecastModel, list[float], tuple[str, ...]]
Files = Sequence[File]


class Learning(NamedTuple):
    """How a forecaster is trained.

    Attributes:
        engine: What computes.
        memory: Bytes to work with, beside what processes have already; a quarter of the machine's when None.
        reading: How the data are to be read.
        val_size: Last steps of each series held out; chosen when None.
        progress: As in `GRUForecaster.fit`.
        start: When the time began to count.
        saving: Where the state of training is kept.
        drop: Last steps of each series that nobody looks at.
    """

    engine: Engine = HERE
    memory: int | None = None
    reading: ReadOptions = DEFAULT
    val_size: int | None = None
    progress: Any = False
    start: float | None = None
    saving: CheckpointConfig | None = None
    drop: int = 0


class Unfitted(Protocol):
    """What is asked of a forecaster: its settings, as `GRUForecaster` has them."""

    h: int
    input_size: int | None
    season_length: int | None
    level: tuple[float, ...]
    covariates: Covariates
    network: NetworkConfig
    training: TrainingConfig


def fit_parts(forecaster: Unfitted, source: Any, how: Learning) -> Trained:
    """Train a forecaster, which stays as it is, on the series of Parquet files, or of anything that `read` takes.

    Files that do not fit into the memory are first cut into parts that hold whole series, in a folder beside them, or
    where the system has such folders if that cannot be written to. How they are read is found on their first rows,
    step and, where steps are counted, seasons on the first part.

    Args:
        forecaster: Its settings.
        source: A folder of Parquet files, or a glob or path of such; or a frame.
        how: How it is trained.

    Returns:
        The model, the loss of each step, and what was chosen otherwise than the data ask for.

    Raises:
        DataError: The files cannot be read or used.
    """
    from grucast.training.progress import following

    limit = (how.memory or usual_memory()) // how.engine.workers
    with TemporaryDirectory(dir=scratch_place(source), prefix=".grucast-") as scratch:
        parts, own_reading, reading = parts_of(source, how, limit, Path(scratch))
        team = assemble(how.engine, parts, partial(read_part, own_reading, forecaster.covariates, how.drop))
        with closing(team), following(how.progress) as callback:
            return learn(forecaster, team, reading, how._replace(progress=callback))


def assemble(engine: Engine, parts: Sequence[Files], read: "Read") -> "Team":
    """Workers that have the parts among them."""
    from grucast.training.team import Team
    from grucast.training.worker import Worker

    def hire() -> "Crew":
        number = engine.workers
        own = [{part: parts[part] for part in range(worker, len(parts), number)} for worker in range(number)]
        return engine.crew([partial(Worker, each, read) for each in own])

    return Team(hire)


def learn(forecaster: Unfitted, team: "Team", reading: ReadOptions, how: Learning) -> Trained:
    """Plan, and train what was planned."""
    from grucast.training.forecast import default_steps, train_task
    from grucast.training.task import Task, default_batch_size
    from grucast.training.team import TeamMembers, TeamWindows

    outline, training, h = team.outline(), forecaster.training, forecaster.h
    plan = make_plan(outline, h, forecaster.input_size, forecaster.season_length, how.val_size, forecaster.network)
    schema = schema_of(outline, forecaster.covariates, plan)
    model = untrained(outline, plan, h, forecaster.level, schema, training, reading)
    size = training.batch_size or default_batch_size(outline)
    team.prepare(model, plan.held_out, size)
    members = TeamMembers(team, model.definition, training.seed, model.members)
    length = training.max_steps or default_steps(outline, h), plan.held_out
    task = Task.on(TeamWindows(team), model, size)
    return *train_task(task, members, training, length, how.progress, how.start, how.saving), plan.notes


def scratch_place(source: Any) -> Path | None:
    """Where parts may lie: beside the files, so that machines that see these see them, too."""
    if not isinstance(source, str | Path):
        return None
    beside = Path(source).absolute().parent
    return beside if beside.is_dir() and os.access(beside, os.W_OK) else None


def parts_of(source: Any, how: Learning, memory: int, scratch: Path) -> tuple[list[Files], ReadOptions, ReadOptions]:
    """The files of each part, how to read them, and how to read others like the source."""
    asked, engine = how.reading, how.engine
    if isinstance(source, str | Path):
        files = find_parquet(str(source))
        reading = own = take(read(files, SAMPLE), asked).options
    else:
        intake = take(source, asked)
        files, reading, own = [File(str(scratch / "data.parquet"))], intake.options, ReadOptions(freq=asked.freq)
        intake.table.frame.to_polars().write_parquet(files[0].path)
    ids = own.id_col or [name for name in files[0].columns() if name == "unique_id"]
    return list(cut_in_order(files, ids, memory, scratch / "parts", engine.workers, engine.map)), own, reading


def read_part(
    reading: ReadOptions, covariates: Covariates, drop: int, files: Files, frequency: Frequency | None
) -> Panel:
    """The series of a part, without their last steps."""
    intake = take(read(files), reading)
    own = stated(intake.options) or frequency
    panel = make_panel(intake.table, own, covariates, bool(intake.options.freq))
    return panel.drop_last(drop) if drop else panel


def schema_of(outline: Outline, covariates: Covariates, plan: Plan) -> Schema:
    """What a network reads besides y."""
    country = covariates.holidays
    holidays = holidays_for(country, outline.frequency, outline.zone) if country else None
    return make_schema(outline.contents, covariates, usual_cycles(outline, plan.seasons), holidays)
