import json
import math

import torch
from safetensors.torch import load, save
from torch import nn

from grucast.training.state import State, pack, unpack


def test_state_is_kept_to_the_last_bit():
    network = nn.Linear(2, 3)
    state = State(history=[0.1, 1 / 3], phase=1, step=2, evaluations=3, widths=(1.1, 0.7))
    state.timer.start()
    state.best.offer(0.3, network)
    state.best.offer(0.4, network)
    state.rng.integers(5, size=3)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(2)).sum().backward()
    optimizer.step()
    generator = state.generator.get_state()
    tensors, facts = pack(state, network, optimizer)
    kept = load(save(tensors)), json.loads(json.dumps(facts, allow_nan=False))
    twin, numbers = nn.Linear(2, 3), state.rng.random(5)
    torch.rand(4, generator=state.generator)
    restored = unpack(*kept, twin, [0, 8])
    assert torch.equal(restored.generator.get_state(), generator)
    assert (restored.rng.random(5) == numbers).all()
    for name in ("phase", "step", "evaluations", "history", "widths"):
        assert getattr(restored, name) == getattr(state, name)
    assert (restored.best.loss, restored.best.age) == (0.3, 1)
    assert restored.timer.spent > 0
    for one, other in (
        (network.state_dict(), twin.state_dict()),
        (state.best.weights, restored.best.weights),
        *zip(optimizer.state_dict()["state"].values(), restored.moments.values(), strict=True),
    ):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_state_before_any_validation_is_kept():
    state = State()
    state.timer.start()
    tensors, facts = pack(state, nn.Linear(1, 1), None)
    restored = unpack(tensors, json.loads(json.dumps(facts)), nn.Linear(1, 1), [1])
    assert math.isnan(restored.validation)
    assert (restored.best.loss, restored.best.weights, restored.moments) == (math.inf, {}, {})
