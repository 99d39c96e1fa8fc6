import numpy as np

from grucast.data import example
from grucast.data.panel import make_panel


def test_bike_sharing_is_hourly_with_its_gaps_kept():
    panel = make_panel(example())
    assert panel.frequency.name == "h"
    assert panel.missing == 165
    assert int(np.nansum(panel.values)) == 3_292_679  # total rentals in 2011 and 2012, as published
