"""Trainings in processes of their own: one at a time, with a time limit and a stop."""

import asyncio
import json
import logging
import re
import shutil
import sys
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from grucast.server.models import Models
from grucast.server.problems import NotThere, Problem
from grucast.server.settings import Limits

log = logging.getLogger("grucast.server")
ENDS = {"done", "failed", "stopped"}
UNNAMED = re.compile(r"[^\w.-]", re.ASCII)
PATIENCE = 10.0  # seconds without news after which a follower is told that all is well
LOST = "training ended without a word: it may have taken more memory than this server has"


class NotDone(Problem):
    """Training has not ended yet, or not well."""

    status = 409


class TooManyTrainings(Problem):
    """Too many trainings run or wait."""

    status = 429

    def __init__(self) -> None:
        super().__init__("too many trainings wait: come again when one has ended", {"Retry-After": "5"})


class Job:
    """A training: its state, and what it told so far.

    Attributes:
        id: Under which the client knows it.
        folder: Its own, with the file, the job and the results.
        settings: What is wanted.
        model: The name under which its model is served once it is trained.
        events: What it told.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.id, self.folder, self.settings = folder.name, folder, settings
        self.model = f"{UNNAMED.sub('_', Path(settings['file']).stem) or 'data'}-{self.id[:8]}"
        self.events: list[dict[str, Any]] = [{"event": "waiting"}]
        self.task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def state(self) -> str:
        """What it told last."""
        return str(self.events[-1]["event"])

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDS

    def tell(self, event: dict[str, Any]) -> None:
        """Add an event."""
        self.events.append(event)
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, start: int) -> AsyncIterator[tuple[int, dict[str, Any] | None]]:
        """Each event from a number on; None now and then while nothing happens."""
        number = start
        while number < len(self.events) or not self.ended:
            if number < len(self.events):
                yield number, self.events[number]
                number += 1
                continue
            try:
                await asyncio.wait_for(self._news.wait(), PATIENCE)
            except TimeoutError:
                yield number, None

    def result(self) -> dict[str, Any]:
        """What was found.

        Raises:
            NotDone: It has not ended, or not well.
        """
        if self.state != "done":
            raise NotDone(self.events[-1].get("error") or f"the training is {self.state}")
        found: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return found


class Jobs:
    """The trainings that were asked for last.

    Args:
        root: Folder of theirs.
        limits: How many wait, how many are kept, and how long each may take.
        models: Where what was trained is served.
    """

    def __init__(self, root: Path, limits: Limits, models: Models) -> None:
        self._root, self._limits, self._models = root, limits, models
        self._kept: OrderedDict[str, Job] = OrderedDict()
        self._turn = asyncio.Semaphore(1)

    def __getitem__(self, key: str) -> Job:
        if key not in self._kept:
            raise NotThere("there is no such training here any more")
        return self._kept[key]

    def submit(self, file: Path, settings: dict[str, Any]) -> Job:
        """Begin a training, or let it wait for its turn.

        Raises:
            TooManyTrainings: Too many wait.
        """
        if sum(not job.ended for job in self._kept.values()) >= self._limits.fits:
            raise TooManyTrainings
        folder = self._root / uuid.uuid4().hex
        folder.mkdir(parents=True)
        shutil.copyfile(file, folder / file.name)
        job = Job(folder, settings | {"file": file.name})
        (folder / "job.json").write_text(json.dumps(job.settings))
        job.task = asyncio.create_task(self._run(job))
        self._kept[job.id] = job
        self._forget()
        return job

    async def stop(self, job: Job) -> None:
        """End a training and wait until it has; one that has ended stays as it is."""
        if job.task and not job.ended:
            job.task.cancel()
            await asyncio.wait([job.task])

    async def close(self) -> None:
        """Stop all."""
        for job in self._kept.values():
            await self.stop(job)

    def _forget(self) -> None:
        ended = [job for job in self._kept.values() if job.ended]
        for job in ended[: max(len(ended) - self._limits.kept, 0)]:
            self._models.drop(job.model)
            shutil.rmtree(self._kept.pop(job.id).folder, ignore_errors=True)

    async def _run(self, job: Job) -> None:
        """The training, from its turn to its end."""
        try:
            async with self._turn, asyncio.timeout(self._limits.fit_seconds):
                end = await follow_process(job)
                if end["event"] == "done":
                    await asyncio.to_thread(self._models.add, job.model, job.folder / "model.safetensors")
        except TimeoutError:
            end = {"error": f"the training took more than {self._limits.fit_seconds:g} s, which this server gives"}
            end |= {"event": "failed"}
        except asyncio.CancelledError:
            end = {"event": "stopped"}
        except Exception:
            log.exception("a training failed: %s", job.id)
            end = {"event": "failed", "error": "something went wrong here, and is in the server's log"}
        job.tell(end)


async def follow_process(job: Job) -> dict[str, Any]:
    """Run a training's process and pass on what it tells; how it ended."""
    words = [sys.executable, "-P", "-m", "grucast.server.worker", str(job.folder)]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    try:
        while process.stdout and (line := await process.stdout.readline()):
            event = json.loads(line)
            if event["event"] in ENDS:
                return dict(event)
            job.tell(event)
        return {"event": "failed", "error": LOST}
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
