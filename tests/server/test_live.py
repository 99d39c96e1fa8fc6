import asyncio
import threading

import pytest

from grucast.errors import DataError, ModelFileError, SequenceError, StoreError, StoreFullError, UnknownSeriesError
from grucast.server.live import LiveStreams, as_problems
from grucast.server.models import Models
from grucast.server.problems import Conflict, NotThere, Overloaded, Problem, TooSlow, Unusable
from grucast.server.settings import Limits, ServerSettings
from grucast.store import Store, Update
from tests.server.test_streams import rows_of

ROWS = [{"unique_id": "a"} | row for row in rows_of()]


@pytest.fixture
def opened(folder, tmp_path):
    """Streams with limits, and the model that is served."""
    live, path = [], folder / "small.safetensors"

    def open_live(idle=None, **limits):
        store = f"sqlite:///{tmp_path / 's.db'}"
        settings = ServerSettings({"small": path}, limits=Limits(**limits), store=store, idle=idle)
        live.append(LiveStreams(settings))
        return live[-1], Models(settings.models, settings.limits)["small"]

    yield open_live
    for own in live:
        own.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownSeriesError, 404),
        (SequenceError, 409),
        (DataError, 422),
        (StoreFullError, 429),
        (ModelFileError, 500),
        (StoreError, 503),
    ],
)
def test_errors_of_a_store_are_statuses_and_its_driver_is_not_quoted(error, status):
    with pytest.raises(Problem) as caught, as_problems():
        raise error("the store postgresql://me@there/db failed")
    assert caught.value.status == status
    assert (caught.value.headers == {"Retry-After": "1"}) == (status == 503)
    if status >= 500:
        assert "there" not in str(caught.value)


def test_beyond_the_queue_calls_are_told_to_come_again(opened):
    live, served = opened(queue=2)
    gate = threading.Event()

    async def main():
        calls = [asyncio.create_task(live.call(served, lambda _: gate.wait(5))) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await live.call(served, lambda _: None)
        gate.set()
        assert await asyncio.gather(*calls) == [True, True]
        await asyncio.sleep(0.05)
        assert await live.call(served, lambda _: 3) == 3

    asyncio.run(main())


def test_a_call_that_takes_too_long_is_given_up_and_what_it_writes_is_whole(opened, model):
    live, served = opened(seconds=0.2)
    gate = threading.Event()

    def slowly(stream):
        gate.wait(5)
        return stream.update(ROWS, sequence=1)

    async def main():
        with pytest.raises(TooSlow, match="sequence"):
            await live.call(served, slowly)
        with pytest.raises(NotThere):
            await live.call(served, lambda stream: stream.standing("a"))
        gate.set()
        await asyncio.sleep(0.5)
        return await live.call(served, lambda stream: stream.standing("a"))

    sequence, *_, forecast = asyncio.run(main())
    wanted = model.stream().update(ROWS)[-1]
    assert sequence == 1
    assert all((forecast[name] == wanted[name]).all() for name in list(wanted)[1:])


def test_updates_that_wait_are_written_together_and_an_error_is_only_its_own(opened, model, monkeypatch):
    live, served = opened()
    commits, run = [], Store.run
    monkeypatch.setattr(Store, "run", lambda self, work, **more: commits.append(1) or run(self, work, **more))

    async def main():
        bad = Update.of([{"unique_id": "bad", "ds": "x", "y": 1.0}])
        updates = [
            Update.of([row | {"unique_id": f"s{k}"}], None, n) for n, row in enumerate(ROWS[:20]) for k in range(5)
        ]
        calls = [live.update(served, update) for update in [bad, *updates, bad]]
        return await asyncio.gather(*calls, return_exceptions=True)

    first, *found, last = asyncio.run(main())
    assert [type(first), type(last)] == [Unusable, Unusable]
    assert len(commits) < 10
    for k in range(5):
        forecasts = [model.stream().update(ROWS[: n + 1])[-1] for n in (4, 19)]
        for n, forecast in zip((4, 19), forecasts, strict=True):
            assert all((found[5 * n + k][0].forecast[name] == forecast[name]).all() for name in list(forecast)[1:])
    assert not asyncio.run(live.call(served, lambda stream: "bad" in stream))


def test_without_a_store_every_call_is_refused():
    live = LiveStreams(ServerSettings())
    assert not live.kept
    with pytest.raises(Conflict, match="--store"):
        asyncio.run(live.call(None, lambda _: None))
    live.close()


def test_idle_series_are_dropped_where_it_was_asked_for(opened):
    async def main(idle):
        live, served = opened(idle=idle)
        dropping = asyncio.create_task(live.drop_idle())
        await live.call(served, lambda stream: stream.update(ROWS[0]))
        await asyncio.sleep(2.5)
        dropping.cancel()
        return await live.call(served, lambda stream: "a" in stream)

    assert asyncio.run(main(None))
    assert not asyncio.run(main(0.5))
