import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.training.spool import Spool


@given(st.permutations(range(30)), st.integers(1, 30))
def test_rows_come_back_from_their_places_in_whatever_order_they_were_written(places, at_once):
    rows = np.zeros(30, [("x", np.float32, (3, 2)), ("none", np.int64, (4, 0)), ("seen", bool)])
    rows["x"] = np.arange(180).reshape(30, 3, 2)
    spool = Spool()
    for start in range(0, 30, at_once):
        some = np.array(places[start : start + at_once])
        spool.write(some, rows[some])
    for first, count in ((0, 30), (7, 5), (29, 1)):
        np.testing.assert_array_equal(spool.read(first, count), rows[first : first + count])
    spool.close()


def test_nothing_can_be_read_before_it_is_written(tmp_path):
    spool = Spool(tmp_path)
    with pytest.raises(ValueError, match="nothing"):
        spool.read(0, 1)
    spool.close()
    assert not list(tmp_path.iterdir())
