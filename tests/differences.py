"""How far apart two programs are; with `-p tests.differences` pytest prints the largest difference to each."""

import numpy as np

LIMITS = {"float64": 1e-12, "float32": 1e-5}
SEEN: dict[tuple[str, str], list[float]] = {}


def assert_near(actual, expected, other):
    """Largest absolute difference within the limit of the less precise type; `other` names the program."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    dtype = min(str(actual.dtype), str(expected.dtype))
    difference = float(np.abs(actual - expected).max())
    SEEN.setdefault((other, dtype), []).append(difference)
    assert difference <= LIMITS[dtype]


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("largest differences")
    for (other, dtype), differences in sorted(SEEN.items()):
        terminalreporter.write_line(f"{other}, {dtype}: {max(differences):.1e} in {len(differences)} comparisons")
