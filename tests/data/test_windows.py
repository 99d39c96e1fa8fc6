import numpy as np
import polars as pl
import pytest

from grucast.data import windows as windows_module
from grucast.data.covariates import Covariates
from grucast.data.encoding import Schema, encode, fit_schema
from grucast.data.panel import make_panel
from grucast.data.windows import last_windows
from grucast.data.windows import make_windows as windows_of


def panel_of(*lengths, missing=()):
    ids = [str(s) for s, n in enumerate(lengths) for _ in range(n)]
    ds = [t for n in lengths for t in range(n)]
    y = np.array([100.0 * s + t for s, n in enumerate(lengths) for t in range(n)])
    y[list(missing)] = np.nan
    return make_panel(pl.DataFrame({"unique_id": ids, "ds": ds, "y": y}))


def make_windows(panel, input_size, h, held_out=0):
    return windows_of(panel, encode(panel, Schema()), input_size, h).split(held_out)


@pytest.fixture
def shops(rng):
    """The last window of a series with covariates of each kind, and that of the same without its first 3 steps."""
    data = {"unique_id": "a", "ds": range(8), "y": rng.random(8), "price": rng.random(8), "offer": [*"abababab"]}
    declared = Covariates(future=("price", "offer"))
    panel = make_panel(pl.DataFrame(data), covariates=declared)
    schema = fit_schema(panel, declared)
    late = make_panel(pl.DataFrame(data)[3:], covariates=declared)
    return (last_windows(each, encode(each, schema), 6, 2, drop=2) for each in (panel, late))


def test_windows_are_all_runs_within_one_series():
    windows, _ = make_windows(panel_of(10, 9), input_size=3, h=2)
    history, future, *_ = windows.take(np.arange(len(windows)))
    assert history[:, 2].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 100, 101, 102, 103, 104, 105, 106]
    expected = history[:, 2:] + np.arange(-2, 3)
    expected[[0, 0, 1, 8, 8, 9], [0, 1, 0, 0, 1, 0]] = np.nan  # before the first step
    np.testing.assert_array_equal(np.hstack([history, future]), expected)


def test_windows_reach_half_as_far_or_half_of_what_a_short_series_has():
    history, future, *_ = make_windows(panel_of(20, 6), input_size=8, h=2)[0].take(np.arange(18))
    assert history[-1].tolist()[-4:] == [100, 101, 102, 103]
    assert np.isnan(history[-1][:4]).all()
    assert [int((~np.isnan(row)).sum()) for row in history] == [4, 5, 6, 7] + [8] * 11 + [2, 3, 4]
    assert future[-1].tolist() == [104, 105]


def test_window_since_a_step_is_that_of_a_series_that_begins_there(shops):
    windows, shorter = shops
    one, other = windows.take(np.array([0, 0])).since(np.array([0, 3])), shorter.take(np.array([0]))
    for name in one._fields:
        np.testing.assert_array_equal(getattr(one, name)[:1], getattr(windows.take(np.array([0])), name))
        np.testing.assert_array_equal(getattr(one, name)[1:], getattr(other, name))


def test_windows_share_the_panels_values():
    panel = panel_of(1000)
    assert make_windows(panel, 100, 10)[0].panel is panel


@pytest.mark.parametrize("held_out", [2, 3, 5])
def test_training_sees_nothing_that_is_held_out(held_out):
    panel = panel_of(20, 15)
    training, testing = make_windows(panel, 4, 2, held_out)
    for windows, first, last in ((training, 0, 20 - held_out), (testing, 20 - held_out, 20)):
        history, future, *_ = windows.take(np.arange(len(windows)))
        own = future[future[:, 0] < 100]
        assert own.min() >= first
        assert own.max() < last
        assert history.shape[1] == 4


def test_every_held_out_future_is_used_once():
    _, testing = make_windows(panel_of(20), 4, 2, held_out=5)
    assert testing.take(np.arange(len(testing)))[1].tolist() == [[15, 16], [16, 17], [17, 18], [18, 19]]


def test_windows_that_show_too_little_are_left_out():
    windows, _ = make_windows(panel_of(8, missing=(0, 1, 2, 7)), input_size=3, h=1)
    assert windows.ends.tolist() == [5, 6]  # before 4, one of three values; before 7, no future


def test_panel_shorter_than_its_horizon_has_no_window():
    assert [len(w) for w in make_windows(panel_of(3), 4, 3)] == [0, 0]


def test_windows_do_not_depend_on_blocks(monkeypatch):
    panel = panel_of(20, 6, 13, missing=(3, 4, 5, 6, 30))
    whole, _ = make_windows(panel, 5, 2)
    monkeypatch.setattr(windows_module, "PLACE_BLOCK", 7)
    parts, _ = make_windows(panel, 5, 2)
    np.testing.assert_array_equal(parts.ends, whole.ends)
    np.testing.assert_array_equal(parts.series, whole.series)


def test_windows_know_whether_any_value_before_their_end_is_negative(rng):
    panel = panel_of(20, 15, 9)
    panel.values[[4, 25, 30]] = -1
    panel.values[2] = np.nan
    windows = windows_of(panel, encode(panel, Schema()), 4, 2)
    wanted = [
        not (panel.values[panel.offsets[s] : end] < 0).any()
        for s, end in zip(windows.series, windows.ends, strict=True)
    ]
    some = rng.permutation(len(windows))
    assert windows.take(some).nonnegative.tolist() == np.array(wanted)[some].tolist()
    assert 0 < sum(wanted) < len(wanted)


def test_phases_kept_for_many_windows_are_those_computed_for_each(hourly, monkeypatch):
    later = hourly.filter(unique_id="b").with_columns(pl.col("ds") + pl.duration(hours=31))
    panel = make_panel(pl.concat([hourly.filter(unique_id="a"), later]))
    encoded = encode(panel, Schema(cycles=("day", "week")))
    windows = windows_of(panel, encoded, 48, 6)
    index = np.arange(0, len(windows), 7)
    assert windows.phase_table is not None
    kept = windows.take(index).phases
    monkeypatch.setattr(windows_module, "TABLE", 0)
    alone = windows_of(panel, encoded, 48, 6)
    assert alone.phase_table is None
    np.testing.assert_array_equal(alone.take(index).phases, kept)


def test_phases_of_windows_that_hardly_overlap_are_not_kept(hourly):
    panel = make_panel(hourly)
    assert last_windows(panel, encode(panel, Schema(cycles=("day",))), 48, 6).phase_table is None
