"""Memory for what forward keeps, from one training step to the next."""

from collections import deque
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WORTH_KEEPING = 1 << 15  # elements; smaller pieces the C library keeps itself


class Loan(np.ndarray[Any, Any]):
    """Memory that returns to its pool when nothing uses it: no graph, hook or view."""

    whole: NDArray[Any]
    pool: "deque[NDArray[Any]]"

    def __del__(self) -> None:
        self.pool.append(self.whole)


class BufferPool:
    """Buffers between two training steps: fresh memory of this size costs a page fault every 4 KiB, at each step."""

    def __init__(self, places: int = 8) -> None:
        # Its appends and pops are atomic, and it forgets the oldest buffer when full.
        self._free: deque[NDArray[Any]] = deque(maxlen=places)

    def take(self, size: int, dtype: torch.dtype) -> Tensor:
        """A vector whose content is what the last user left; it comes back by itself."""
        if size < WORTH_KEEPING:
            return _empty(size, dtype)
        whole = self._find(size, dtype)
        if whole is None:
            whole = _empty(size, dtype).numpy()
        loan = whole[:size].view(Loan)
        loan.whole, loan.pool = whole, self._free
        return torch.from_numpy(loan)

    def _find(self, size: int, dtype: torch.dtype) -> NDArray[Any] | None:
        others, found, itemsize = [], None, dtype.itemsize
        while found is None and self._free:
            try:
                memory = self._free.popleft()
            except IndexError:  # another thread was faster
                break
            if memory.itemsize == itemsize and size <= len(memory) <= 2 * size:
                found = memory
            else:
                others.append(memory)
        self._free.extend(others)
        return found


def _empty(size: int, dtype: torch.dtype) -> Tensor:
    return torch.empty(size, dtype=dtype, device="cpu")  # whatever the default device
