"""How many threads the kernels take, and how many torch's own operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_kernels: ContextVar[int] = ContextVar("threads of the kernels", default=0)


def kernel_threads() -> int:
    """Most threads that a kernel takes; as many as torch has, unless `serial_torch` says otherwise."""
    return _kernels.get() or torch.get_num_threads()


@contextmanager
def serial_torch() -> Iterator[None]:
    """Keep torch's own operations on one thread and the kernels on those they have.

    The bits of torch's sums and products depend on the number of threads, those of the kernels do not.
    """
    before, token = torch.get_num_threads(), _kernels.set(kernel_threads())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _kernels.reset(token)
