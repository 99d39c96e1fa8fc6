"""What a comparison found: a row a contender, as table, text, page and picture, and the sentence that sums it up."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import narwhals as nw

from grucast.comparison.contenders import Contender, Run
from grucast.comparison.rows import Compared, record, summary
from grucast.data.markup import Strong, page, paragraph, table
from grucast.data.wording import count, decimals, digits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EQUAL = 0.1  # times that differ by no more decide nothing
KERNELS = {"torch": "torch's kernels", "grucast.nn": "grucast's under torch", "grucast": "grucast's without torch"}


@dataclass(frozen=True)
class Comparison:
    """What training RNN, LSTM and GRU alike came to; `grucast.compare` and `compare_textbook` return it.

    Attributes:
        rows: One a contender.
        simple: Name and errors of the best seasonal naive; None where there is none.
        task: What they were tested on.
        level: The loss that the worst of all runs ended at.
        seeds: Trainings of each.
        steps: Gradient steps of a training, at the most.
        threads: That each might use.
        frames: The library that `table` is made by.

    >>> from dataclasses import replace
    >>> from grucast.comparison import compare_textbook
    >>> from grucast.forecasting.textbook import TRAINING
    >>> compare_textbook(1, replace(TRAINING, max_steps=2)).table[1]["parameters"]
    4513
    """

    rows: tuple[Compared, ...]
    simple: tuple[str, Mapping[str, float]] | None
    task: str
    level: float
    seeds: int
    steps: int
    threads: int
    frames: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, runs: Mapping[Contender, Sequence[Run]], task: str, threads: int, frames: Any = None) -> "Comparison":
        """Of each contender's runs."""
        first = next(iter(runs.values()))
        level = max(run.best for own in runs.values() for run in own)
        rows = tuple(summary(contender, own, level) for contender, own in runs.items())
        return cls(rows, first[0].simple, task, level, len(first), first[0].steps, threads, frames)

    @property
    def measure(self) -> str:
        """The error by which they are ranked."""
        return next(iter(self.rows[0].errors))

    @property
    def verdict(self) -> str:
        """Whether a GRU trains faster than an LSTM and forecasts as well, in a sentence."""
        return verdict(self)

    @property
    def table(self) -> Any:
        """A frame of the kind that came in, or a list of rows: names, numbers and each measure's mean, min and max."""
        records = [record(row) for row in self.rows]
        if self.frames is None:
            return records
        columns = {name: [each[name] for each in records] for name in records[0]}
        return nw.from_dict(columns, backend=self.frames).to_native()

    def plot(self, path: str | Path | None = None) -> "Figure":
        """Draw the time of a step beside the errors; save the picture to a path.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        from grucast.plotting import plot_comparison

        return plot_comparison(self, path)

    @property
    def caption(self) -> str:
        """How the table came about."""
        seeds = f"{self.seeds} seeds" if self.seeds > 1 else "one seed"
        return f"{self.task}; {seeds} of {self.steps:,} steps, {count(self.threads, 'thread')}"

    @property
    def details(self) -> dict[str, Any]:
        """Everything that was found, as text, numbers, lists and dictionaries."""
        own = {name: getattr(self, name) for name in ("verdict", "task", "seeds", "steps", "threads", "level")}
        simple = dict(zip(("model", "errors"), self.simple, strict=True)) if self.simple else None
        return own | {"simple": simple, "rows": [asdict(row) for row in self.rows]}

    def cells(self) -> list[dict[str, str]]:
        """The rows as they are shown, the seasonal naive last; what matters most comes first."""
        shown = [self._shown(row) for row in self.rows]
        if self.simple:
            name, errors = self.simple
            blank = dict.fromkeys(shown[0], "") | {"model": name}
            shown.append(blank | {measure: self.digits(error, measure) for measure, error in errors.items()})
        return shown

    def _shown(self, row: Compared) -> dict[str, str]:
        shown = {"model": row.model, "kernels": row.kernels, "ms/step": f"{1000 * row.step_seconds:.2f}"}
        shown[self.measure] = self.digits(row.error)
        if self.seeds > 1:
            shown["range"] = f"{self.digits(min(row.ranking))}-{self.digits(max(row.ranking))}"
        shown[f"s to {self.level:.3g}"] = "-" if math.isnan(row.level_seconds) else f"{row.level_seconds:.2f}"
        shown |= {"s in all": f"{row.seconds:.1f}", "parameters": f"{row.parameters:,}"}
        others = (name for name in row.errors if name != self.measure)
        return shown | {name: self.digits(fmean(row.errors[name]), name) for name in others}

    def digits(self, error: float, measure: str | None = None) -> str:
        """An error in as many decimals as the others of its measure, by default of that by which they are ranked."""
        name = measure or self.measure
        return digits(error, decimals(each for row in self.rows for each in row.errors[name]))

    def __str__(self) -> str:
        rows = self.cells()
        lines = [list(rows[0]), *(list(row.values()) for row in rows)]
        columns = [aligned(cells, right=place > 1) for place, cells in enumerate(zip(*lines, strict=True))]
        shown = ("  ".join(line).rstrip() for line in zip(*columns, strict=True))
        return "\n".join([self.caption, *shown, self.verdict])

    def _repr_html_(self) -> str:
        rows = self.cells()
        shown = table((list(row.values()) for row in rows), list(rows[0]))
        return page(self.caption, shown, paragraph(Strong(self.verdict)))


def verdict(comparison: Comparison) -> str:
    """What was measured of the textbook's claim."""
    lstm = next(row for row in comparison.rows if row.model == "LSTM")
    grus = [row for row in comparison.rows if row.model == "GRU"]
    told: dict[str, list[str]] = {}
    for gru in grus:
        share = median(own / other for own, other in zip(gru.step_times, lstm.step_times, strict=True))
        shown = f"{share:.2f}" if told else f"its step takes {share:.2f} times as long"
        told.setdefault(truth(share), []).append(f"{KERNELS[gru.kernels]} ({shown})")
    claims = ", ".join(f"{claim} with {listed(kernels)}" for claim, kernels in told.items())
    return "; ".join([f"A GRU trains faster than torch's LSTM: {claims}", *errors_said(comparison, grus[0], lstm)])


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def truth(share: float) -> str:
    """Whether a time is less than another, given its share of that.

    >>> truth(0.5), truth(0.97), truth(2.0)
    ('true', 'undecided', 'false')
    """
    return "undecided" if abs(share - 1) <= EQUAL else "true" if share < 1 else "false"


def errors_said(comparison: Comparison, gru: Compared, lstm: Compared) -> list[str]:
    """How the errors of GRU and LSTM, both torch's, compare, and whether the seasonal naive is better than all."""
    if math.isnan(gru.error) or math.isnan(lstm.error):
        return []
    shown = comparison.digits
    pair = f"{comparison.measure} {shown(gru.error)} and {shown(lstm.error)} on {comparison.task}"
    if comparison.seeds < 2:
        said = [f"GRU and LSTM have {pair}, with one seed each"]
    elif min(gru.ranking) <= max(lstm.ranking) and min(lstm.ranking) <= max(gru.ranking):
        said = [f"GRU and LSTM differ no more than seeds do ({pair})"]
    else:
        size = "smaller" if gru.error < lstm.error else "larger"
        said = [f"with each of {comparison.seeds} seeds the GRU's errors are {size} than all of the LSTM's ({pair})"]
    if comparison.simple and comparison.simple[1][comparison.measure] < min(row.error for row in comparison.rows):
        said.append(f"{comparison.simple[0]} is better than all ({shown(comparison.simple[1][comparison.measure])})")
    return said


def aligned(cells: Sequence[str], right: bool) -> list[str]:
    """Cells as wide as the widest."""
    width = max(map(len, cells))
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]
