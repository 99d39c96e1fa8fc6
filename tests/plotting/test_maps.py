"""Edges of maps; the maps themselves are in test_explanations.py."""

import numpy as np

from grucast.plotting.maps import edges


def test_last_edge_is_a_step_after_the_last_time():
    assert edges(np.arange(8), 4).tolist() == [0, 4, 8]
    assert edges(np.array([5])).tolist() == [5, 6]
    months = np.array(["2024-01-31", "2024-02-29"], "M8[us]")
    assert edges(months).astype("M8[D]").astype(str).tolist() == ["2024-01-31", "2024-02-29", "2024-03-29"]
    assert len(edges(months[:1])) == 2
