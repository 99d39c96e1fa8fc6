"""Memory for what forward saves, kept from one training step to the next."""

from collections import deque

import torch
from torch import Tensor


class Lease:
    """Memory that returns to the shelf when the graph that used it is gone."""

    def __init__(self, memory: Tensor, shelf: "deque[Tensor]") -> None:
        self.memory, self._shelf = memory, shelf

    def __del__(self) -> None:
        self._shelf.append(self.memory)


class Shelf:
    """Buffers between two training steps: fresh memory of this size costs a page fault every 4 KiB, at each step."""

    def __init__(self, places: int = 8) -> None:
        # Its appends and pops are atomic, and it forgets the oldest buffer when full.
        self._free: deque[Tensor] = deque(maxlen=places)

    def take(self, size: int, dtype: torch.dtype) -> Lease:
        """A buffer of at least this size; its content is what the last user left."""
        others, found = [], None
        while found is None and self._free:
            try:
                memory = self._free.popleft()
            except IndexError:  # another thread was faster
                break
            if memory.dtype == dtype and size <= len(memory) <= 2 * size:
                found = memory
            else:
                others.append(memory)
        self._free.extend(others)
        return Lease(torch.empty(size, dtype=dtype) if found is None else found, self._free)
