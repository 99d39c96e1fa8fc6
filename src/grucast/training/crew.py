"""Workers wherever they are: the contract, and one worker in this process."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from grucast.training.worker import SliceGradients, Worker


class Crew(Protocol):
    """Workers that are called together; `WorkerLostError` where one is gone."""

    def __len__(self) -> int:
        """Their number."""

    def each(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What a method of each worker gives, with arguments of its own."""

    def shuffle(self, calls: Sequence[Iterable[tuple[Any, ...]]]) -> list[Any]:
        """Let each worker gather, hand to each what there is for it to store, and return the rest."""

    def answers(self, step: int, weights: Any, states: Sequence[Any]) -> list[SliceGradients]:
        """The answer of each worker."""

    def close(self) -> None:
        """Send them home."""


class LocalCrew:
    """Workers in this process, one after the other."""

    def __init__(self, makers: Sequence[Callable[[], Worker]]) -> None:
        self.workers = [make() for make in makers]

    def __len__(self) -> int:
        return len(self.workers)

    def each(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As in Crew."""
        return [getattr(worker, method)(*own) for worker, own in zip(self.workers, arguments, strict=True)]

    def shuffle(self, calls: Sequence[Iterable[tuple[Any, ...]]]) -> list[Any]:
        """As in Crew."""
        return [
            self._hand_out(worker.gather(*own))
            for worker, each in zip(self.workers, calls, strict=True)
            for own in each
        ]

    def _hand_out(self, gathered: list[Any]) -> Any:
        *given, told = gathered
        for worker, own in zip(self.workers, given, strict=True):
            worker.store(*own)
        return told

    def answers(self, step: int, weights: Any, states: Sequence[Any]) -> list[SliceGradients]:
        """As in Crew."""
        return [worker.answer(step, weights, states) for worker in self.workers]

    def close(self) -> None:
        """As in Crew."""
        for worker in self.workers:
            worker.close()
