import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grucast.data.sparse import settled

NAN = np.nan
Y = np.array([[[-1.2, -0.3, 0.2, 0.6, 1.4, 2.7]]])


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        ([0, 0, 1, 3], [-1, 0, 0, 1, 1, 3]),  # counts
        ([0, 0, 0.5, NAN, -1], [-1, -0.5, 0, 0.5, 1.5, 2.5]),
        ([0, 0, 0.7, 0.1 + 0.2, 0, NAN, 0], [-1.2, -0.3, 0.2, 0.6, 1.4, 2.7]),  # 0.3 is near
        ([0, 0, 0, 1, np.pi], [-1.2, 0, 0, 0.6, 1.4, 2.7]),  # sizes of no grid
        ([0, 0, 1, 2, 3], Y[0, 0]),  # more values than zeros
        ([0, 0, 0, NAN], Y[0, 0]),  # nothing but zeros
        ([NAN, NAN], Y[0, 0]),
    ],
)
def test_forecast_of_a_mostly_zero_window_has_the_values_that_it_has(history, wanted):
    got = settled(Y, np.array([history], float))
    np.testing.assert_allclose(got[0, 0], wanted, atol=1e-12)
    assert not (np.signbit(got) & (got == 0)).any()


def test_each_row_is_settled_by_its_own_window():
    history = np.array([[0.0, 0, 1], [0, 0, 10], [1, 2, 3]])
    got = settled(np.full((3, 1, 1), 7.4), history)
    assert got.ravel().tolist() == [7, 10, 7.4]


@given(
    arrays(np.float64, (2, 6), elements=st.one_of(st.just(0.0), st.just(NAN), st.floats(-1e30, 1e30))),
    arrays(np.float64, (2, 1, 3), elements=st.floats(-1e30, 1e30)),
)
def test_settled_forecasts_are_finite_and_keep_their_order(history, y):
    y = np.sort(y)
    got = settled(y, history)
    assert np.isfinite(got).all()
    assert (np.diff(got) >= 0).all()
