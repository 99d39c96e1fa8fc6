import asyncio
import threading

import pytest

from grucast.server.batching import Batcher
from grucast.server.problems import Overloaded, TooSlow, Unusable
from grucast.server.settings import Limits


def run(work, requests, **limits):
    async def main():
        batcher = Batcher(work, Limits(**limits))
        return await asyncio.gather(*(batcher.submit(r) for r in requests), return_exceptions=True)

    return asyncio.run(main())


def test_each_gets_its_own_answer_and_those_who_wait_go_together():
    sizes = []

    def work(batch):
        sizes.append(len(batch))
        return [2 * request for request in batch]

    assert run(work, range(50), batch=20) == [2 * n for n in range(50)]
    assert max(sizes) <= 20
    assert len(sizes) < 10


def test_an_error_is_only_its_own():
    found = run(lambda batch: [Unusable("no") if r == 3 else r for r in batch], range(5))
    assert [type(answer) for answer in found] == [int, int, int, Unusable, int]


def test_work_that_fails_is_told_to_all_who_wait_for_it():
    def work(batch):
        raise ZeroDivisionError

    assert [type(answer) for answer in run(work, range(3))] == [ZeroDivisionError] * 3


@pytest.mark.parametrize("quick", [True, False])
def test_work_that_takes_little_is_done_on_the_loop(quick):
    async def main():
        batcher = Batcher(lambda batch: [threading.get_ident() for _ in batch], Limits(), is_quick=lambda _: quick)
        return await batcher.submit(0)

    assert (asyncio.run(main()) == threading.get_ident()) == quick


def test_beyond_the_queue_requests_are_told_to_come_again():
    gate = threading.Event()

    def work(batch):
        gate.wait(5)
        return batch

    async def main():
        batcher = Batcher(work, Limits(queue=3, batch=1))
        first = asyncio.create_task(batcher.submit(0))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(batcher.submit(n)) for n in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded) as refused:
            await batcher.submit(4)
        assert refused.value.headers == {"Retry-After": "1"}
        gate.set()
        return await asyncio.gather(first, *waiting)

    assert asyncio.run(main()) == [0, 0, 1, 2]


def test_an_answer_that_takes_too_long_is_given_up_and_the_next_one_comes():
    gate = threading.Event()

    def work(batch):
        if batch[0] == "slow":
            gate.wait(5)
        return batch

    async def main():
        batcher = Batcher(work, Limits(seconds=0.1))
        with pytest.raises(TooSlow):
            await batcher.submit("slow")
        gate.set()
        return await batcher.submit("next")

    assert asyncio.run(main()) == "next"
