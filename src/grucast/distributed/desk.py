"""Calls from work elsewhere to an object that stays where the work was given out."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import ray


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
