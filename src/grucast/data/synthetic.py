"""Data made on purpose: the textbook's noisy sines."""

import numpy as np
from numpy.typing import NDArray


def noisy_sines(
    count: int = 300, steps: int = 30, noise: float = 0.1, seed: int = 42
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sines of random frequency and phase with noise, and the last value of each.

        x_t = sin(2 pi f t / (T - 1) + p) + e_t,   f ~ U(0.5, 1.5),  p ~ U(0, pi),  e ~ N(0, noise)

    The default gives the textbook's data bit for bit: NumPy's legacy generator, drawn one sequence after the other.

    Args:
        count: Sequences N.
        steps: Steps T of each.
        noise: Standard deviation of the noise.
        seed: Seed of the generator.

    Returns:
        Sequences (N, T, 1) and targets (N, 1).

    >>> from grucast.data.synthetic import noisy_sines
    >>> X, y = noisy_sines()
    >>> X.shape, y.shape
    ((300, 30, 1), (300, 1))
    """
    random = np.random.RandomState(seed)
    sequences = np.empty((count, steps, 1))
    for sequence in sequences:
        frequency, phase = random.uniform(0.5, 1.5), random.uniform(0, np.pi)
        clean = np.sin(np.linspace(0, 2 * np.pi * frequency, steps) + phase)
        sequence[:, 0] = clean + random.normal(0, noise, steps)
    x = sequences.astype(np.float32)
    return x, x[:, -1]
