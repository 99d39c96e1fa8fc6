"""Arrays in, arrays out: the GRU's equations in NumPy and, where built, in C++."""

from grucast.kernels.native import targets as targets

__all__ = ["targets"]
