"""Where training stands between two steps: all that it needs to go on as if it had never stopped."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from grucast.model.validation import many, number, one_of, record, whole
from grucast.training.timer import Timer

Tensors = dict[str, Tensor]

HEADER, ROOM = 2**20, 2000  # bytes of the settings, and of what describes the five tensors for each of a network
COUNT, SECONDS = whole(0, 10**9), number(-1e12, 1e12)
PCG64 = record(dict, {"state": whole(0, 2**128 - 1), "inc": whole(0, 2**128 - 1)})
FACTS = record(
    dict,
    {
        **dict.fromkeys(("phase", "step", "evaluations", "age"), COUNT),
        "widths": many(number(0, 1e30), 1000),
        "timer": record(Timer, dict.fromkeys(Timer.__dataclass_fields__, SECONDS) | {"validations": COUNT}),
        "rng": record(
            dict,
            {
                "bit_generator": one_of("PCG64"),
                "state": PCG64,
                "has_uint32": whole(0, 1),
                "uinteger": whole(0, 2**32 - 1),
            },
        ),
    },
)


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


def unpack(tensors: Tensors, said: Any, network: nn.Module, steps: Sequence[int]) -> State:
    """The state that was packed, of a run whose phases have so many steps; the weights go to the network.

    Raises:
        ValueError: No run with that network can have come there.
        RuntimeError: It holds no state of a generator.
    """
    facts = FACTS(said)
    require_tensors(tensors, network)
    require_place(facts["phase"], facts["step"], len(tensors["history"]), steps)
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
        timer=facts["timer"],
        moments={parameter: group(tensors, f"optimizer.{parameter}.") for parameter in parameters},
    )


def require_tensors(tensors: Tensors, network: nn.Module) -> None:
    """Refuse other tensors than those that `pack` makes of a network, and numbers that training cannot reach."""
    wanted = tensors_of(network, tensors.get("history", torch.zeros(0)).numel())
    parts = {part_of(name) for name in tensors} | {"network", "generator", "history", "losses"}
    if missing := {name for name in wanted if part_of(name) in parts} - tensors.keys():
        raise ValueError(f"tensor {min(missing)} is absent")
    for name, tensor in tensors.items():
        shape = (wanted[name].dtype, wanted[name].shape) if name in wanted else None
        if shape != (tensor.dtype, tensor.shape):
            raise ValueError(f"tensor {name[:80]!r} is not as the network has it")
        if name != "losses" and not tensor.isfinite().all():
            raise ValueError(f"tensor {name!r} holds NaN or infinite numbers")
        if name.startswith("optimizer.") and not name.endswith("exp_avg") and (tensor < 0).any():
            raise ValueError(f"tensor {name!r} holds negative numbers")


def part_of(name: str) -> str:
    """What is there as a whole or not at all: weights, or the moments of a parameter."""
    return name.rpartition(".")[0] if name.startswith("optimizer.") else name.partition(".")[0]


def tensors_of(network: nn.Module, steps: int) -> Tensors:
    """Tensors of the types and shapes that `pack` gives after so many steps."""
    own = network.state_dict().items()
    wanted = {f"{group}.{name}": tensor for group in ("network", "best") for name, tensor in own}
    for index, parameter in enumerate(network.parameters()):
        moments = {"exp_avg": parameter, "exp_avg_sq": parameter, "step": torch.tensor(0.0)}
        wanted |= {f"optimizer.{index}.{name}": tensor for name, tensor in moments.items()}
    losses = torch.zeros(2, dtype=torch.float64)
    wanted |= {"generator": torch.Generator().get_state(), "losses": losses, "history": losses.new_zeros(steps)}
    return wanted


def size_of(network: nn.Module, steps: Sequence[int]) -> int:
    """Bytes that a state of this network never exceeds."""
    own = sum(ROOM + 5 * int(tensor.nbytes) for tensor in network.state_dict().values())
    return HEADER + own + 8 * sum(steps)


def require_place(phase: int, step: int, done: int, steps: Sequence[int]) -> None:
    """Refuse a place that no run of phases with so many steps comes to."""
    most = max(steps[phase] - 1, 0) if phase < len(steps) else 0
    if phase > len(steps) or step > most or not step <= done <= sum(steps[:phase]) + step:
        place = f"step {step} of phase {phase} after {done} steps"
        raise ValueError(f"{place} is no place in phases of {', '.join(map(str, steps))} steps")


def group(tensors: Tensors, prefix: str) -> Tensors:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
