import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.steps import common_steps


@given(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=9), min_size=1, max_size=5))
def test_most_common_step_of_each_series_is_that_of_statistics(steps):
    times = np.concatenate([np.cumsum([0, *own]) for own in steps])
    bounds = np.cumsum([0, *(len(own) + 1 for own in steps)])
    wanted = [min(set(own), key=lambda step: (-own.count(step), step)) for own in steps]
    assert common_steps(times, bounds).tolist() == wanted
