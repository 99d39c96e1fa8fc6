"""Compare recurrent layers on the textbook's example: 100 epochs on 240 noisy sines of 30 steps."""

from dataclasses import replace

import numpy as np

from grucast.comparison.contenders import Contender, Run, require_torch, run_all, train_contender
from grucast.comparison.result import Comparison
from grucast.data.synthetic import noisy_sines
from grucast.forecasting.metrics import mae, mse
from grucast.forecasting.textbook import NETWORK, TRAIN, TRAINING
from grucast.kernels import native
from grucast.model.config import TrainingConfig
from grucast.model.network import SequenceNetwork, Sequences
from grucast.model.outputs.means import Means
from grucast.training.progress import Callback
from grucast.training.sequences import Examples, make_phases


def compare_textbook(
    seeds: int = 3, training: TrainingConfig = TRAINING, callback: Callback | None = None
) -> Comparison:
    """Train RNN, LSTM and GRU on the textbook's example, and compare what they cost and how well they learn it.

    Args:
        seeds: Trainings of each, from the example's seed on.
        training: The example's.
        callback: Called with a Progress of all trainings together.

    Raises:
        MissingExtraError: torch is not installed.

    >>> from dataclasses import replace
    >>> from grucast.comparison import compare_textbook
    >>> from grucast.forecasting.textbook import TRAINING
    >>> result = compare_textbook(1, replace(TRAINING, max_steps=2))
    >>> [row.model for row in result.rows[:3]], list(result.rows[0].errors)
    (['RNN', 'LSTM', 'GRU'], ['MSE', 'MAE'])
    """
    require_torch()
    x, y = noisy_sines()
    examples = Examples(Sequences(x[:TRAIN]), y[:TRAIN], np.ones_like(y[:TRAIN]))

    def run(contender: Contender, settings: TrainingConfig, follow: Callback | None) -> Run:
        network = SequenceNetwork(replace(NETWORK, reset_after=contender.reset_after), x.shape[2], Means(1))
        phases = make_phases(examples, settings, None)
        members, run = train_contender(contender, network, settings, phases, follow)
        predicted = members.predict(Sequences(x[TRAIN:]))
        return replace(run, errors={"MSE": mse(y[TRAIN:], predicted), "MAE": mae(y[TRAIN:], predicted)})

    runs = run_all(run, training, seeds, callback)
    return Comparison.of(runs, f"{len(x) - TRAIN} test sequences", native.usual_threads())
