import json
import math

import numpy as np
from safetensors.numpy import load, save

from grucast import NetworkConfig
from grucast.model.network import SequenceNetwork
from grucast.model.outputs.means import Means
from grucast.training.members import Members
from grucast.training.state import State, pack, unpack

NETWORK = SequenceNetwork(NetworkConfig(3), 2, Means(1))


def test_state_is_kept_to_the_last_bit(rng):
    members, twin = Members(NETWORK, 1, 2), Members(NETWORK, 2, 2)
    state = State.of(3)
    state.dependence = (0.25, -0.5)
    state.history, state.phase, state.step, state.evaluations, state.factors = [0.1, 1 / 3], 1, 2, 3, (1.1, 0.7)
    state.timer.start()
    state.best.offer(0.3, members.weights)
    best = members.weights.copy()
    members.weights += 1
    state.best.offer(0.4, members.weights)
    members.mean[:], members.square[:] = rng.normal(size=(2, *members.mean.shape)) ** 2
    state.rng.integers(5, size=3)
    members.rngs[1].random(5, np.float32)
    tensors, facts = pack(state, members)
    kept = load(save(tensors)), json.loads(json.dumps(facts, allow_nan=False))
    numbers = [rng.random(5).tolist() for rng in (state.rng, *members.rngs)]
    restored = unpack(*kept, twin, [0, 8])
    assert [rng.random(5).tolist() for rng in (restored.rng, *twin.rngs)] == numbers
    for name in ("phase", "step", "evaluations", "history", "factors", "dependence"):
        assert getattr(restored, name) == getattr(state, name)
    assert (restored.best.loss, restored.best.age) == (0.3, 1)
    assert restored.timer.spent > 0
    np.testing.assert_array_equal(restored.best.weights, best)
    for name in ("weights", "mean", "square"):
        np.testing.assert_array_equal(getattr(twin, name), getattr(members, name))


def test_state_before_any_validation_is_kept():
    state = State.of(1)
    state.timer.start()
    tensors, facts = pack(state, Members(NETWORK, 1))
    restored = unpack(tensors, json.loads(json.dumps(facts)), Members(NETWORK, 1), [1])
    assert math.isnan(restored.validation)
    assert (restored.best.loss, restored.best.weights) == (math.inf, None)
