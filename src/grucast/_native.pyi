"""grucast's native kernels."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def targets() -> list[str]:
    """Instruction sets that can run here, best first."""

def target() -> str:
    """The instruction set in use."""

def saved_size(batch: int, steps: int, hidden: int) -> int:
    """Elements that forward saves for backward."""

def forward(
    x: Array,
    initial: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    lengths: Array | None,
    reset_after: bool,
    reverse: bool,
    output: Array,
    final: Array,
    saved: Array | None,
    threads: int,
) -> None: ...
def backward(
    x: Array,
    initial: Array,
    weight_ih: Array,
    weight_hh: Array,
    lengths: Array | None,
    reset_after: bool,
    reverse: bool,
    output: Array,
    saved: Array,
    d_output: Array | None,
    d_final: Array | None,
    d_x: Array | None,
    d_initial: Array,
    d_weight_ih: Array,
    d_weight_hh: Array,
    d_bias_ih: Array,
    d_bias_hh: Array,
    threads: int,
) -> None: ...
def forward_at(dual: bool, layer: tuple[int, ...], threads: int) -> None: ...
def backward_at(dual: bool, layer: tuple[int, ...], gradients: tuple[int, ...], threads: int) -> None: ...
def sigmoid(x: Array, y: Array) -> None: ...
def tanh(x: Array, y: Array) -> None: ...
