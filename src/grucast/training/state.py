"""Where training stands between two steps: all that it needs to go on as if it had never stopped."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from grucast.model.validation import DEPENDENCE, many, nullable, number, one_of, record, whole
from grucast.model.values import Array
from grucast.training.members import Members
from grucast.training.timer import Timer
from grucast.training.weights import Vector

Tensors = dict[str, Array]

ROOM = 2**20  # bytes of the settings and of what describes the tensors
COUNT, SECONDS = whole(0, 10**9), number(-1e12, 1e12)
PCG64 = record(dict, {"state": whole(0, 2**128 - 1), "inc": whole(0, 2**128 - 1)})
GENERATOR = record(
    dict,
    {
        "bit_generator": one_of("PCG64"),
        "state": PCG64,
        "has_uint32": whole(0, 1),
        "uinteger": whole(0, 2**32 - 1),
    },
)
FACTS = record(
    dict,
    {
        **dict.fromkeys(("phase", "step", "evaluations", "age"), COUNT),
        "factors": many(number(0, 1e30), 1000),
        "dependence": nullable(DEPENDENCE),
        "timer": record(Timer, dict.fromkeys(Timer.__dataclass_fields__, SECONDS) | {"validations": COUNT}),
        "rng": GENERATOR,
        "rngs": many(GENERATOR, 64),
    },
    optional=("dependence",),
)


@dataclass
class Best:
    """The best weights seen in validation and how many validations ago."""

    loss: float = math.inf
    age: int = 0
    weights: Vector | None = None

    def offer(self, loss: float, weights: Vector) -> None:
        """Keep the weights if they are better."""
        self.age += 1
        if loss < self.loss:
            self.loss, self.age, self.weights = loss, 0, weights.copy()


@dataclass
class State:
    """Where training stands between two steps, besides what the members hold.

    Attributes:
        rng: Draws the batches.
        phase: Phases done.
        step: Steps done in this phase.
        evaluations: Validations that were due in this phase.
        history: Loss of each step.
        validation: Validation loss last measured, NaN before the first.
        best: The best weights of the last phase that was validated.
        factors: What calibration found, () before it.
        dependence: As a model has it, None before calibration.
        timer: What it took.
    """

    rng: np.random.Generator
    phase: int = 0
    step: int = 0
    evaluations: int = 0
    history: list[float] = field(default_factory=list)
    validation: float = math.nan
    best: Best = field(default_factory=Best)
    factors: tuple[float, ...] = ()
    dependence: tuple[float, ...] | None = None
    timer: Timer = field(default_factory=Timer)

    @classmethod
    def of(cls, seed: int) -> "State":
        """The beginning, with batches drawn from that seed."""
        return cls(np.random.default_rng(seed))

    def begin_phase(self, members: Members, validated: bool) -> None:
        """Begin a phase, or go on within it."""
        if self.step:
            return
        members.begin()
        self.timer.phase_begin = self.timer.seconds
        if validated:
            self.best = Best()

    def end_phase(self) -> None:
        """Steps that early stopping or the clock left out count as done."""
        self.phase, self.step, self.evaluations = self.phase + 1, 0, 0


def pack(state: State, members: Members) -> tuple[Tensors, dict[str, Any]]:
    """Everything as tensors and JSON, to the last bit."""
    tensors: Tensors = {"weights": members.weights}
    if state.step:
        tensors |= {"mean": members.mean, "square": members.square}
    if state.best.weights is not None:
        tensors["best"] = state.best.weights
    tensors["history"] = np.array(state.history)
    tensors["losses"] = np.array([state.validation, state.best.loss])  # JSON has no NaN
    facts = {name: getattr(state, name) for name in ("phase", "step", "evaluations", "factors", "dependence")}
    facts |= {"age": state.best.age, "timer": asdict(replace(state.timer, spent=state.timer.seconds))}
    return tensors, facts | {
        "rng": state.rng.bit_generator.state,
        "rngs": [rng.bit_generator.state for rng in members.rngs],
    }


def unpack(tensors: Tensors, said: Any, members: Members, steps: Sequence[int]) -> State:
    """The state that was packed, of a run whose phases have so many steps; what the members held goes to them.

    Raises:
        ValueError: No run of such members can have come there.
    """
    facts = FACTS(said)
    require_tensors(tensors, facts["step"], members)
    require_place(facts["phase"], facts["step"], len(tensors["history"]), steps)
    if len(facts["rngs"]) != len(members):
        raise ValueError(f"rngs must be one for each of {len(members)} networks, not {len(facts['rngs'])}")
    for name in ("weights", "mean", "square"):
        if name in tensors:
            getattr(members, name)[:] = tensors[name]
    for rng, own in zip(members.rngs, facts["rngs"], strict=True):
        rng.bit_generator.state = own
    rng = np.random.default_rng()
    rng.bit_generator.state = facts["rng"]
    validation, loss = tensors["losses"].tolist()
    return State(
        rng,
        **{name: facts[name] for name in ("phase", "step", "evaluations")},
        history=tensors["history"].tolist(),
        validation=validation,
        best=Best(loss, facts["age"], tensors.get("best")),
        factors=tuple(facts["factors"]),
        dependence=facts.get("dependence"),
        timer=facts["timer"],
    )


def require_tensors(tensors: Tensors, step: int, members: Members) -> None:
    """Refuse other tensors than those that `pack` makes of such members, and numbers that training cannot reach."""
    wanted = {"weights", "history", "losses", *(("mean", "square") if step else ())}
    if different := tensors.keys() - {"best"} ^ wanted:
        name = min(different)
        raise ValueError(f"tensor {name[:80]!r} is {'absent' if name in wanted else 'none of this state'}")
    shapes: dict[str, Any] = dict.fromkeys(("weights", "mean", "square", "best"), ("float32", members.weights.shape))
    shapes |= {"history": ("float64", (tensors["history"].size,)), "losses": ("float64", (2,))}
    for name, tensor in tensors.items():
        if (tensor.dtype.name, tensor.shape) != shapes[name]:
            raise ValueError(f"tensor {name!r} is not as these networks have it")
        if name != "losses" and not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name!r} holds NaN or infinite numbers")
        if name == "square" and (tensor < 0).any():
            raise ValueError(f"tensor {name!r} holds negative numbers")


def size_of(members: Members, steps: Sequence[int]) -> int:
    """Bytes that a state of these members never exceeds."""
    return ROOM + 4 * int(members.weights.nbytes) + 8 * sum(steps)


def require_place(phase: int, step: int, done: int, steps: Sequence[int]) -> None:
    """Refuse a place that no run of phases with so many steps comes to."""
    most = max(steps[phase] - 1, 0) if phase < len(steps) else 0
    if phase > len(steps) or step > most or not step <= done <= sum(steps[:phase]) + step:
        place = f"step {step} of phase {phase} after {done} steps"
        raise ValueError(f"{place} is no place in phases of {', '.join(map(str, steps))} steps")
