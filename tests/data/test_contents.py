import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.contents import Contents
from grucast.data.covariates import Covariate

SERIES = st.lists(st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), max_size=5), min_size=1, max_size=8)


def of(series):
    offsets = np.concatenate([[0], np.cumsum([len(own) for own in series])]).astype(np.int64)
    return Contents.of(Covariate(np.array([x for own in series for x in own], np.float64)), offsets)


@given(SERIES, st.data())
def test_moments_are_numpys_and_the_same_in_whatever_parts(series, data):
    known = np.array([x for own in series for x in own if not np.isnan(x)])
    centre, scale = of(series).scale
    if known.size:
        assert centre == pytest.approx(known.mean(), abs=1e-6)
        assert scale == 1.0 or scale == pytest.approx(known.std(), rel=1e-6, abs=1e-6)
    else:
        assert (centre, scale) == (0.0, 1.0)
    cut = data.draw(st.integers(0, len(series)))
    assert Contents.joined([of(series[:cut]), of(series[cut:])]).scale == (centre, scale)


def test_categories_are_those_that_are_there_in_any_part():
    parts = [
        Contents.of(Covariate(np.array(codes, np.float64), names), np.array([0, len(codes)]))
        for codes, names in (([0, 2, np.nan], ("a", "b", "c")), ([0, 0], ("d", "e")))
    ]
    assert Contents.joined(parts).categories == {"a", "c", "d"}
