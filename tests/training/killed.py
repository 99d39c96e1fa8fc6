"""Kill processes while they save or train, and look at what they leave: `points`, `saves N SEED` or `runs N SEED`."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd  # polars does not survive a fork

from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.training.checkpoint import Checkpoints, read
from grucast.training.folder import newest

CALLS = ("mkdir", "open", "fsync", "close", "replace", "unlink", "rmdir")
NETWORK, TRAINING = NetworkConfig(hidden_size=4, head_size=8), TrainingConfig(max_steps=20, batch_size=8, ensemble=2)


def child(work: Callable[[], None]) -> int:
    """Do the work in another process; its id."""
    process = os.fork()
    if not process:
        work()
        os._exit(0)
    return process


def was_killed(process: int) -> bool:
    """Wait for the process; it either was killed or did its work."""
    status = os.waitpid(process, 0)[1]
    assert status in (0, signal.SIGKILL), f"the process ended with {status}"
    return status == signal.SIGKILL


def save(folder: Path, step: int) -> None:
    tensors = {"x": np.full(1000, float(step)), "y": np.arange(step)}
    Checkpoints(folder, 1, {}).save(f"step-{step:06}", tensors, {"step": step})


def saved(folder: Path) -> int:
    """The step of the checkpoint that a resumed run would find, once it is known to be whole; 0 for none."""
    path = newest(folder)
    if path is None:
        return 0
    header, tensors = read(path)
    step: int = header["state"]["step"]
    assert (tensors["x"] == step).all()
    assert len(tensors["y"]) == step
    return step


def killing(number: int, after: bool) -> dict[str, Callable[..., object]]:
    """The system calls of a save, of which that one kills the process."""
    count = iter(range(10**6))

    def wrap(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **named: object) -> object:
            due = next(count) == number
            if due and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*args, **named)
            finally:
                if due:
                    os.kill(os.getpid(), signal.SIGKILL)

        return counted

    return {name: wrap(getattr(os, name)) for name in CALLS}


def points() -> int:
    """Kill before and after each system call of a save; the checkpoint before or the new one is there."""
    for number in range(1000):
        for after in (False, True):
            with TemporaryDirectory() as name:
                folder = Path(name)
                for step in (1, 2, 3):
                    save(folder, step)

                def work(folder: Path = folder, number: int = number, after: bool = after) -> None:
                    vars(os).update(killing(number, after))
                    save(folder, 4)

                if not was_killed(child(work)):
                    return number
                assert saved(folder) in (3, 4)
                save(folder, 5)
                assert len([*folder.iterdir()]) == 3  # two checkpoints and the pointer
                assert saved(folder) == 5
    raise AssertionError("a save ends")


def saves(count: int, seed: int) -> int:
    """Kill at random moments of saving again and again; nothing that was reported as saved is lost."""
    moments = random.Random(seed)
    with TemporaryDirectory() as name:
        for _ in range(count):
            begin = saved(Path(name))
            reading, writing = os.pipe()

            def work(begin: int = begin, writing: int = writing, folder: Path = Path(name)) -> None:
                for step in range(begin + 1, begin + 10_000):
                    save(folder, step)
                    os.write(writing, step.to_bytes(8, "little"))

            process = child(work)
            time.sleep(moments.uniform(0, 0.03))
            os.kill(process, signal.SIGKILL)
            assert was_killed(process)
            os.close(writing)
            with os.fdopen(reading, "rb") as pipe:
                reported = pipe.read()[-8:]
            assert saved(Path(name)) - int.from_bytes(reported, "little") in (
                (0, 1) if reported else range(begin, begin + 2)
            )
    return count


def runs(count: int, seed: int) -> int:
    """Kill runs at random moments and resume them until they end; the bits are those of a run that never stopped."""
    moments = random.Random(seed)
    rng, times = np.random.default_rng(seed), np.arange(480)
    frame = pd.DataFrame({"unique_id": "a", "ds": times, "y": np.sin(times / 4) + rng.normal(0, 0.1, 480)})

    def fit(**arguments: object) -> GRUForecaster:
        return GRUForecaster(6, 48, 24, network=NETWORK, training=TRAINING).fit(frame, **arguments)

    fit()  # loads all modules
    begin = time.perf_counter()
    straight = fit()
    duration, kills = time.perf_counter() - begin, 0
    while kills < count:
        with TemporaryDirectory() as name:

            def work(folder: Path = Path(name), threads: int = 1) -> None:
                os.environ["OMP_NUM_THREADS"] = str(threads)
                fit(checkpoint_dir=folder / "c", checkpoint_every=2, resume=True).save(folder / "m")

            killed, longest = True, duration
            while killed:
                process = child(partial(work, threads=1 + kills % 2))
                time.sleep(moments.uniform(0, longest))
                os.kill(process, signal.SIGKILL)
                killed = was_killed(process)
                kills += killed
                longest *= 1.2  # a child starts slower than `straight` did, and must get to its next checkpoint
            ended = fit(checkpoint_dir=Path(name) / "c", resume=True)
            content = (Path(name) / "m").read_bytes()
            straight.save(Path(name) / "m")
            assert content == (Path(name) / "m").read_bytes()
            assert ended.history_ == straight.history_
    return kills


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    print({"points": points, "saves": saves, "runs": runs}[what](*map(int, numbers)))
