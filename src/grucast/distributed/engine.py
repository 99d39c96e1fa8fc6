"""The engine whose pieces of work are tasks of Ray."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from grucast.distributed.cluster import ONE_CORE, PATIENCE, cores, join
from grucast.distributed.crew import RayCrew
from grucast.distributed.desk import Clerk, Desk, Remote
from grucast.errors import ConfigError, GrucastError
from grucast.training.worker import Worker

T = TypeVar("T")
R = TypeVar("R")
RETRIES = 3  # of a piece of work whose node is lost
AHEAD = 2  # pieces of work for each worker that are handed out at once
ABSENT = re.compile(r"No module named '[\w.]+'")  # what a machine says where grucast or an extra is not installed
INSTALL = "install there what is installed here, for the Python that runs ray start"


class RayEngine:
    """Does pieces of work on a cluster of Ray; those whose node is lost are done again elsewhere.

    Args:
        address: Of a running cluster that has this machine: "auto", or its head's, such as "10.0.0.1:6379"; None starts
            one on this machine. Ray Client (ray://) is no way in: the work needs connections to the workers.
        workers: Pieces of work at a time, each on one core; as many as the cluster has cores when None, or fewer than
            asked for.

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
        return min(self._workers or cores(), cores())

    def connect(self) -> None:
        """Find the cluster, or start one on this machine.

        Raises:
            ConfigError: There is none at the address, or one that cannot be joined.
        """
        join(self.address, self._workers)

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """What `work` gives for each item, as it is done; only a few items are handed out at once.

        Raises:
            GrucastError: A node was lost more often than work is tried again.
        """
        self.connect()
        call: Any = ray.remote(**ONE_CORE, max_retries=RETRIES)(apply)
        yield from self._done(partial(call.remote, ray.put(work)), items, AHEAD)

    def consult(self, work: Callable[[T, Any], R], items: Iterable[T], home: Any) -> Iterator[R]:
        """As `map`, of work that calls methods of an object that stays here; an item is drawn when a worker is free."""
        self.connect()
        call: Any = ray.remote(**ONE_CORE, max_retries=RETRIES)(apply_asking)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        desk: Any = ray.remote(num_cpus=0, scheduling_strategy=here)(Desk).remote()
        try:
            yield from self._done(partial(call.remote, ray.put(work), desk), items, 1, Clerk(desk, home))
        finally:
            ray.kill(desk)

    def crew(self, makers: Sequence[Callable[[], Worker]]) -> "RayCrew":
        """Workers that learn together, a core each; fewer, with more parts, where the cluster has fewer now."""
        self.connect()
        return RayCrew(makers)

    def _done(
        self, start: Callable[[T], Any], items: Iterable[T], ahead: int, clerk: "Clerk | None" = None
    ) -> Iterator[Any]:
        """What tasks give as they are done; `ahead` for each worker are started at once."""
        waiting, running = iter(items), list[Any]()
        try:
            while True:
                running += map(start, islice(waiting, max(ahead * self.workers - len(running), 0)))
                if not running:
                    return
                done = clerk.serve_until_one_of(running) if clerk else ray.wait(running)[0][0]
                running.remove(done)
                yield result_of(done)
        finally:
            for task in running:  # nobody waits for it any more
                ray.cancel(task, force=True)
            if running:
                ray.wait(running, num_returns=len(running), timeout=PATIENCE)  # until it writes no more


def result_of(task: Any) -> Any:
    """What a task gave.

    Raises:
        GrucastError: A node was lost more often than work is tried again, or has not what the work needs.
    """
    try:
        return ray.get(task)
    except ray.exceptions.RayError as error:
        if absent := ABSENT.search(str(error)):
            raise GrucastError(f"a machine of the cluster says {absent[0]}: {INSTALL}") from error
        if isinstance(error, ray.exceptions.RayTaskError):
            raise error.cause from error
        raise GrucastError(f"a part of the work was lost {RETRIES + 1} times: {error}") from error


def apply(work: Callable[[T], R], item: T) -> R:
    """One piece of work, on one core."""
    return work(item)


def apply_asking(work: Callable[[T, Any], R], desk: Any, item: T) -> R:
    """One piece of work that asks, on one core."""
    return work(item, Remote(desk))
