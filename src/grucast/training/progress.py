"""What training tells of its progress, and a bar that shows it."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from time import monotonic
from typing import Any

from grucast.errors import MissingExtraError


@dataclass(frozen=True)
class Progress:
    """Where training stands after a step.

    Attributes:
        step: Steps done; those that early stopping or the time limit left out count too.
        steps: Steps at the most.
        loss: Training loss of this step.
        validation: Validation loss last measured, NaN before the first.
        seconds: Time since `fit` began.
        remaining: Estimated seconds until training ends, within the time limit.
    """

    step: int
    steps: int
    loss: float
    validation: float
    seconds: float
    remaining: float


Callback = Callable[[Progress], None]
WIDTH = 40  # letters of a bar in a notebook
PAUSE = 0.1  # seconds from one line in a notebook to the next


@contextmanager
def progress_bar(title: str, console: Any = None) -> Iterator[Callback]:
    """Show step, losses and the remaining time while the block runs.

    Args:
        title: What is going on.
        console: A rich Console that the block prints to as well; standard error when None.

    Raises:
        MissingExtraError: rich is not installed.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar
    except ImportError as error:
        raise MissingExtraError("rich (to show progress)", "cli") from error
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    with Bar(*columns, console=console or Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, loss="")

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.step, total=progress.steps, loss=describe(progress))

        yield show


@contextmanager
def notebook_line(title: str) -> Iterator[Callback]:
    """Show the same in a cell of a notebook, as a line of text that is written anew; it needs no widgets."""
    handle = import_module("IPython.display").display({"text/plain": title}, raw=True, display_id=True)
    after = 0.0

    def show(progress: Progress) -> None:
        nonlocal after
        if monotonic() < after and progress.step < progress.steps:
            return
        after = monotonic() + PAUSE
        done = "━" * (WIDTH * progress.step // progress.steps)
        line = f"{title} {done:─<{WIDTH}} {progress.step}/{progress.steps} {describe(progress)}"
        handle.update({"text/plain": line}, raw=True)

    yield show


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


@contextmanager
def following(progress: Any) -> Iterator[Callback | None]:
    """What is called after each step, of what `fit` takes as progress: True is a bar, a function itself, False none."""
    if progress is True:
        with notebook_line("training") if in_notebook() else progress_bar("training") as show:
            yield show
    else:
        yield progress or None


def describe(progress: Progress) -> str:
    """Losses and the remaining time."""
    loss = f"loss {progress.loss:.4f}"
    if not math.isnan(progress.validation):
        loss += f", validation {progress.validation:.4f}"
    minutes, seconds = divmod(math.ceil(progress.remaining), 60)
    return f"{loss}, {minutes}:{seconds:02} left"
