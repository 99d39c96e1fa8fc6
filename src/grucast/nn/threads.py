"""How many threads the kernels take, and how many torch's own operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock, Thread

import torch

_lock = Lock()
_kernels: ContextVar[int] = ContextVar("threads of the kernels", default=0)


def kernel_threads() -> int:
    """Most threads that a kernel takes; as many as torch has, unless `serial_torch` says otherwise."""
    return _kernels.get() or torch.get_num_threads()


@contextmanager
def serial_torch() -> Iterator[None]:
    """Keep torch's own operations on one thread and the kernels on those they have.

    The bits of torch's sums and products depend on the number of threads, those of the kernels do not.
    """
    if _kernels.get():
        yield
        return
    token = _kernels.set(take_one_thread())
    try:
        yield
    finally:
        torch.set_num_threads(_kernels.get())
        _kernels.reset(token)


def take_one_thread() -> int:
    """Let torch have one thread here, and in the other threads of the process as many as before, which is returned."""
    with _lock:
        usual = torch.get_num_threads()
        torch.set_num_threads(1)  # in this thread, and in those that use torch for the first time
        elsewhere = Thread(target=torch.set_num_threads, args=(usual,))
        elsewhere.start()
        elsewhere.join()
        if torch.get_num_threads() > 1:  # torch was built with one number for all
            torch.set_num_threads(1)
    return usual
