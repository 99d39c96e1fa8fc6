import asyncio
import os
import time

import pytest

from grucast.server.child import in_child, restart
from grucast.server.problems import TooLarge


def hungry():
    return len(bytearray(2**34))


@pytest.fixture(autouse=True)
def _ended():
    yield
    restart()


def test_work_is_done_in_another_process():
    assert asyncio.run(in_child(os.getpid)) != os.getpid()


def test_too_much_memory_is_refused_and_the_next_work_done():
    with pytest.raises(TooLarge, match="memory or time"):
        asyncio.run(in_child(hungry))
    assert asyncio.run(in_child(len, "abc")) == 3


def test_too_much_time_is_refused_and_the_next_work_done():
    asyncio.run(in_child(len, "abc"))
    with pytest.raises(TooLarge, match="memory or time"):
        asyncio.run(in_child(time.sleep, 60, seconds=0.2))
    assert asyncio.run(in_child(len, "abcd")) == 4
