from dataclasses import replace

import numpy as np
import pytest

from grucast import NetworkConfig, TrainingConfig
from grucast.comparison.contenders import CONTENDERS, Run, run_all, train_contender
from grucast.errors import TrainingError
from grucast.model.network import SequenceNetwork, Sequences
from grucast.model.outputs.means import Means
from grucast.training.members import Batch, Members
from grucast.training.progress import Progress
from grucast.training.sequences import Examples, make_phases

torch = pytest.importorskip("torch")
NETWORK = SequenceNetwork(NetworkConfig(6, 2, dropout=0.2), 2, Means(1))
NAMES = [f"{each.model} by {each.kernels}" for each in CONTENDERS]
QUICK = TrainingConfig(max_steps=6, learning_rate=0.01)


@pytest.fixture
def examples(rng):
    x, y = rng.normal(size=(20, 7, 2)).astype(np.float32), rng.normal(size=(20, 1)).astype(np.float32)
    return Examples(Sequences(x), y, np.ones_like(y))


def network_of(contender):
    return replace(NETWORK, config=replace(NETWORK.config, reset_after=contender.reset_after))


def trained(contender, examples, training=QUICK, held=None):
    return train_contender(contender, network_of(contender), training, make_phases(examples, training, held), None)


@pytest.mark.parametrize("contender", CONTENDERS, ids=NAMES)
def test_parameters_are_as_many_as_the_formula_says(contender, examples):
    gates, h = {"RNN": 1, "LSTM": 4}.get(contender.model, 3), 6
    recurrent = sum(gates * (h * inputs + h * h + 2 * h) for inputs in (2, h))
    assert trained(contender, examples)[1].parameters == recurrent + h + 1


@pytest.mark.parametrize("contender", CONTENDERS, ids=NAMES)
def test_same_seed_gives_the_same_weights_and_another_one_others(contender, examples):
    first, second = (trained(contender, examples)[0].weights for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (trained(contender, examples, replace(QUICK, seed=2))[0].weights != first).any()


@pytest.mark.parametrize("reset_after", [True, False])
def test_grus_learn_the_same_whoever_computes_them(reset_after, examples):
    own = [
        trained(each, examples)[0].weights for each in CONTENDERS if each.gates == 3 and each.reset_after == reset_after
    ]
    for other in own[1:]:
        np.testing.assert_allclose(other, own[0], atol=1e-4)


def test_without_torch_it_is_what_members_learn(examples):
    contender = next(each for each in CONTENDERS if each.layer is None)
    ours, _ = trained(contender, examples)
    members, batch = Members(NETWORK, 1), examples.take(slice(None))
    assert ours.weights.shape == members.weights.shape
    np.testing.assert_array_equal(contender.members(NETWORK, 1).weights, members.weights)
    assert contender.members(NETWORK, 1).loss(batch) == members.loss(batch)


@pytest.mark.parametrize("contender", CONTENDERS, ids=NAMES)
def test_a_run_has_the_seconds_and_validation_losses_of_its_steps(contender, examples):
    members, run = trained(contender, examples, held=np.arange(5))
    assert len(members.seconds) == len(run.losses) == run.steps == 6
    seconds, losses = zip(*run.losses, strict=True)
    assert list(seconds) == sorted(seconds)
    assert sum(members.seconds) < run.seconds
    assert run.best == pytest.approx(min(losses))
    assert members.loss(examples.take(np.arange(5))) > 0


def test_where_nothing_is_held_out_the_training_loss_counts(examples):
    _, run = trained(CONTENDERS[1], examples)
    untrained, batch = CONTENDERS[1].members(NETWORK, 1), examples.take(slice(None))
    assert run.losses[0][1] == pytest.approx(untrained.compute_gradient(0, batch))


def test_seconds_to_a_level_are_those_when_it_was_first_reached():
    run = Run(1, 4, 0.1, 5.0, ((1.0, np.nan), (2.0, 0.5), (3.0, 0.2), (4.0, 0.3)), {})
    assert (run.seconds_to(0.5), run.seconds_to(0.3), run.best) == (2.0, 3.0, 0.2)
    assert np.isnan(run.seconds_to(0.1))


def test_loss_that_is_not_finite_is_refused(examples):
    members = CONTENDERS[0].members(NETWORK, 1)
    batch = examples.take(slice(None))
    with pytest.raises(TrainingError, match="lower learning_rate"):
        members.compute_gradient(0, Batch(batch.inputs, np.full_like(batch.target, np.inf), batch.weight))


def test_seeds_are_trained_in_turn_each_round_from_another_contender_on():
    done, told = [], []

    def run(contender, training, callback):
        if callback:
            done.append((contender, training.seed))
            callback(Progress(3, 3, 1.0, 1.0, 0.1, 0.0))
        else:
            assert training.max_steps == 2
        return Run(1, 3, 0.1, 0.3, ((0.1, 1.0),), {"MSE": 1.0})

    runs = run_all(run, TrainingConfig(seed=5), 2, told.append)
    assert [seed for _, seed in done] == [5] * len(CONTENDERS) + [6] * len(CONTENDERS)
    assert [each for each, _ in done] == [*CONTENDERS, *CONTENDERS[1:], CONTENDERS[0]]
    assert [len(own) for own in runs.values()] == [2] * len(CONTENDERS)
    assert [(p.step, p.steps) for p in told] == [(3 * k, 42) for k in range(1, 15)]
    assert told[-1].remaining == 0
