import numpy as np

from grucast.data.synthetic import noisy_sines


def test_data_are_bit_equal_to_the_textbooks():
    np.random.seed(42)  # noqa: NPY002 - the example's own generator, written as the example has it
    data = []
    for _ in range(300):
        freq = np.random.uniform(0.5, 1.5)  # noqa: NPY002
        phase = np.random.uniform(0, np.pi)  # noqa: NPY002
        noise = np.random.normal(0, 0.1, 30)  # noqa: NPY002
        data.append(np.sin(np.linspace(0, 2 * np.pi * freq, 30) + phase) + noise)
    x, y = noisy_sines()
    np.testing.assert_array_equal(x[..., 0], np.array(data).astype(np.float32))
    np.testing.assert_array_equal(y, x[:, -1])


def test_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    noisy_sines(count=3)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
