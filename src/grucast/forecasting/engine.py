"""What does pieces of work: the contract, and this process."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from grucast.errors import ConfigError

if TYPE_CHECKING:
    from grucast.training.crew import Crew
    from grucast.training.worker import Worker


class Engine(Protocol):
    """Does pieces of work, here or elsewhere."""

    @property
    def workers(self) -> int:
        """Pieces of work at a time."""

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """What `work` gives for each item, in any order."""

    def consult(self, work: Callable[[Any, Any], Any], items: Iterable[Any], home: Any) -> Iterator[Any]:
        """As `map`, of work that is also given what calls the methods of `home`, an object that stays here."""

    def crew(self, makers: "Sequence[Callable[[], Worker]]") -> "Crew":
        """Workers that learn together."""


class Here:
    """One piece of work after the other, in this process."""

    workers = 1

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """What `work` gives for each item."""
        return map(work, items)

    def consult(self, work: Callable[[Any, Any], Any], items: Iterable[Any], home: Any) -> Iterator[Any]:
        """As `map`, of work that is given the object, too."""
        return (work(item, home) for item in items)

    def crew(self, makers: "Sequence[Callable[[], Worker]]") -> "Crew":
        """Workers that learn together."""
        from grucast.training.crew import LocalCrew

        return LocalCrew(makers)


HERE = Here()


def is_folder(source: Any) -> bool:
    """Whether a source is a folder, or in a store, which is learned from part by part."""
    from grucast.data.raw.content import in_store

    return isinstance(source, str | Path) and (Path(source).is_dir() or in_store(str(source)))


def refuse_together(**given: Any) -> None:
    """Refuse what cannot be done part by part.

    >>> refuse_together(warm_start=True)
    Traceback (most recent call last):
    grucast.errors.ConfigError: warm_start cannot go with a folder, engine or memory: leave one of them out
    """
    for name, value in given.items():
        if value:
            raise ConfigError(f"{name} cannot go with a folder, engine or memory: leave one of them out")
