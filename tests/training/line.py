"""The smallest thing that trains: one weight at 5, whose square is the loss."""

import numpy as np

from grucast.kernels import reference_backward
from grucast.model.network import Parameter
from grucast.training.loop import Phase
from grucast.training.members import Batch, Members

NOTHING = Batch(None, np.zeros((1, 1)), np.ones((1, 1)))


class Square:
    """A network and an output in one: it computes the weight, and its loss is the square."""

    config = None

    @property
    def output(self):
        return self

    def parameters(self):
        return iter([Parameter("w", (1, 1), 1.0)])


class Line(Members):
    def __init__(self, size=1):
        self.network = Square()
        self.parameters = [Parameter("w", (1, size), 1.0)]
        self.weights = np.full((1, size), 5.0, np.float32)
        self.mean, self.square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        self.rngs, self.threads = [np.random.default_rng(0)], 1
        self.seen = []
        self._gradients = np.zeros_like(self.weights)

    def compute_gradient(self, member, batch):  # noqa: ARG002
        self._gradients[:] = 2 * self.weights
        return float((self.weights**2).sum())

    def predict(self, inputs):  # noqa: ARG002
        return self.weights.copy()

    def loss(self, batch):
        return batch.inputs()

    @property
    def weight(self):
        return float(self.weights[0, 0])


def phase(steps, validate=None, draw=lambda _: NOTHING, **settings):
    """A phase whose validation loss is what `validate` gives."""
    return Phase(steps, draw, held=validate and NOTHING._replace(inputs=validate), **settings)


def adam(weight, steps, rate=0.1):
    """The weight after so many steps of Adam on its square."""
    w, m, v = np.array([[weight], [0], [0]], np.float32)
    for step in range(1, steps + 1):
        reference_backward.adamw_step(w, 2 * w, m, v, step, rate, 0.0)
    return float(w[0])
