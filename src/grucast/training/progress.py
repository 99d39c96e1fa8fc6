"""What training tells of its progress, and a bar that shows it."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from time import monotonic
from typing import Any

from grucast.errors import ConfigError, MissingExtraError


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
Followers = bool | Callback | Sequence[bool | Callback]  # what `fit` takes as progress
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
    if isinstance(progress, Sequence):
        with ExitStack() as stack:
            own = [stack.enter_context(following(one)) for one in progress]
            yield partial(tell_all, [callback for callback in own if callback])
    elif progress is True:
        with notebook_line("training") if in_notebook() else progress_bar("training") as show:
            yield show
    else:
        yield progress or None


def tell_all(callbacks: Sequence[Callback], progress: Progress) -> None:
    """Call each of them, in their order."""
    for callback in callbacks:
        callback(progress)


def report_losses(log: Callable[[dict[str, float], int], None], every: int) -> Callback:
    """Give the training loss to `log` each time so many steps are done and at the last, others when measured.

    Args:
        log: Called with losses by their names, and the step.
        every: Steps from one training loss to the next.

    Raises:
        ConfigError: `every` is less than 1.

    >>> tell = report_losses(print, every=2)
    >>> for step, validation in ((1, math.nan), (2, math.nan), (3, 0.25), (4, 0.25)):
    ...     tell(Progress(step, 9, 0.5, validation, 1.0, 1.0))
    {'loss': 0.5} 2
    {'validation_loss': 0.25} 3
    {'loss': 0.5} 4
    """
    if every < 1:
        raise ConfigError(f"every must be at least 1, not {every}")
    last, done = math.nan, 0

    def tell(progress: Progress) -> None:
        nonlocal last, done
        losses = {}
        if progress.step // every > done or progress.step == progress.steps:
            losses["loss"], done = progress.loss, progress.step // every
        if not math.isnan(progress.validation) and progress.validation != last:
            losses["validation_loss"] = last = progress.validation
        if losses:
            log(losses, progress.step)

    return tell


def describe(progress: Progress) -> str:
    """Losses and the remaining time."""
    loss = f"loss {progress.loss:.4f}"
    if not math.isnan(progress.validation):
        loss += f", validation {progress.validation:.4f}"
    minutes, seconds = divmod(math.ceil(progress.remaining), 60)
    return f"{loss}, {minutes}:{seconds:02} left"
