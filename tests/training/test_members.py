import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from grucast import NetworkConfig
from grucast.errors import TrainingError
from grucast.model.models import RegressionModel
from grucast.model.network import SequenceNetwork, Sequences
from grucast.model.outputs.means import Means
from grucast.nn import GRUNet
from grucast.training.gradients import SLICE
from grucast.training.members import Batch, Members, clip_norm
from tests.model.test_bits import random_weights

NETWORK = SequenceNetwork(NetworkConfig(6), 2, Means(1))


@pytest.fixture
def batch(rng):
    x, y = rng.normal(size=(20, 7, 2)).astype(np.float32), rng.normal(size=(20, 1)).astype(np.float32)
    return Batch(Sequences(x), y, np.full((20, 1), 1 / 20, np.float32))


@pytest.mark.parametrize(("decay", "clip"), [(0.0, None), (0.1, 0.05)])
def test_steps_are_those_of_torch_with_its_own_adamw(batch, decay, clip):
    members = Members(NETWORK, 7)
    torch.manual_seed(7)
    twin = GRUNet(2, 6, 1, 1)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01, weight_decay=decay)
    x, y = torch.from_numpy(batch.inputs.x), torch.from_numpy(batch.target)
    for step in range(1, 11):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(twin(x), y)
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(twin.parameters(), clip)
        optimizer.step()
        assert members.step(batch, step, 0.01, decay, clip) == pytest.approx(loss.item(), rel=1e-4)
    for name, parameter in twin.named_parameters():
        np.testing.assert_allclose(members.tensors()[name], parameter.detach().numpy(), atol=2e-5)


@pytest.mark.parametrize("rows", [63, 128, 200])
@pytest.mark.parametrize("without_kernels", [False, True])
def test_slices_of_a_batch_have_the_same_bits_apart(rows, without_kernels, rng, monkeypatch):
    if without_kernels:
        monkeypatch.setattr("grucast.kernels.native.available", lambda: False)
    network = SequenceNetwork(NetworkConfig(6, 2, dropout=0.3, bidirectional=True), 2, Means(1))
    x, y = rng.normal(size=(rows, 5, 2)).astype(np.float32), rng.normal(size=(rows, 1)).astype(np.float32)
    lengths, weight = rng.integers(1, 6, rows), np.full((rows, 1), 1 / rows, np.float32)
    whole, apart = Members(network, 3), Members(network, 3)
    loss = whole.compute_gradient(0, Batch(Sequences(x, lengths), y, weight))
    losses, parts, state = [], [], apart.rngs[0].bit_generator.state
    for first in range(0, max(rows // SLICE, 1) * SLICE, SLICE):
        own = slice(first, first + SLICE if first + 2 * SLICE <= rows else rows)
        apart.rngs[0].bit_generator.state = state
        batch = Batch(Sequences(x[own], lengths[own]), y[own], weight[own])
        found = apart.compute_slices(0, batch, (first, rows))
        losses, parts = losses + found[0], [*parts, *(part.copy() for part in found[1])]
    assert apart.join(0, losses, parts) == loss
    np.testing.assert_array_equal(apart._gradients, whole._gradients)
    assert np.abs(whole._gradients).max() > 0
    assert apart.rngs[0].bit_generator.state == whole.rngs[0].bit_generator.state


@pytest.mark.skipif(sys.platform != "linux", reason="says how glibc keeps memory")
def test_steps_take_no_fresh_memory():
    program = textwrap.dedent("""
        import resource
        import numpy as np
        from grucast import GRUForecaster, TrainingConfig
        rng, count, length = np.random.default_rng(0), 40, 100
        names = np.repeat([f"s{i}" for i in range(count)], length)
        ds = np.tile(np.datetime64("2024-01-01") + np.arange(length), count)
        faults = []
        def seen(progress):
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
        GRUForecaster(14, training=TrainingConfig(max_steps=40)).fit(
            {"unique_id": names, "ds": ds, "y": rng.gamma(2, 5, count * length)}, progress=seen
        )
        print((faults[34] - faults[4]) / 30)
    """)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 50  # some 900 where each step's memory is given back


def test_gradient_has_nothing_of_the_steps_before(rng):
    def step(members, rows):
        x, y = np.ones((rows, 3, 2), np.float32), np.ones((rows, 1), np.float32)
        members.compute_gradient(0, Batch(Sequences(x), y, y / rows))
        return members._gradients.copy()

    members = Members(NETWORK, 3)
    for rows in (200, 63, 130, 20):
        np.testing.assert_array_equal(step(members, rows), step(Members(NETWORK, 3), rows))


def test_members_begin_with_the_tensors_that_others_end_with():
    one, other = Members(NETWORK, 1, 3), Members(NETWORK, 2, 3)
    other.take(one.tensors())
    np.testing.assert_array_equal(other.weights, one.weights)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_member_of_many_ends_with_the_bits_it_has_alone(batch, threads):
    deep = SequenceNetwork(NetworkConfig(6, 2, dropout=0.3), 2, Means(1))
    together = Members(deep, 3, 3)
    together.threads = threads
    start, rngs = together.weights.copy(), [np.random.default_rng(own) for own in np.random.SeedSequence(3).spawn(3)]
    for step in (1, 2, 3):
        together.step(batch, step, 0.01, 0.01, 1.0)
    for member in range(3):
        alone = Members(deep, 3)
        alone.weights[0], alone.rngs = start[member], [rngs[member]]
        for step in (1, 2, 3):
            alone.step(batch, step, 0.01, 0.01, 1.0)
        np.testing.assert_array_equal(alone.weights[0], together.weights[member])


def test_members_start_apart_and_predict_their_mean(batch):
    members = Members(NETWORK, 3, 2)
    assert (members.weights[0] != members.weights[1]).any()
    tensors = members.tensors()
    alone = []
    for member in range(2):
        own = {
            k.removeprefix(f"members.{member}."): v for k, v in tensors.items() if k.startswith(f"members.{member}.")
        }
        alone.append(RegressionModel(2, 1, NetworkConfig(6), own).predict(batch.inputs))
    np.testing.assert_allclose(members.predict(batch.inputs), np.mean(alone, 0), rtol=1e-6)


def test_loss_is_that_of_the_mean_prediction_without_dropout(batch):
    members = Members(SequenceNetwork(NetworkConfig(6, 2, dropout=0.9), 2, Means(1)), 3, 2)
    error = members.predict(batch.inputs) - batch.target
    assert members.loss(batch) == pytest.approx((error**2).mean(), rel=1e-5)
    assert members.loss(batch) == members.loss(batch)


def test_tensors_share_nothing_with_the_members(batch):
    members = Members(NETWORK, 3)
    kept = members.tensors()
    before = kept["fc.weight"].copy()
    members.step(batch, 1, 0.1, 0.0, None)
    np.testing.assert_array_equal(kept["fc.weight"], before)


def test_beginning_anew_forgets_the_gradients(batch):
    members = Members(NETWORK, 3)
    members.step(batch, 1, 0.1, 0.0, None)
    assert members.mean.any()
    members.begin()
    assert not members.mean.any()
    assert not members.square.any()


@pytest.mark.parametrize("count", [1, 2])
def test_loss_that_is_not_finite_is_an_error_and_changes_no_weight(batch, count):
    members = Members(NETWORK, 3, count)
    before = members.weights.copy()
    with pytest.raises(TrainingError, match="became nan"):
        members.step(batch._replace(target=np.full((20, 1), np.nan, np.float32)), 1, 0.1, 0.0, None)
    np.testing.assert_array_equal(members.weights, before)


def test_only_longer_gradients_are_clipped():
    gradient = np.float32([3, 4])
    clip_norm(gradient, 10.0)
    assert gradient.tolist() == [3, 4]
    clip_norm(gradient, None)
    assert gradient.tolist() == [3, 4]
    clip_norm(gradient, 0.5)
    np.testing.assert_allclose(gradient, [0.3, 0.4], rtol=1e-5)


def test_weights_of_a_model_are_what_the_members_compute_with(batch, rng):
    model = RegressionModel(2, 1, NetworkConfig(6), {})
    weights, members = random_weights(rng, model), Members(NETWORK, 1)
    members.weights[0] = np.concatenate([array.ravel() for array in weights.values()])
    alone = RegressionModel(2, 1, NetworkConfig(6), weights).predict(batch.inputs)
    np.testing.assert_array_equal(members.predict(batch.inputs), alone)
