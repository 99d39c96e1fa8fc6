"""A progress bar for training, on a terminal only."""

from collections.abc import Iterator
from contextlib import contextmanager

from grucast.errors import MissingExtraError
from grucast.training.loop import Callback, Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Callback]:
    """Show step, loss and the remaining time on standard error while the block runs.

    Raises:
        MissingExtraError: rich is not installed.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar
    except ImportError as error:
        raise MissingExtraError("rich (to show progress)", "cli") from error
    loss, rest = TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), loss, rest)
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, loss=float("nan"))

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.step, total=progress.steps, loss=progress.loss)

        yield show
