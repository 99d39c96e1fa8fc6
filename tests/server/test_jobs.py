import asyncio
import json
import sys

import pytest

from grucast.server import jobs
from grucast.server.jobs import Jobs, NotDone, TooManyTrainings
from grucast.server.models import Models
from grucast.server.problems import NotThere
from grucast.server.settings import Limits

SETTINGS = {"options": {}, "h": 6, "season_length": None, "max_time": None, "seed": 1, "level": [80]}
WORKERS = {
    "slow": "import time; time.sleep(60)",
    "dies": "import os; os._exit(3)",
    "tells": """print('{"event": "progress", "step": 1}'); print('{"event": "failed", "error": "no"}')""",
}


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Trainings whose process does something else."""
    (tmp_path / "a.csv").write_text("ds,y\n1,2\n")

    def begin(worker, **limits):
        def start(*words, **options):
            return real(sys.executable, "-c", WORKERS[worker], **options)

        monkeypatch.setattr(jobs.asyncio, "create_subprocess_exec", start)
        return Jobs(tmp_path / "jobs", Limits(**limits), Models({}, Limits())), tmp_path / "a.csv"

    real = asyncio.create_subprocess_exec
    return begin


async def follow(job):
    return [event async for _, event in job.follow(0)]


def test_what_a_process_tells_is_passed_on(make):
    async def check():
        own, file = make("tells")
        job = own.submit(file, SETTINGS)
        assert [event["event"] for event in await follow(job)] == ["waiting", "progress", "failed"]
        with pytest.raises(NotDone, match="no"):
            job.result()

    asyncio.run(check())


def test_a_process_that_dies_is_said(make):
    async def check():
        own, file = make("dies")
        assert "more memory" in (await follow(own.submit(file, SETTINGS)))[-1]["error"]

    asyncio.run(check())


def test_a_stopped_training_ends_at_once_and_lets_the_next_one_begin(make):
    async def check():
        own, file = make("slow")
        one, two = own.submit(file, SETTINGS), own.submit(file, SETTINGS)
        await asyncio.sleep(0.3)
        await own.stop(one)
        assert (one.state, two.ended) == ("stopped", False)
        await own.close()
        assert two.state == "stopped"

    asyncio.run(asyncio.wait_for(check(), 20))


def test_a_training_may_take_so_long(make):
    async def check():
        own, file = make("slow", fit_seconds=0.3)
        assert "more than 0.3 s" in (await follow(own.submit(file, SETTINGS)))[-1]["error"]

    asyncio.run(asyncio.wait_for(check(), 20))


def test_so_many_wait_and_more_are_refused(make):
    async def check():
        own, file = make("slow", fits=2)
        own.submit(file, SETTINGS), own.submit(file, SETTINGS)
        with pytest.raises(TooManyTrainings):
            own.submit(file, SETTINGS)
        await own.close()

    asyncio.run(asyncio.wait_for(check(), 20))


def test_the_last_trainings_are_kept(make):
    async def check():
        own, file = make("tells", kept=1)
        first = own.submit(file, SETTINGS)
        for job in (first, own.submit(file, SETTINGS), own.submit(file, SETTINGS)):
            await follow(job)
        own.submit(file, SETTINGS)
        with pytest.raises(NotThere):
            own[first.id]
        assert not first.folder.exists()
        await own.close()

    asyncio.run(asyncio.wait_for(check(), 20))


def test_the_job_is_written_for_its_process(make):
    async def check():
        own, file = make("tells")
        job = own.submit(file, SETTINGS)
        await follow(job)
        assert json.loads((job.folder / "job.json").read_text()) == SETTINGS | {"file": "a.csv"}
        assert job.model.startswith("a-")

    asyncio.run(check())
