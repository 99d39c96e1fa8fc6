from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from grucast import NetworkConfig, TrainingConfig
from grucast.errors import ModelFileError, TrainingInterrupted
from grucast.model.models import ClassificationModel, RegressionModel
from grucast.model.network import Sequences
from grucast.training.members import Members
from grucast.training.sequences import Examples, make_phases, train_sequences

NETWORK = NetworkConfig(hidden_size=3)
TRAINING = TrainingConfig(max_steps=4)
DEEP = NetworkConfig(hidden_size=4, num_layers=2, bidirectional=True)


def regression(rng, rows=40):
    x = rng.normal(size=(rows, 5, 2)).astype(np.float32)
    return RegressionModel(2, 2, NETWORK, {}), Examples(Sequences(x), x[:, -1], np.ones((rows, 2), np.float32))


def classification(rng, rows=40):
    x = rng.normal(size=(rows, 5, 2)).astype(np.float32)
    model = ClassificationModel((0.0, 0.0), (1.0, 1.0), (0, 1), NETWORK, {})
    return model, Examples(Sequences(x), (x[:, -1, 0] > 0).astype(np.int64), np.ones(rows, np.float32))


@pytest.fixture(params=[regression, classification])
def task(rng, request):
    return request.param(rng)


def run(task, held_out=None, callback=None, **training):
    return train_sequences(*task, replace(TRAINING, **training), held_out, callback)


def same(one, other):
    return all((one.weights[name] == other.weights[name]).all() for name in one.weights)


def test_same_seed_gives_the_same_bits(task):
    (one, a), (other, b) = run(task, batch_size=8), run(task, batch_size=8)
    assert a == b
    assert same(one, other)


def test_other_seed_gives_other_weights(task):
    assert not same(run(task)[0], run(task, seed=2)[0])


def test_global_generators_neither_matter_nor_move(task):
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - the generator that must not move
    one, states = run(task, batch_size=8)[1], (torch.random.get_rng_state(), np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(99)  # noqa: NPY002
    assert run(task, batch_size=8)[1] == one
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    assert (torch.random.get_rng_state() == states[0]).all()
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002


def test_two_fits_in_threads_give_the_bits_of_each_alone(rng):
    tasks = [classification(rng), regression(rng)] * 2
    alone = [run(task, batch_size=8, max_steps=30)[0] for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda task: run(task, batch_size=8, max_steps=30)[0], tasks))
    assert all(map(same, alone, together))


def ragged(rng, lengths, outputs=2):
    """Sequences with something beyond their ends, and targets of each step."""
    x = rng.normal(size=(len(lengths), max(lengths), 3)).astype(np.float32)
    y = rng.normal(size=(*x.shape[:2], outputs)).astype(np.float32)
    weight = (np.arange(x.shape[1]) < np.array(lengths)[:, None])[..., None] * np.ones_like(y)
    return Sequences(x, np.array(lengths)), y, weight


def torch_loss(members, network, sequences, y):
    """The mean squared error over the valid steps by torch's modules on packed sequences, and its gradients."""
    x, lengths = sequences
    gru = torch.nn.GRU(3, network.hidden_size, network.num_layers, batch_first=True, bidirectional=True)
    fc = torch.nn.Linear(2 * network.hidden_size, y.shape[2])
    named = {f"gru.{name}": p for name, p in gru.named_parameters()} | {f"fc.{n}": p for n, p in fc.named_parameters()}
    with torch.no_grad():
        for name, value in members.tensors().items():
            named[name].copy_(torch.from_numpy(value))
    packed = pack_padded_sequence(torch.from_numpy(x), lengths, batch_first=True, enforce_sorted=False)
    out = fc(pad_packed_sequence(gru(packed)[0], batch_first=True)[0])
    valid = torch.arange(x.shape[1]) < torch.from_numpy(lengths)[:, None]
    loss = ((out - torch.from_numpy(y))[valid] ** 2).mean()
    loss.backward()
    return loss.item(), {name: p.grad.numpy() for name, p in named.items()}


def test_gradients_of_ragged_steps_are_those_of_torchs_packed_sequences(rng):
    sequences, y, weight = ragged(rng, [7, 2, 5, 1])
    members = Members(RegressionModel(3, 2, DEEP, {}, per_step=True).definition, seed=1)
    loss = members.compute_gradient(0, Examples(sequences, y, weight).take(np.arange(4)))
    wanted, gradients = torch_loss(members, DEEP, sequences, y)
    assert loss == pytest.approx(wanted, rel=1e-5)
    start = 0
    for name, shape, _ in members.parameters:
        found = members._gradients[0][start : start + int(np.prod(shape))].reshape(shape)
        np.testing.assert_allclose(found, gradients[name], atol=1e-6, err_msg=name)
        start += found.size


def test_batch_is_as_long_as_its_longest_sequence_and_its_weights_sum_to_one(rng):
    sequences, y, weight = ragged(rng, [7, 2, 5, 1])
    batch = Examples(sequences, y, weight).take(np.array([3, 1]))
    assert batch.inputs.x.shape == (2, 2, 3)
    assert batch.inputs.lengths.tolist() == [1, 2]
    assert batch.target.shape == batch.weight.shape == (2, 2, 2)
    assert batch.weight.sum() == pytest.approx(1)
    assert batch.weight[0, 1].tolist() == [0, 0]


def test_batch_holds_everything_in_its_order_where_it_fits(rng):
    _, examples = regression(rng)
    whole = examples.draw(np.arange(40), 40)(rng)
    np.testing.assert_array_equal(whole.inputs.x, examples.sequences.x)
    rows = np.arange(10, 20)
    drawn = examples.draw(rows, 4)(rng)
    assert all(any((one == x).all() for x in examples.sequences.x[rows]) for one in drawn.inputs.x)


def test_rows_held_out_choose_the_weights_and_are_trained_on_after_that(rng):
    _, examples = classification(rng)
    held_out = np.array([3, 17, 39])
    first, second = make_phases(examples, TrainingConfig(max_steps=10), held_out)
    assert (first.steps, second.steps) == (6, 4)
    np.testing.assert_array_equal(first.held.inputs.x, examples.sequences.x[held_out])
    shown = first.draw(rng).inputs.x
    np.testing.assert_array_equal(shown, np.delete(examples.sequences.x, held_out, 0))
    np.testing.assert_array_equal(second.draw(rng).inputs.x, examples.sequences.x)
    assert second.held is None
    assert len(make_phases(examples, TRAINING, None)) == len(make_phases(examples, TRAINING, held_out[:0])) == 1


def test_one_step_is_enough_to_train_with_rows_held_out(rng):
    _, history = run(classification(rng), np.arange(12), max_steps=1)
    assert len(history) == 1


def test_patience_ends_the_first_phase_early(rng):
    model, examples = classification(rng)
    held_out = np.arange(20)
    examples.target[held_out] = 1 - examples.target[held_out]  # what is learned is wrong for these
    seen = []
    run((model, examples), held_out, seen.append, max_steps=200, learning_rate=0.05, patience=2)
    assert len(seen) < 150
    assert seen[-1].step == 200


def test_interrupt_carries_the_best_weights_so_far(rng):
    task, seen = classification(rng), []

    def stop(progress):
        seen.append(progress)
        if progress.step == 70:  # in the second phase, which has no rows held out
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        run(task, np.arange(12), stop, max_steps=100)
    assert len(caught.value.history) == 70
    best = np.nanmin([progress.validation for progress in seen])
    model, examples = task
    members = Members(model.definition, 1)
    members.weights[0] = np.concatenate([caught.value.model.weights[name].ravel() for name, *_ in members.parameters])
    assert members.loss(examples.take(np.arange(12))) == best


def test_model_that_no_file_can_hold_is_refused_before_training(rng):
    model, examples = classification(rng)
    with pytest.raises(ModelFileError, match="cannot be written"):
        run((replace(model, classes=("a", "\ud800")), examples), callback=pytest.fail)
