from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast.data.outline import Outline
from grucast.data.panel import make_panel


@pytest.fixture
def frame(rng):
    """Daily series of unequal lengths."""
    days = np.datetime64("2024-01-01", "us") + np.arange(40) * np.timedelta64(1, "D")
    frames = [
        pl.DataFrame({"unique_id": name, "ds": days[:size], "y": rng.normal(scale, 1, size)})
        for name, size, scale in (("a", 40, 9), ("b", 33, 9), ("c", 25, 0), ("d", 12, 9))
    ]
    return pl.concat(frames)


@pytest.mark.parametrize("parts", [["abcd"], ["a", "bcd"], ["ab", "c", "d"]])
def test_outline_is_the_same_in_whatever_parts(frame, parts):
    panel = make_panel(frame)
    found = Outline.joined([Outline.of(make_panel(frame.filter(pl.col("unique_id").is_in(list(p))))) for p in parts])
    np.testing.assert_array_equal(found.lengths, [40, 33, 25, 12])
    assert (len(found), found.nonnegative, found.seasons, found.zone) == (4, False, panel.frequency.seasons, None)
    assert found.trained_on == Outline.of(panel).trained_on
    assert found.ends == (int(np.datetime64("2024-01-12", "us").astype(int)), int(days_end().astype(int)))


def days_end():
    return np.datetime64("2024-02-09", "us")


def test_fingerprint_tells_names_starts_values_and_order_apart(frame):
    panel = make_panel(frame)
    others = [
        replace(panel, ids=["a", "b", "c", "e"]),
        replace(panel, starts=panel.starts + np.timedelta64(1, "D")),
        replace(panel, values=np.nextafter(panel.values, 0)),
        make_panel(frame.reverse()),
    ]
    prints = {Outline.of(own).trained_on.fingerprint for own in (panel, *others)}
    assert len(prints) == 5
