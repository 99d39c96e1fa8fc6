import numpy as np
import polars as pl
import pytest

from grucast.data.panel import make_panel
from grucast.errors import ConfigError, DataError
from grucast.forecasting.plan import Plan, make_plan
from grucast.model.config import NetworkConfig


def panel(*lengths, hours=1, unit="h"):
    frames = [
        pl.DataFrame(
            {
                "unique_id": str(index),
                "ds": np.datetime64("2000-01-01", "us") + np.arange(length) * np.timedelta64(hours, unit),
                "y": np.arange(float(length)),
            }
        )
        for index, length in enumerate(lengths)
    ]
    return make_panel(pl.concat(frames))


def test_long_hourly_series_get_two_weeks_and_both_seasons():
    plan = make_plan(panel(5000), 24, None, None, None)
    assert plan == Plan(336, NetworkConfig(patch_size=24), (24, 168), 168)


def test_given_values_are_kept():
    given = NetworkConfig(hidden_size=8, patch_size=10)
    assert make_plan(panel(5000), 24, 100, 24, 48, given) == Plan(100, given, (24,), 48)
    assert make_plan(panel(5000), 24, 96, 24, 48, NetworkConfig(8)).network == NetworkConfig(8, patch_size=24)


def test_given_window_must_hold_whole_given_patches():
    with pytest.raises(ConfigError, match="input_size 100 holds no whole number of patches: give a multiple of 24"):
        make_plan(panel(5000), 24, 100, 24, 48, NetworkConfig(patch_size=24))


@pytest.mark.parametrize(("input_size", "patch"), [(96, 24), (100, 4), (98, 1), (16, 4), (12, 1)])
def test_given_window_holds_whole_patches(input_size, patch):
    assert make_plan(panel(5000), 24, input_size, 24, 48).network.patch_size == patch


def test_window_is_a_multiple_of_the_given_patch():
    plan = make_plan(panel(5000), 24, None, None, None, NetworkConfig(patch_size=100))
    assert plan.input_size == 300
    assert plan.seasons == (24, 168)


@pytest.mark.parametrize(
    ("plan", "patch"),
    [
        (lambda: make_plan(panel(32 * 24), 24, None, None, None), 24),
        (lambda: make_plan(panel(32 * 24 - 1), 24, None, None, None), 4),  # too little to learn patches from
        (lambda: make_plan(panel(5000), 24, 3 * 24, None, None), 4),  # too few of them in the window
        (lambda: make_plan(panel(400, hours=24), 7, None, None, None), 7),
        (lambda: make_plan(panel(9000, hours=6), 4, None, None, None), 4),
        (lambda: make_plan(panel(5000, hours=5, unit="m"), 12, None, None, None), 4),  # a season of 288 steps
        (lambda: make_plan(panel(24, hours=24), 2, None, None, None), 1),  # a window of 11 steps
    ],
)
def test_patch_is_a_short_season_of_which_there_are_many_or_four_steps(plan, patch):
    assert plan().network.patch_size == patch


def test_window_spans_four_horizons_or_four_of_the_shortest_season():
    days = panel(5000, hours=24)
    assert make_plan(days, 56, None, None, None).input_size == 4 * 56
    assert make_plan(days, 1, None, 30, None).input_size == 4 * 30


def test_months_are_read_by_four():
    months = pl.DataFrame(
        {
            "unique_id": "a",
            "ds": np.arange("1970-01", "2020-01", dtype="M8[M]").astype("M8[us]"),
            "y": np.arange(600.0),
        }
    )
    plan = make_plan(make_panel(months), 12, None, None, None)
    assert (plan.input_size, plan.seasons, plan.network.patch_size) == (48, (12,), 4)


def test_longer_usual_seasons_join_a_given_one():
    assert make_plan(panel(5000), 24, None, 24, None).seasons == (24, 168)
    assert make_plan(panel(5000), 24, None, 10, None).seasons == (10,)


def test_longest_series_bounds_the_window():
    plan = make_plan(panel(50, 100), 24, None, None, None)
    assert plan.input_size == 36  # whole patches in half of what it has before its horizon
    assert plan.seasons == (24,)
    assert plan.held_out == 24


def test_short_series_do_not_shorten_the_window_of_long_ones():
    assert make_plan(panel(5000, 3), 24, None, None, None) == make_plan(panel(5000), 24, None, None, None)


def test_window_keeps_one_season_where_half_would_not_hold_it():
    assert make_plan(panel(60), 24, None, None, None).input_size == 24


def test_series_without_season_continue_their_last_value():
    assert make_plan(panel(50, hours=9), 3, None, None, None).seasons == (1,)


def test_series_no_longer_than_the_horizon_are_refused():
    with pytest.raises(DataError, match="the longest series has 24 steps; h = 24 needs at least 25"):
        make_plan(panel(24, 20), 24, None, None, None)


@pytest.mark.parametrize("val_size", [-1, 5000])
def test_val_size_beyond_the_series_is_refused(val_size):
    with pytest.raises(ConfigError, match="val_size"):
        make_plan(panel(5000), 24, None, None, val_size)


CUT = "window cut from {} to {} steps: with more, training would take too long"


def test_window_of_minutes_is_cut_to_whole_days_and_says_so():
    plan = make_plan(panel(100_000, unit="m"), 60, None, None, None)
    assert (plan.input_size, plan.seasons) == (3 * 1440, (1440,))
    assert plan.notes[0].startswith(CUT.format("20,160", "4,320"))


def test_more_series_have_larger_batches_and_so_shorter_windows():
    plan = make_plan(panel(*[6000] * 16, hours=5, unit="m"), 12, None, None, None)
    assert (plan.input_size, plan.seasons) == (4 * 288, (288,))
    assert plan.notes[0].startswith(CUT.format("2,994", "1,152"))


@pytest.mark.parametrize(("minutes", "series", "window"), [(5, 1, 4032), (15, 20, 1344), (30, 20, 672), (60, 20, 336)])
def test_windows_that_train_quickly_hold_two_weeks(minutes, series, window):
    plan = make_plan(panel(9000, *[50] * (series - 1), hours=minutes, unit="m"), 12, None, None, None)
    assert (plan.input_size, plan.notes) == (window, ())


def test_seconds_have_a_window_without_season():
    plan = make_plan(panel(50_000, unit="s"), 60, None, None, None)
    assert (plan.input_size, plan.seasons, len(plan.notes)) == (5468, (1,), 1)


def test_given_window_is_never_cut():
    plan = make_plan(panel(50_000, unit="m"), 60, 20_160, None, None)
    assert (plan.input_size, plan.notes) == (20_160, ())


def test_window_is_no_longer_than_the_longest_series():
    plan = make_plan(panel(20, 15), 3, None, None, None)
    assert (plan.input_size, plan.seasons) == (20, (1,))
