"""Where training stands between two steps: all that it needs to go on as if it had never stopped."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from grucast.training.timer import Timer

Tensors = dict[str, Tensor]


@dataclass
class Best:
    """The best weights seen in validation and how many validations ago."""

    loss: float = math.inf
    age: int = 0
    weights: Tensors = field(default_factory=dict)

    def offer(self, loss: float, network: nn.Module) -> None:
        """Keep the network's weights if they are better."""
        self.age += 1
        if loss < self.loss:
            self.loss, self.age = loss, 0
            self.weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}


@dataclass
class State:
    """Where training stands between two steps, beside the network's weights.

    Attributes:
        rng: Draws the batches.
        generator: Draws what dropout drops.
        phase: Phases done.
        step: Steps done in this phase.
        evaluations: Validations that were due in this phase.
        history: Loss of each step.
        validation: Validation loss last measured, NaN before the first.
        best: The best weights of the last phase that was validated.
        widths: What calibration found, () before it.
        timer: What it took.
        moments: The optimizer's state by parameter, where a phase goes on from a checkpoint.
    """

    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    generator: torch.Generator = field(default_factory=torch.Generator)
    phase: int = 0
    step: int = 0
    evaluations: int = 0
    history: list[float] = field(default_factory=list)
    validation: float = math.nan
    best: Best = field(default_factory=Best)
    widths: tuple[float, ...] = ()
    timer: Timer = field(default_factory=Timer)
    moments: dict[int, Tensors] = field(default_factory=dict)

    def begin_phase(self, optimizer: Optimizer, validated: bool) -> None:
        """Begin a phase, or go on within it with what the optimizer had."""
        if self.step:
            optimizer.load_state_dict(optimizer.state_dict() | {"state": self.moments})
            return
        self.timer.phase_begin = self.timer.seconds
        if validated:
            self.best = Best()

    def end_phase(self) -> None:
        """Steps that early stopping or the clock left out count as done."""
        self.phase, self.step, self.evaluations = self.phase + 1, 0, 0


def pack(state: State, network: nn.Module, optimizer: Optimizer | None) -> tuple[Tensors, dict[str, Any]]:
    """Everything as tensors and JSON, to the last bit; without an optimizer between phases."""
    moments = optimizer.state_dict()["state"] if optimizer else {}
    groups = {"network": network.state_dict(), "best": state.best.weights}
    groups |= {f"optimizer.{parameter}": own for parameter, own in moments.items()}
    tensors = {f"{group}.{name}": tensor for group, own in groups.items() for name, tensor in own.items()}
    tensors["generator"] = state.generator.get_state()
    tensors["history"] = torch.tensor(state.history, dtype=torch.float64)
    tensors["losses"] = torch.tensor([state.validation, state.best.loss], dtype=torch.float64)  # JSON has no NaN
    counts = {name: getattr(state, name) for name in ("phase", "step", "evaluations", "widths")}
    timer = asdict(replace(state.timer, spent=state.timer.seconds))
    return tensors, counts | {"age": state.best.age, "timer": timer, "rng": state.rng.bit_generator.state}


def unpack(tensors: Tensors, facts: Mapping[str, Any], network: nn.Module) -> State:
    """The state that was packed; the weights go to the network."""
    network.load_state_dict(group(tensors, "network."))
    generator = torch.Generator().set_state(tensors["generator"])
    rng = np.random.default_rng()
    rng.bit_generator.state = facts["rng"]
    validation, loss = tensors["losses"].tolist()
    parameters = {int(name.split(".")[1]) for name in tensors if name.startswith("optimizer.")}
    return State(
        rng,
        generator,
        **{name: facts[name] for name in ("phase", "step", "evaluations")},
        history=tensors["history"].tolist(),
        validation=validation,
        best=Best(loss, facts["age"], group(tensors, "best.")),
        widths=tuple(facts["widths"]),
        timer=Timer(**facts["timer"]),
        moments={parameter: group(tensors, f"optimizer.{parameter}.") for parameter in parameters},
    )


def group(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
