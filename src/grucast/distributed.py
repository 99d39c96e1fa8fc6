"""Work on more than one machine, by Ray; needs the extra ray."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from grucast.errors import ConfigError, GrucastError, MissingExtraError

try:
    import ray
except ImportError as error:
    raise MissingExtraError("Ray", "ray") from error

__all__ = ["RayEngine"]

T = TypeVar("T")
R = TypeVar("R")
RETRIES = 3  # of a piece of work whose node is lost
AHEAD = 2  # pieces of work for each worker that are handed out at once


class RayEngine:
    """Does pieces of work on a cluster of Ray; those whose node is lost are done again elsewhere.

    Args:
        address: Of a running cluster, such as "auto" or "ray://head:10001"; None starts one on this machine.
        workers: Pieces of work at a time, each on one core; as many as the cluster has cores when None.

    Raises:
        ConfigError: There are no workers, or no cluster at the address.

    Source: Moritz et al. 2018, arXiv:1712.05889.

    >>> RayEngine(workers=0)
    Traceback (most recent call last):
    grucast.errors.ConfigError: workers must be at least 1, not 0
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ConfigError(f"workers must be at least 1, not {workers}")
        self.address, self._workers = address, workers

    @property
    def workers(self) -> int:
        """Pieces of work at a time."""
        self.connect()
        resources: Any = ray.cluster_resources  # it has no types
        return self._workers or max(int(resources().get("CPU", 1)), 1)

    def connect(self) -> None:
        """Find the cluster, or start one on this machine.

        Raises:
            ConfigError: There is none at the address.
        """
        if ray.is_initialized():
            return
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if not self.address:
            options |= {"num_cpus": self._workers, "include_dashboard": False}
        try:
            ray.init(self.address, **options)
        except (ConnectionError, ValueError) as error:
            raise ConfigError(f"there is no cluster of Ray at {self.address}: start one by ray start --head") from error

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """What `work` gives for each item, as it is done; only a few items are handed out at once.

        Raises:
            GrucastError: A node was lost more often than work is tried again.
        """
        self.connect()
        shared, waiting = ray.put(work), list(reversed(items))
        call: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(apply)
        running: list[Any] = []
        while waiting or running:
            while waiting and len(running) < AHEAD * self.workers:
                running.append(call.remote(shared, waiting.pop()))
            (done, *_), running = ray.wait(running)
            try:
                yield ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayError as error:
                raise GrucastError(f"a part of the work was lost {RETRIES + 1} times: {error}") from error


def apply(work: Callable[[T], R], item: T) -> R:
    """One piece of work, on one core."""
    return work(item)
