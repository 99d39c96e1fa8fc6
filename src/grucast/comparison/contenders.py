"""Who is compared, and how each is trained: by the same code, with another layer."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from statistics import median
from typing import Any

import numpy as np

from grucast.kernels import native
from grucast.model.config import TrainingConfig
from grucast.model.network import Parameter
from grucast.model.outputs import Array
from grucast.training.loop import Phase, train
from grucast.training.members import Batch, Members, Network
from grucast.training.progress import Callback, Progress
from grucast.training.state import State

WARM_UP = 2  # steps of each contender before anything is timed


@dataclass(frozen=True)
class Contender:
    """A recurrent layer and the program that computes it.

    Attributes:
        model: RNN, LSTM or GRU.
        kernels: Whose kernels run: torch's, grucast's under torch (grucast.nn), or grucast's without torch (grucast).
        layer: The layer's name in `nn.operations`; None for the executor that GRUForecaster trains with.
        gates: How many times the hidden size each of its recurrent parameters has as rows.
        reset_after: As in NetworkConfig.
    """

    model: str
    kernels: str
    layer: str | None = None
    gates: int = 3
    reset_after: bool = True

    def members(self, network: Network, seed: int) -> "TimedMembers":
        """The network with this layer, to be trained."""
        return TimedMembers(network, seed) if self.layer is None else TorchMembers(network, seed, self)


PUBLISHED = "GRU, published"  # with the reset gate before the recurrent product
CONTENDERS = (
    Contender("RNN", "torch", "torch.nn.RNN", gates=1),
    Contender("LSTM", "torch", "torch.nn.LSTM", gates=4),
    Contender("GRU", "torch", "torch.nn.GRU"),
    Contender("GRU", "grucast.nn", "grucast.nn.GRU"),
    Contender(PUBLISHED, "grucast.nn", "grucast.nn.GRU, reset_after=False", reset_after=False),
    Contender("GRU", "grucast"),
    Contender(PUBLISHED, "grucast", reset_after=False),
)


def require_torch() -> None:
    """Refuse, before any work, to compare where torch is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    import_module("grucast.nn")


class TimedMembers(Members):
    """A network in training that remembers the seconds of each step: gradient, clipping and AdamW."""

    def __init__(self, network: Network, seed: int, parameters: Iterable[Parameter] | None = None) -> None:
        super().__init__(network, seed, parameters=parameters)
        self.seconds: list[float] = []

    def step(self, batch: Batch, count: int, rate: float, decay: float, clip: float | None) -> float:
        """As in Members, by the clock."""
        start = time.perf_counter()
        loss = super().step(batch, count, rate, decay, clip)
        self.seconds.append(time.perf_counter() - start)
        return loss


class TorchMembers(TimedMembers):
    """The same, computed by torch with the layer of a contender."""

    def __init__(self, network: Network, seed: int, contender: Contender) -> None:
        from grucast.nn.operations import TorchOperations

        super().__init__(network, seed, with_gates(network.parameters(), contender.gates))
        layer = contender.layer or ""
        self._torch = TorchOperations(self._named[0], self._named_gradients[0], network.config, layer, self.rngs[0])

    def compute_gradient(self, member: int, batch: Batch) -> float:  # noqa: ARG002 - there is one
        """As in Members."""
        predicted = self._torch.record(self.network, batch.inputs)
        losses, gradient = self.measure(predicted.detach().numpy(), batch)
        self._torch.backward(predicted, gradient)
        return sum(losses)

    def predict(self, inputs: Any) -> Array:
        """As in Members."""
        return self._torch.compute(self.network, inputs)


@dataclass(frozen=True)
class Run:
    """What came of training a contender once.

    Attributes:
        parameters: Their number.
        steps: Steps of the training, at the most.
        step_seconds: Median seconds of a step.
        seconds: Those of the whole training, with the drawing of batches and validation.
        losses: After each step, the seconds until then and the validation loss last measured, or where nothing is held
            out the training loss.
        errors: Errors on what training did not see, by measure; the first one ranks.
        simple: Those of the best seasonal naive, by its name, where there is one.
    """

    parameters: int
    steps: int
    step_seconds: float
    seconds: float
    losses: tuple[tuple[float, float], ...]
    errors: dict[str, float]
    simple: tuple[str, dict[str, float]] | None = None

    @property
    def best(self) -> float:
        """The least loss."""
        return float(np.nanmin([loss for _, loss in self.losses]))

    def seconds_to(self, level: float) -> float:
        """Seconds until the loss was first no larger than that; NaN if it never was."""
        return next((seconds for seconds, loss in self.losses if loss <= level), np.nan)


def train_contender(
    contender: Contender, network: Network, training: TrainingConfig, phases: Sequence[Phase], callback: Callback | None
) -> tuple[TimedMembers, Run]:
    """Train a network with a contender's layer; the run has no errors yet."""
    members, start = contender.members(network, training.seed), time.perf_counter()
    losses: list[tuple[float, float]] = []

    def report(progress: Progress) -> None:
        losses.append((progress.seconds, progress.loss if phases[0].held is None else progress.validation))
        if callback:
            callback(progress)

    train(members, training, phases, State.of(training.seed), report, start)
    seconds, steps = time.perf_counter() - start, sum(phase.steps for phase in phases)
    return members, Run(members.weights.size, steps, median(members.seconds), seconds, tuple(losses), {})


def with_gates(parameters: Iterable[Parameter], gates: int) -> Iterator[Parameter]:
    """The parameters of the same network whose recurrent layer has another number of gates than a GRU's 3."""
    for parameter in parameters:
        rows, *rest = parameter.shape
        yield parameter._replace(shape=(rows // 3 * gates, *rest)) if parameter.name.startswith("gru.") else parameter


def run_all(
    run: Callable[[Contender, TrainingConfig, Callback | None], Run],
    training: TrainingConfig,
    seeds: int,
    callback: Callback | None = None,
) -> dict[Contender, list[Run]]:
    """Train all contenders with one seed, then with the next, so that a machine that slows down is fair to all.

    Each round begins with another contender, and all may use as many threads. A few steps of each come before, since
    the first ones warm up.
    """
    from grucast.nn.operations import on_threads

    runs: dict[Contender, list[Run]] = {contender: [] for contender in CONTENDERS}
    follow = Overall(seeds * len(CONTENDERS), callback)
    with on_threads(native.usual_threads()):
        for contender in CONTENDERS:
            run(contender, replace(training, max_steps=WARM_UP), None)
        for place in range(seeds):
            first = place % len(CONTENDERS)
            for contender in CONTENDERS[first:] + CONTENDERS[:first]:
                settings = replace(training, seed=training.seed + place)
                runs[contender].append(run(contender, settings, follow))
                follow.done += 1
    return runs


class Overall:
    """Tells a callback of all runs together what each says of itself."""

    def __init__(self, runs: int, callback: Callback | None) -> None:
        self.runs, self.callback, self.done, self.start = runs, callback, 0, time.perf_counter()

    def __call__(self, progress: Progress) -> None:
        """Pass on a step of the present run, which all others take as many of."""
        if self.callback:
            step, steps = self.done * progress.steps + progress.step, self.runs * progress.steps
            seconds = time.perf_counter() - self.start
            remaining = seconds * (steps - step) / step
            self.callback(replace(progress, step=step, steps=steps, seconds=seconds, remaining=remaining))
