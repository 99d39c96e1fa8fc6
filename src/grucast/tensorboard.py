"""Training as TensorBoard shows it; needs the extra tensorboard."""

from pathlib import Path
from weakref import finalize

from grucast.errors import MissingExtraError
from grucast.training.progress import Callback, report_losses

try:
    from tensorboardX import SummaryWriter
except ImportError as error:
    raise MissingExtraError("tensorboardX", "tensorboard") from error

__all__ = ["log_progress"]


def log_progress(folder: str | Path, every: int = 10) -> Callback:
    """Log training as it goes, as scalars of TensorBoard: what `fit` takes as progress.

    The scalars are `loss`, each time `every` more steps are done and at the last, and `validation_loss`, when measured.

    Args:
        folder: Of the run, where TensorBoard looks for it; made if it is not there.
        every: Steps from one training loss to the next.

    Raises:
        ConfigError: `every` is less than 1.

    >>> from tempfile import mkdtemp
    >>> import grucast.tensorboard
    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> folder = Path(mkdtemp())
    >>> log = grucast.tensorboard.log_progress(folder, every=1)
    >>> _ = GRUForecaster(24, 48, training=TrainingConfig(max_steps=2)).fit(example().tail(500), progress=log)
    >>> [path.name.partition(".")[0] for path in folder.iterdir()]
    ['events']
    """

    def log(losses: dict[str, float], step: int) -> None:
        for name, loss in losses.items():
            writer.add_scalar(name, loss, step)

    callback = report_losses(log, every)
    writer = SummaryWriter(str(folder), flush_secs=1)
    finalize(callback, writer.close)  # it writes in a thread
    return callback
