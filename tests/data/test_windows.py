import numpy as np
import polars as pl
import pytest

from grucast.data.panel import make_panel
from grucast.data.windows import make_windows


def panel_of(*lengths, missing=()):
    ids = [str(s) for s, n in enumerate(lengths) for _ in range(n)]
    ds = [t for n in lengths for t in range(n)]
    y = np.array([100.0 * s + t for s, n in enumerate(lengths) for t in range(n)])
    y[list(missing)] = np.nan
    return make_panel(pl.DataFrame({"unique_id": ids, "ds": ds, "y": y}))


def test_windows_are_all_runs_within_one_series():
    windows, _ = make_windows(panel_of(6, 5), input_size=3, h=2)
    history, future = windows.take(np.arange(len(windows)))
    assert history.tolist() == [[0, 1, 2], [1, 2, 3], [100, 101, 102]]
    assert future.tolist() == [[3, 4], [4, 5], [103, 104]]


def test_windows_are_views_of_the_panel():
    panel = panel_of(1000)
    assert np.shares_memory(make_windows(panel, 100, 10)[0].view, panel.values)


@pytest.mark.parametrize("held_out", [2, 3, 5])
def test_training_sees_nothing_that_is_held_out(held_out):
    panel = panel_of(20, 15)
    training, testing = make_windows(panel, 4, 2, held_out)
    for windows, first, last in ((training, 0, 20 - held_out), (testing, 20 - held_out, 20)):
        history, future = windows.take(np.arange(len(windows)))
        own = future[future[:, 0] < 100]
        assert own.min() >= first
        assert own.max() < last
        assert history.shape[1] == 4


def test_every_held_out_future_is_used_once():
    _, testing = make_windows(panel_of(20), 4, 2, held_out=5)
    assert testing.take(np.arange(len(testing)))[1].tolist() == [[15, 16], [16, 17], [17, 18], [18, 19]]


def test_windows_that_show_too_little_are_left_out():
    windows, _ = make_windows(panel_of(8, missing=(0, 1, 2, 7)), input_size=4, h=1)
    assert windows.starts.tolist() == [1, 2]  # start 0 has one of four values; start 3 has no future


def test_panel_shorter_than_a_window_has_none():
    assert [len(w) for w in make_windows(panel_of(4), 4, 2)] == [0, 0]
