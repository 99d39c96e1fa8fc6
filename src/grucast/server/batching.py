"""Requests for one model that arrive together are forecast together, so throughput grows with load."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from grucast.server import metrics
from grucast.server.problems import Overloaded, TooSlow
from grucast.server.settings import Limits


class Waiting(NamedTuple):
    """A request that waits for its answer."""

    request: Any
    answer: "asyncio.Future[Any]"

    def give(self, answer: Any) -> None:
        """Answer it, or say why not; too late is in vain."""
        if self.answer.done():
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Batcher:
    """Calls `work` with the requests that wait, in a thread; one call at a time, since a call uses all cores.

    Args:
        work: From requests to an answer for each, or an exception in its place.
        limits: How many may wait and be taken together, and for how long.
        prepare: What is done with each request before, on the loop: a thread would only take the loop's time.
        is_quick: Whether the work for some takes so little that it is done on the loop, too.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Any]], Sequence[Any]],
        limits: Limits,
        prepare: Callable[[Any], Any] = lambda request: request,
        is_quick: Callable[[Sequence[Any]], bool] = lambda _: False,
    ) -> None:
        self._work, self._limits, self._prepare, self._is_quick = work, limits, prepare, is_quick
        self._waiting: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1)
        self._running: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def submit(self, request: Any) -> Any:
        """The answer to a request.

        Raises:
            Overloaded: Too many wait.
            TooSlow: The time is over; the answer is dropped when it comes.
        """
        if len(self._waiting) >= self._limits.queue:
            raise Overloaded
        waiting = Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await waiting.answer
        except TimeoutError:
            raise TooSlow("the forecast took too long: send fewer series at once") from None

    async def _run(self) -> None:
        """Answer until nobody waits. Those who come while a batch is at work form the next one."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = await self._gather()
            if not batch:
                continue
            metrics.BATCH.observe(len(batch))
            asked = [waiting.request for waiting in batch]
            try:
                quick = self._is_quick(asked)
                answers = self._work(asked) if quick else await loop.run_in_executor(self._thread, self._work, asked)
            except Exception as error:  # of one of them, or of all together: none may wait for ever
                answers = [error] * len(batch)
            for waiting, answer in zip(batch, answers, strict=True):
                waiting.give(answer)

    async def _gather(self) -> list[Waiting]:
        """Those who wait, prepared; after each one others have their turn."""
        batch: list[Waiting] = []
        while self._waiting and len(batch) < self._limits.batch:
            waiting = self._waiting.popleft()
            if waiting.answer.done():
                continue
            try:
                batch.append(waiting._replace(request=self._prepare(waiting.request)))
            except Exception as error:  # it is that request's alone
                waiting.give(error)
            await asyncio.sleep(0)
        return batch
