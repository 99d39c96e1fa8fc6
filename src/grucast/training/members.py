"""The networks in training side by side, one or an ensemble's: their weights, gradients and AdamW's memory."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cached_property
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from grucast.errors import TrainingError
from grucast.kernels import native, reference_backward
from grucast.model.models import prefixes
from grucast.model.network import ForecastNetwork, Parameter, SequenceNetwork
from grucast.model.outputs import Array
from grucast.model.values import Tensors, Values
from grucast.training.gradients import SLICE, Gradients, Memory, slices
from grucast.training.weights import Vector, draw, parts

Network = ForecastNetwork | SequenceNetwork
LARGEST_BLOCK = 2**25 - 2**13  # glibc's DEFAULT_MMAP_THRESHOLD_MAX, less the page that its own notes take


class Batch(NamedTuple):
    """What a training step reads.

    Attributes:
        inputs: What the network reads.
        target: The truth, as the network's output takes it.
        weight: What each target counts, as the network's output takes it.
    """

    inputs: Any
    target: Array
    weight: Array


class Members:
    """M networks with P parameters each, trained on the same batches, whose predictions are averaged.

    Each learns from its own errors, so it ends with the bits that it would have alone.

    Args:
        network: What each computes.
        seed: Seed of the weights and of what dropout drops.
        count: Their number M.
        parameters: Those of the network when None.

    Attributes:
        weights, mean, square: Parameters, and the running means of gradients and of their squares, (M, P) each.
        rngs: What draws each member's dropout.

    Source: Lakshminarayanan et al. 2017, arXiv:1612.01474.
    """

    def __init__(
        self, network: Network, seed: int, count: int = 1, parameters: Iterable[Parameter] | None = None
    ) -> None:
        keep_freed_memory()
        self.network, self.parameters = network, list(parameters or network.parameters())
        generator = np.random.RandomState(seed % 2**32)
        self.weights: Vector = np.stack([draw(self.parameters, generator) for _ in range(count)])
        self.mean, self.square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        self.rngs = [np.random.default_rng(own) for own in np.random.SeedSequence(seed).spawn(count)]
        self.threads = native.usual_threads()
        self._gradients = np.zeros_like(self.weights)
        self._named = [self._parts(own) for own in self.weights]
        self._named_gradients = [self._parts(own) for own in self._gradients]
        self._memories = [Memory() for _ in range(count)]
        self._slices: dict[int, tuple[Vector, dict[str, Vector]]] = {}

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, tensors: Tensors) -> None:
        """Begin with weights by the names they have in a model."""
        for prefix, own in zip(prefixes(len(self)), self._named, strict=True):
            for name, array in own.items():
                array[:] = tensors[prefix + name]

    def begin(self) -> None:
        """Forget the gradients seen so far."""
        self.mean[:] = self.square[:] = 0

    def step(self, batch: Batch, count: int, rate: float, decay: float, clip: float | None) -> float:
        """One step of AdamW, the `count`-th; returns the mean loss before it.

        Raises:
            TrainingError: The loss is not finite.
        """

        def own(member: int) -> float:
            loss = self.compute_gradient(member, batch)
            self.update(member, count, rate, decay, clip)
            return loss

        return float(sum(self._each(own)) / len(self))

    def update(self, member: int, count: int, rate: float, decay: float, clip: float | None) -> None:
        """Change a member's weights by its gradient."""
        gradient = self._gradients[member]
        clip_norm(gradient, clip)
        adamw_step(self.weights[member], gradient, self.mean[member], self.square[member], count, rate, decay)

    def compute_gradient(self, member: int, batch: Batch) -> float:
        """The loss of one member, whose gradient takes its place."""
        losses, parts = self.compute_slices(member, batch)
        return self.join(member, losses, parts)

    def join(self, member: int, losses: Sequence[float], parts: Sequence[Vector]) -> float:
        """The loss of one member, whose gradient takes its place, from those of a batch's slices, in their order."""
        self._gradients[member][:] = add_up(parts)
        return sum(losses)

    def compute_slices(
        self, member: int, batch: Batch, place: tuple[int, int] | None = None
    ) -> tuple[list[float], list[Vector]]:
        """The loss and the gradient of each slice of a batch, which may lie at some place of a larger one."""
        parts, named = self._memory_of(member, slices_of(len(batch.target)))
        memory, rng = self._memories[member], self.rngs[member]
        o = Gradients(self._named[member], named, self.network.config, rng, self._threads_each, memory, place)
        predicted = self.network(o, batch.inputs)
        losses, gradient = self.measure(predicted.array, batch)
        o.backward(predicted, gradient)
        return losses, list(parts)

    def _memory_of(self, member: int, slices: int) -> tuple[Vector, dict[str, Vector]]:
        """Where the gradients of a batch's slices go, (S, P), and by name."""
        found = self._slices.get(member)
        if found is None or len(found[0]) != slices:
            own = np.zeros((slices, self.weights.shape[1]), np.float32)
            found = self._slices[member] = own, self._parts(own)
        return found

    def measure(self, predicted: Array, batch: Batch) -> tuple[list[float], Array]:
        """The loss of each slice of predictions, and the gradient of their sum with respect to them.

        Raises:
            TrainingError: The loss is not finite.
        """
        losses, gradient = self.network.output.loss(predicted, batch.target, batch.weight)
        sums = [float(losses[own].sum()) for own in slices(len(losses), SLICE, slices_of(len(losses)))]
        if not isfinite(sum(sums)):
            raise TrainingError(
                f"the training loss became {sum(sums)}: lower learning_rate or look at the data's scale"
            )
        return sums, gradient

    def predict(self, inputs: Any) -> Array:
        """The mean of the members' predictions."""
        settings = self.network.config, self._threads_each
        predicted = self._each(lambda member: self.network(Values(self._named[member], *settings), inputs))
        mean: Array = predicted[0] if len(self) == 1 else sum(predicted[1:], predicted[0]) / np.float32(len(self))
        return mean

    def loss(self, batch: Batch) -> float:
        """The loss of the mean prediction."""
        return float(self.network.output.loss(self.predict(batch.inputs), batch.target, batch.weight)[0].sum())

    def tensors(self) -> Tensors:
        """The weights by the names they have in a model, sharing nothing with these."""
        return {
            prefix + name: array.copy()
            for prefix, own in zip(prefixes(len(self)), self._named, strict=True)
            for name, array in own.items()
        }

    @property
    def _threads_each(self) -> int:
        return max(1, self.threads // len(self))

    def _parts(self, own: Vector) -> dict[str, Vector]:
        return parts(own, self.parameters)

    def _each(self, work: Callable[[int], Any]) -> list[Any]:
        """What the work gives for each member; several are at work at once where there are threads."""
        if len(self) == 1 or self.threads == 1:
            return [work(member) for member in range(len(self))]
        futures = [self._pool.submit(work, member) for member in range(len(self))]
        try:
            return [future.result() for future in futures]
        finally:
            wait(futures)  # whatever interrupts this, nobody goes on changing the weights

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(min(len(self), self.threads))


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next: fresh memory costs a page fault every 4 KiB.

    glibc gives memory back to the system beyond twice the largest block that it ever freed by itself (mallopt(3)), so
    it shall free one as large as counts. Others do as they do.
    """
    np.empty(LARGEST_BLOCK, np.uint8)


def add_up(parts: Sequence[Vector]) -> Vector:
    """The sum of vectors, in their order, in the place of the first."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


def slices_of(rows: int) -> int:
    """Slices of a batch whose gradients are summed apart; the last one has what is left."""
    return max(rows // SLICE, 1)


def clip_norm(gradient: Vector, largest: float | None) -> None:
    """Shorten a gradient that is longer than that, in place."""
    if largest is None:
        return
    norm = (native.norm if native.available() else reference_backward.norm)(gradient)
    if norm > largest:
        gradient *= np.float32(largest / (norm + 1e-6))


adamw_step = native.adamw_step if native.available() else reference_backward.adamw_step
