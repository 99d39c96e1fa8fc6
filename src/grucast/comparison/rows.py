"""One contender's trainings as a row of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from grucast.comparison.contenders import Contender, Run


@dataclass(frozen=True)
class Compared:
    """One contender over all seeds.

    Attributes:
        model: RNN, LSTM or GRU.
        kernels: Whose kernels ran: torch, grucast.nn (grucast's, called by torch) or grucast (without torch).
        parameters: Their number.
        step_times: Median seconds of a training step, of each seed.
        seconds: Of a whole training, the median over the seeds.
        level_seconds: Until its loss was first as low as the comparison's level, the median; NaN if it never was.
        errors: Each seed's errors, by measure; the first one ranks.
    """

    model: str
    kernels: str
    parameters: int
    step_times: tuple[float, ...]
    seconds: float
    level_seconds: float
    errors: Mapping[str, tuple[float, ...]]

    @property
    def step_seconds(self) -> float:
        """Seconds of a training step, the median over the seeds."""
        return median(self.step_times)

    @property
    def error(self) -> float:
        """The mean error of its seeds, in the first measure."""
        return fmean(self.ranking)

    @property
    def ranking(self) -> tuple[float, ...]:
        """Each seed's error in the first measure."""
        return next(iter(self.errors.values()))


def summary(contender: Contender, runs: Sequence[Run], level: float) -> Compared:
    """A contender's runs as one row."""
    return Compared(
        contender.model,
        contender.kernels,
        runs[0].parameters,
        tuple(run.step_seconds for run in runs),
        median(run.seconds for run in runs),
        median(run.seconds_to(level) for run in runs),
        {name: tuple(run.errors[name] for run in runs) for name in runs[0].errors},
    )


def record(row: Compared) -> dict[str, Any]:
    """A row as one of a table."""
    numbers = "model", "kernels", "parameters", "step_seconds", "seconds", "level_seconds"
    named = {name: getattr(row, name) for name in numbers}
    for name, errors in row.errors.items():
        named |= {name: fmean(errors), f"{name}-min": min(errors), f"{name}-max": max(errors)}
    return named
