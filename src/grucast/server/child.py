"""A process of its own for what reads bytes that a program wrote, bounded in memory and time."""

import asyncio
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from typing import Any

from grucast.server.problems import TooLarge

MEMORY = 2 * 2**30  # bytes of address space beyond what the process has at its start
SECONDS = 10.0


async def in_child(work: Callable[..., Any], *given: Any, seconds: float = SECONDS) -> Any:
    """What `work` gives there.

    Raises:
        TooLarge: It takes too much memory or time.
    """
    loop = asyncio.get_running_loop()
    try:
        return await asyncio.wait_for(loop.run_in_executor(pool(), work, *given), seconds)
    except (BrokenProcessPool, MemoryError, TimeoutError) as error:
        restart()
        raise TooLarge("the table takes too much memory or time to read: send less at once") from error


@lru_cache(maxsize=1)
def pool() -> ProcessPoolExecutor:
    """The process that reads; it is not forked, since polars has threads."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=bound)


def restart() -> None:
    """Give up the process that reads: the next one begins anew."""
    broken = pool()
    pool.cache_clear()
    for process in list((broken._processes or {}).values()):
        process.kill()
    broken.shutdown(wait=False, cancel_futures=True)


def bound(memory: int = MEMORY) -> None:
    """Bound the memory of the process that reads."""
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: PTH123, SIM115
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
