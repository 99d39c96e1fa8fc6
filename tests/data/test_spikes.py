import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast.data.spikes import without_spikes

NAN = np.nan
LEVEL = [3.0, 2, 4, 3, 2, 3, 4, 3]


def dropped(*values):
    return np.flatnonzero(np.isnan(without_spikes(np.array([values], float))[0])).tolist()


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([*LEVEL, 4000], [8]),
        ([-4000, *LEVEL], [0]),
        ([*LEVEL, 300], []),
        ([*LEVEL, 4000, 5000], []),  # more than one of fewer than 100
        ([*LEVEL * 13, 4000, 5000], [104, 105]),
        ([3, 2, 4, 3, 2, 3, 4000], []),  # too few to tell
        ([*[0.0] * 20, 4000], []),  # nothing to measure it by
        ([*[5.0] * 20, 4000], [20]),
        (np.exp(np.arange(20.0)), []),
    ],
)
def test_spike_is_what_lies_alone_and_a_hundred_times_as_far_as_the_rest_is_large(values, wanted):
    assert dropped(*values) == wanted


@given(arrays(np.float64, (3, 9), elements=st.one_of(st.just(NAN), st.floats(-1e12, 1e12))))
def test_most_of_any_window_stays_as_it_is(history):
    got = without_spikes(history)
    changed = ~((got == history) | np.isnan(history))
    assert (changed.sum(1) <= 1).all()
    assert np.isnan(got[changed]).all()
