"""Work on more than one machine, by Ray; needs the extra ray."""

import asyncio
import os
import re
import secrets
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count, islice, zip_longest
from multiprocessing.connection import Client, Listener
from multiprocessing.reduction import ForkingPickler
from typing import Any, TypeVar

from grucast.errors import ClusterWarning, ConfigError, GrucastError, MissingExtraError, WorkerLostError
from grucast.training.worker import SliceGradients, Worker

try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise MissingExtraError("Ray", "ray") from error

__all__ = ["RayEngine"]

T = TypeVar("T")
R = TypeVar("R")
RETRIES = 3  # of a piece of work whose node is lost
STARTING = 300  # seconds that workers may take to start
PATIENCE = 5  # seconds between looks whether a worker that does not answer is still there
LOST = "a worker was lost"
ABSENT = re.compile(r"No module named '[\w.]+'")  # what a machine says where grucast or an extra is not installed
JOIN = "run ray start here, too, with the same Ray and Python; set RAY_AUTH_MODE=token if it asks for a token"
WHERE = "run this on a machine of the cluster, itself or by ray job submit"
INSTALL = "install there what is installed here, for the Python that runs ray start"
AHEAD = 2  # pieces of work for each worker that are handed out at once


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
        if ray.is_initialized():
            return
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if self.address:
            require_listener(self.address)
        else:
            options |= {"num_cpus": self._workers, "include_dashboard": False}
        try:
            with keeping_sigterm():
                ray.init(self.address or "local", **options)  # None would join whatever cluster this machine runs
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise ConfigError(f"cannot join a cluster of Ray at {self.address or 'here'}: {error}: {JOIN}") from error
        if self.address and not cores(ray.available_resources, 0):
            warnings.warn("no core of the cluster is free: the work waits until one is", ClusterWarning, stacklevel=2)

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """What `work` gives for each item, as it is done; only a few items are handed out at once.

        Raises:
            GrucastError: A node was lost more often than work is tried again.
        """
        self.connect()
        call: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(apply)
        yield from self._done(partial(call.remote, ray.put(work)), items, AHEAD)

    def consult(self, work: Callable[[T, Any], R], items: Iterable[T], home: Any) -> Iterator[R]:
        """As `map`, of work that calls methods of an object that stays here; an item is drawn when a worker is free."""
        self.connect()
        call: Any = ray.remote(num_cpus=1, max_retries=RETRIES)(apply_asking)
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


class RayCrew:
    """Workers that are actors of Ray, wherever it places them.

    Each step's weights and gradients go through a connection of Python's own to each of them: as arguments and results
    of a call of Ray they take 4 to 6 ms a step, here 1 (2 workers, 54,000 parameters, 2 cores of an AMD EPYC).
    """

    def __init__(self, makers: Sequence[Callable[[], Worker]]) -> None:
        key, actor = secrets.token_bytes(32), ray.remote(num_cpus=1, max_concurrency=2)(Host)
        self._actors: list[Any] = [actor.remote(make, key, own_address()) for make in makers]
        asked = [own.address.remote() for own in self._actors]
        end = time.monotonic() + STARTING
        while len(ray.wait(asked, num_returns=len(asked), timeout=PATIENCE)[0]) < len(asked):
            if cores() < len(asked) or time.monotonic() > end:
                self.close()
                raise WorkerLostError(f"the cluster did not start {len(asked)} workers: give fewer")
        addresses = self._get(asked)
        self._answering = [own.serve.remote() for own in self._actors]
        with losing():
            self._connections = [Client(address, authkey=key) for address in addresses]

    def __len__(self) -> int:
        return len(self._actors)

    def each(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As in Crew."""
        return self._get([own.call.remote(method, *given) for own, given in zip(self._actors, arguments, strict=True)])

    def shuffle(self, calls: Sequence[Iterable[tuple[Any, ...]]]) -> list[Any]:
        """As in Crew; what is gathered stays with Ray until it is stored, a call of each worker at a time."""
        told: list[Any] = []
        for now in zip_longest(*calls):
            asked = [(number, given) for number, given in enumerate(now) if given is not None]
            gathered = [
                self._actors[number].gather.options(num_returns=len(self) + 1).remote(number, *given)
                for number, given in asked
            ]
            *stored, rest = zip(*gathered, strict=True)
            self._get([own.store.remote(*given) for own, given in zip(self._actors, stored, strict=True)])
            told += self._get(rest)
        return told

    def answers(self, step: int, weights: Any, states: Sequence[Any]) -> list[SliceGradients]:
        """As in Crew."""
        with losing():
            asked = ForkingPickler.dumps((step, weights, states))
            for connection in self._connections:
                connection.send_bytes(asked)
            found = [self._receive(number) for number in range(len(self))]
        for own in found:
            if isinstance(own, Exception):
                raise own
        return found

    def _receive(self, number: int) -> Any:
        """What a worker answers; EOFError if it is gone, which its machine may take without a word."""
        answering = [self._answering[number]]
        try:
            while not self._connections[number].poll(PATIENCE):
                if ray.wait(answering, timeout=0)[0]:
                    raise EOFError
            return self._connections[number].recv()
        except (EOFError, OSError):
            if ray.wait(answering, timeout=PATIENCE)[0]:
                self._get(answering)  # whatever else ended it is raised
            raise

    def close(self) -> None:
        """As in Crew."""
        for connection in getattr(self, "_connections", ()):
            connection.close()
        for actor in self._actors:
            ray.kill(actor)

    def _get(self, results: Sequence[Any]) -> list[Any]:
        try:
            return list(ray.get(list(results)))
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ray.exceptions.RayError):  # what another worker had for this one
                raise WorkerLostError(LOST) from error
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise WorkerLostError(LOST) from error


class Host:
    """A worker on a machine of the cluster, and the place where it is asked for answers.

    It is called by Ray and through a connection, in a thread each, which take turns: a batch that is made ahead must
    not be one half of which is stored anew.
    """

    def __init__(self, make: Callable[[], Worker], key: bytes, caller: str) -> None:
        here = own_address()  # where both are on one machine, a socket of that takes half the time
        self._worker, self._listener = make(), Listener(None if here == caller else (here, 0), authkey=key)
        self._turn = threading.Lock()

    def address(self) -> Any:
        """Where to connect to."""
        return self._listener.address

    def call(self, method: str, *given: Any) -> Any:
        """What a method of the worker gives."""
        with self._turn:
            return getattr(self._worker, method)(*given)

    def gather(self, number: int, *given: Any) -> list[Any]:
        """As the worker's; what is for itself, the number of which is given, it stores at once."""
        with self._turn:
            found = self._worker.gather(*given)
            slots, packed = found[number]
            self._worker.store(slots, packed)
        found[number] = slots[:0], packed[:0]
        return found

    def store(self, *given: Any) -> None:
        """As the worker's, of several gatherings: slots and rows in turn."""
        with self._turn:
            for slots, packed in given:
                self._worker.store(slots, packed)

    def serve(self) -> None:
        """Answer until nobody asks any more."""
        connection = self._listener.accept()
        self._listener.close()
        with suppress(EOFError, ConnectionError):
            while True:
                asked = connection.recv()
                with self._turn:
                    answer = self._answer(*asked)
                connection.send(answer)
                with self._turn:
                    self._worker.look_ahead(asked[0] + 1)

    def _answer(self, *asked: Any) -> Any:
        try:
            return self._worker.answer(*asked)
        except GrucastError as error:
            return error


def require_listener(address: str) -> None:
    """Refuse what is no address, and one where nobody listens, which Ray would ask for a minute and a half."""
    given = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if given == "auto":
        return
    host, _, port = given.rpartition(":")
    if "://" in given or not host or not port.isdecimal():
        raise ConfigError(f"an address is auto or HOST:PORT of the head, not {given}: {WHERE}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"no cluster of Ray answers at {given} ({error}): start one by ray start --head") from error


@contextmanager
def keeping_sigterm() -> Iterator[None]:
    """Keep what answers SIGTERM, for which Ray has an answer of its own that ends this process without its work."""
    usual = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if usual is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, usual)


def cores(resources: Any = ray.cluster_resources, least: int = 1) -> int:
    """Those that the cluster has now."""
    return max(int(resources().get("CPU", least)), least)


def own_address() -> str:
    """The address of this machine in the cluster."""
    util: Any = ray.util  # it has no types
    return str(util.get_node_ip_address())


@contextmanager
def losing() -> Iterator[None]:
    """Say that a worker is lost where its connection ends."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise WorkerLostError(LOST) from error


class Desk:
    """Takes the calls of work to the object that stays where the work was given out, and the answers back; an actor."""

    def __init__(self) -> None:
        self.calls, self.answers, self.numbers = asyncio.Queue[Any](), dict[int, Any](), count()

    async def ask(self, name: str, given: tuple[Any, ...]) -> Any:
        """What a method of the object gives."""
        number = next(self.numbers)
        answer = self.answers[number] = asyncio.get_running_loop().create_future()
        await self.calls.put((number, name, given))
        return await answer

    async def next(self) -> Any:
        """The next call, when there is one."""
        return await self.calls.get()

    async def answer(self, number: int, value: Any) -> None:
        """Give a call its answer."""
        self.answers.pop(number).set_result(value)


class Clerk:
    """Makes the calls that the desk takes, to the object that stays."""

    def __init__(self, desk: Any, home: Any) -> None:
        self.desk, self.home = desk, home
        self.call = desk.next.remote()

    def serve_until_one_of(self, running: list[Any]) -> Any:
        """Answer calls until a task is done, and give that."""
        while True:
            first = ray.wait([self.call, *running])[0][0]
            if first != self.call:
                return first
            number, name, given = ray.get(first)
            self.desk.answer.remote(number, getattr(self.home, name)(*given))
            self.call = self.desk.next.remote()


class Remote:
    """The object as work elsewhere sees it: each method asks the desk."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given: ray.get(self._desk.ask.remote(name, given))


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
