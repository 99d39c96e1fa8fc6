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
    initial: Array | None,
    weights: tuple[Array, Array, Array, Array],
    reset_after: bool,
    lengths: Array | None,
    reverse: bool,
    output: Array,
    final: Array,
    gates: Array | None,
    threads: int,
) -> None: ...
def backward(
    x: Array,
    initial: Array | None,
    weights: tuple[Array, Array, Array, Array],
    reset_after: bool,
    lengths: Array | None,
    reverse: bool,
    output: Array,
    gates: Array,
    d_output: Array | None,
    d_final: Array | None,
    d_x: Array | None,
    d_initial: Array | None,
    d_weights: tuple[Array, Array, Array, Array],
    slice: int,
    threads: int,
) -> None: ...
def forward_at(float64: bool, directions: list[tuple[int, ...]], threads: int) -> None: ...
def backward_at(
    float64: bool, directions: list[tuple[int, ...]], gradients: list[tuple[int, ...]], threads: int
) -> None: ...
def linear(x: Array, weight: Array, bias: Array | None, y: Array, threads: int) -> None: ...
def linear_backward(
    d_y: Array, x: Array, weight: Array, d_x: Array | None, d_weight: Array, d_bias: Array, slice: int, threads: int
) -> None: ...
def adamw_step(
    weights: Array, gradient: Array, mean: Array, square: Array, step: int, rate: float, decay: float
) -> None: ...
def norm(x: Array) -> float: ...
def head(x: Array, continued: Array, statics: Array, ahead: Array, weights: list[Array], y: Array) -> None: ...
def intervals(z: Array, factors: Array, centre: Array, scale: Array, nonnegative: Array, y: Array) -> None: ...
def window_features(
    history: Array,
    seasons: Array,
    recent: int,
    smoothings: Array,
    inputs: Array,
    continued: Array,
    centre: Array,
    scale: Array,
    naive_error: Array,
    moved: Array,
) -> None: ...
def sigmoid(x: Array, y: Array) -> None: ...
def tanh(x: Array, y: Array) -> None: ...
def softplus(x: Array, y: Array) -> None: ...
