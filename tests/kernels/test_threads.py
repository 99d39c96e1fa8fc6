"""How work is shared among threads: by torch's OpenMP where torch is loaded, else by the kernels' own pool."""

import os
import subprocess
import sys

import pytest

from grucast.kernels import native

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")


@pytest.fixture(params=["import torch", ""], ids=["OpenMP", "own pool"])
def first(request):
    """What a process does first, and whose threads it has therefore."""
    if request.param:
        pytest.importorskip("torch")
    return request.param


FORK = """
import multiprocessing, os
{first}
import numpy as np
from grucast.kernels import native, reference

rng = np.random.default_rng(0)
weights = reference.Weights(*(rng.normal(size=s) / 8 for s in ((192, 3), (192, 64), (192,), (192,))))
case = rng.normal(size=(64, 40, 3)), rng.normal(size=(64, 64)), weights
alone = native.gru_forward(*case)

def threads():
    return len(os.listdir("/proc/self/task"))

def use():
    assert all(map(np.array_equal, native.gru_forward(*case, threads=2), alone))

def child(generations):
    assert threads() == 1
    use()
    assert threads() == 2
    if generations > 1:
        fork(generations - 1)

def fork(generations):
    process = multiprocessing.get_context("fork").Process(target=child, args=(generations,))
    process.start()
    process.join(30 * generations)  # it may hang
    process.kill()
    assert process.exitcode == 0

use()
fork(2)
use()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts the threads in /proc")
def test_a_forked_child_has_threads_of_its_own_and_the_same_bits(first):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK.format(first=first)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


MANY = """
{first}
import numpy as np
from grucast.kernels import native, reference

weights = reference.Weights(*(np.ones(s) / 64 for s in ((192, 3), (192, 64), (192,), (192,))))
case = np.ones((1600, 2, 3)), np.ones((1600, 64)), weights
assert all(map(np.array_equal, native.gru_forward(*case, threads=native.usual_threads()), native.gru_forward(*case)))
assert all(map(np.array_equal, native.gru_forward(*case, threads=100_000), native.gru_forward(*case)))
"""


@pytest.mark.parametrize("said", ["1000", "2147483648", "9" * 5000])
def test_more_threads_than_a_system_has_are_asked_for_in_vain(first, said):
    environment = os.environ | {"OMP_NUM_THREADS": said}
    run = subprocess.run(
        [sys.executable, "-c", MANY.format(first=first)], capture_output=True, text=True, check=False, env=environment
    )
    assert run.returncode == 0, run.stderr  # libgomp may say there that it takes no such number
