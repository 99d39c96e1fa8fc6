"""Workers that learn together, as actors of Ray with connections of their own."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from multiprocessing.connection import Client, Listener
from threading import Lock
from typing import Any

import ray

from grucast.distributed.cluster import ONE_CORE, PATIENCE, cores, own_address
from grucast.errors import GrucastError, WorkerLostError
from grucast.training.channel import Channel
from grucast.training.worker import SliceGradients, Worker

STARTING = 300  # seconds that workers may take to start
LOST = "a worker was lost"


class RayCrew:
    """Workers that are actors of Ray, wherever it places them.

    Each step's weights and gradients go through a channel to each of them: as arguments and results of a call of Ray
    they take 4 to 6 ms a step, through a socket 1.5 (2 workers, 54,000 parameters, 2 cores of an AMD EPYC).
    """

    def __init__(self, makers: Sequence[Callable[[], Worker]]) -> None:
        key, actor = secrets.token_bytes(32), ray.remote(**ONE_CORE, max_concurrency=2)(Host)
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
            self._channels = [channel(Client(address, authkey=key), address) for address in addresses]

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
            for own in self._channels:
                own.send((step, states), [weights])
            found = [self._receive(number) for number in range(len(self))]
        for value, _ in found:
            if isinstance(value, Exception):
                raise value
        return [SliceGradients.joined(*own) for own in found]

    def _receive(self, number: int) -> Any:
        """What a worker answers; EOFError if it is gone, which its machine may take without a word."""
        answering = [self._answering[number]]
        try:
            while not self._channels[number].poll(PATIENCE):
                if ray.wait(answering, timeout=0)[0]:
                    raise EOFError
            return self._channels[number].receive()
        except (EOFError, OSError):
            if ray.wait(answering, timeout=PATIENCE)[0]:
                self._get(answering)  # whatever else ended it is raised
            raise

    def close(self) -> None:
        """As in Crew."""
        for own in getattr(self, "_channels", ()):
            own.close()
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
        self._turn = Lock()

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
        asking = channel(self._listener.accept(), self._listener.address)
        self._listener.close()
        with suppress(EOFError, ConnectionError):
            while True:
                (step, states), (weights,) = asking.receive()
                with self._turn:
                    answer = self._answer(step, weights, states)
                asking.send(*answer)
                with self._turn:
                    self._worker.look_ahead(step + 1)

    def _answer(self, *asked: Any) -> tuple[Any, list[Any]]:
        try:
            return self._worker.answer(*asked).split()
        except GrucastError as error:
            return error, []


def channel(connection: Any, address: Any) -> Channel:
    """A connection to that address, which is a file's name on one machine, as a channel."""
    return Channel(connection, shares=isinstance(address, str))


@contextmanager
def losing() -> Iterator[None]:
    """Say that a worker is lost where its connection ends."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise WorkerLostError(LOST) from error
