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
    threads: int,
) -> None: ...
def forward_at(dual: bool, layers: list[tuple[int, ...]], threads: int) -> None: ...
def backward_at(dual: bool, layers: list[tuple[int, ...]], gradients: list[tuple[int, ...]], threads: int) -> None: ...
def linear(x: Array, weight: Array, bias: Array | None, y: Array) -> None: ...
def head(x: Array, continued: Array, statics: Array, ahead: Array, weights: list[Array], y: Array) -> None: ...
def intervals(z: Array, widths: Array, centre: Array, scale: Array, nonnegative: Array, y: Array) -> None: ...
def window_features(
    history: Array,
    seasons: Array,
    recent: int,
    inputs: Array,
    continued: Array,
    centre: Array,
    scale: Array,
    naive_error: Array,
) -> None: ...
def sigmoid(x: Array, y: Array) -> None: ...
def tanh(x: Array, y: Array) -> None: ...
