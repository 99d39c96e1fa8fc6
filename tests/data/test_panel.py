from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.frequency import Frequency
from grucast.data.panel import Panel, make_panel
from grucast.errors import DataError


def frame(ids, ds, y=None):
    return pl.DataFrame({"unique_id": ids, "ds": ds, "y": np.arange(len(ds), dtype=float) if y is None else y})


def test_ragged_series_lie_one_after_the_other():
    panel = make_panel(frame(["a"] * 4 + ["b"] * 3, [1, 2, 3, 4, 7, 8, 9]))
    assert panel.ids == ["a", "b"]
    assert panel.offsets.tolist() == [0, 4, 7]
    assert panel.series(1).tolist() == [4.0, 5.0, 6.0]
    assert panel.starts.tolist() == [1, 7]


@given(st.permutations(range(8)))
def test_order_of_rows_does_not_matter(order):
    data = frame(["a"] * 4 + ["b"] * 4, [1, 2, 3, 4] * 2)
    panel, shuffled = make_panel(data), make_panel(data[list(order)])
    for index, name in enumerate(panel.ids):
        np.testing.assert_array_equal(shuffled.series(shuffled.ids.index(name)), panel.series(index))


def test_gaps_and_missing_values_are_nan():
    panel = make_panel(frame("a", [1, 2, 3, 6], [1.0, None, 3.0, 6.0]))
    np.testing.assert_array_equal(panel.values, [1, np.nan, 3, np.nan, np.nan, 6])
    assert panel.missing == 3


def test_times_continue_each_series():
    panel = make_panel(frame(["a"] * 3 + ["b"] * 3, [1, 2, 3, 7, 8, 9]))
    assert panel.times(np.array([0, 1, 2])).tolist() == [[3, 4, 5], [9, 10, 11]]


def test_zoned_times_are_utc():
    start = datetime(2024, 3, 31, tzinfo=UTC)
    times = pl.Series([start + timedelta(hours=i) for i in range(6)]).dt.convert_time_zone("Europe/Berlin")
    panel = make_panel(frame("a", times))
    assert panel.missing == 0
    assert panel.starts[0] == np.datetime64("2024-03-31T00:00")


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
CHANGES = [f"{year}-{month}" for year in range(2024, 2028) for month in ("02-20", "09-20")]  # then clocks change


def polars_times(times, zone):
    return pl.Series(times.tz_convert(None).to_numpy()).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("alias", ["h", "30min", "D", "B", "W", "2D"])
def test_zoned_series_are_continued_over_a_change_of_clocks_as_pandas_does(library, zone, first, alias):
    periods, seen = {"h": (1500, 300), "30min": (3000, 600)}.get(alias, (60, 16))
    times = pd.date_range(first, periods=periods, freq=alias, tz=zone)
    ds = times[:seen] if library is pd.DataFrame else polars_times(times[:seen], zone)
    panel = make_panel(library({"unique_id": ["a"] * seen, "ds": ds, "y": np.ones(seen)}))
    assert (panel.frequency.name, panel.missing) == (alias, 0)
    utc = times.tz_convert(None).to_numpy()
    np.testing.assert_array_equal(panel.times(np.arange(1, periods - seen + 1))[0], utc[seen:])
    whole = make_panel(pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}), panel.frequency)
    assert (len(whole.values), whole.missing) == (periods, 0)


@pytest.mark.parametrize("alias", ["MS", "ME", "QE-NOV", "YS"])
def test_zoned_months_are_those_of_local_time(alias):
    times = pd.date_range("2020-01-01", periods=40, freq=alias, tz="Europe/Berlin")
    panel = make_panel(pd.DataFrame({"unique_id": "a", "ds": times[:20], "y": 1.0}))
    assert (panel.frequency.name, panel.missing) == (alias.split("-")[0], 0)
    np.testing.assert_array_equal(panel.times(np.arange(1, 21))[0], times.tz_convert(None).to_numpy()[20:])


def test_days_of_24_hours_in_a_zone_stay_so():
    times = pd.date_range("2024-03-01", periods=60, freq="24h", tz="UTC").tz_convert("Europe/Berlin")
    panel = make_panel(pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}))
    assert (panel.frequency.name, panel.frequency.zone, panel.missing) == ("D", "", 0)


def test_midnight_that_clocks_skip_is_a_day_all_the_same():
    times = pd.date_range("2024-04-01", periods=60, freq="D").tz_localize("Africa/Cairo", nonexistent="shift_forward")
    panel = make_panel(pd.DataFrame({"unique_id": "a", "ds": times[:20], "y": 1.0}))
    np.testing.assert_array_equal(panel.times(np.arange(1, 41))[0], times.tz_convert(None).to_numpy()[20:])


def test_model_of_one_zone_reads_days_of_another():
    one, other = (
        pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2024-02-01", periods=90, tz=zone), "y": 1.0})
        for zone in ("Europe/Berlin", "Australia/Lord_Howe")
    )
    panel = make_panel(other, make_panel(one).frequency)
    assert (panel.frequency.zone, panel.missing) == ("Australia/Lord_Howe", 0)


def local_hours(first, zone):
    times = pd.date_range(first, periods=48, freq="30min", tz=zone).tz_localize(None)
    return pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0})


def test_hour_that_clocks_skip_is_a_gap_in_time_without_zone():
    panel = make_panel(local_hours("2025-03-30", "Europe/Berlin"))
    assert (panel.frequency.name, panel.missing) == ("30min", 2)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Europe/Berlin", "2024-10-27"), ("America/New_York", "2026-11-01"), ("Australia/Lord_Howe", "2027-04-04")],
)
def test_hour_that_clocks_repeat_is_refused_with_its_likely_cause(zone, day):
    with pytest.raises(DataError, match=r"looks like clocks put back .*time zone"):
        make_panel(local_hours(day, zone))


def test_local_days_read_as_utc_are_refused_with_their_likely_cause():
    times = pd.date_range("2024-03-01", periods=60, tz="Europe/Berlin").tz_convert("UTC")
    with pytest.raises(DataError, match=r"clocks .*time zone"):
        make_panel(pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}))


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s"])
def test_resolution_of_time_stamps_does_not_matter(library, unit):
    if library is pl.DataFrame and unit == "s":
        unit = "ms"
    times = np.arange("1966-01-01", "1974-01-01", dtype="datetime64[D]").astype(f"datetime64[{unit}]")
    panel = make_panel(library({"unique_id": ["a"] * len(times), "ds": times, "y": np.ones(len(times))}))
    assert (panel.frequency.name, panel.missing) == ("D", 0)
    assert panel.starts[0] == times[0]


IDS = {
    "pandas categorical": pd.DataFrame({"unique_id": pd.Categorical(["b", "a"] * 3, categories=["a", "b", "c"])}),
    "pandas text": pd.DataFrame({"unique_id": pd.array(["b", "a"] * 3, dtype="string")}),
    "pandas UUIDs": pd.DataFrame({"unique_id": [UUID(int=2), UUID(int=1)] * 3}),
    "pandas Int64": pd.DataFrame({"unique_id": pd.array([2, 1] * 3, dtype="Int64")}),
    "polars categorical": pl.DataFrame({"unique_id": pl.Series(["b", "a"] * 3, dtype=pl.Categorical)}),
    "polars enum": pl.DataFrame({"unique_id": pl.Series(["b", "a"] * 3, dtype=pl.Enum(["a", "b", "c"]))}),
    "polars integers": pl.DataFrame({"unique_id": pl.Series([2, 1] * 3, dtype=pl.UInt8)}),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_of_any_type_keep_the_order_of_their_first_rows(kind):
    data = nw.from_native(IDS[kind])
    ds = nw.new_series("ds", [1, 1, 2, 2, 3, 3], backend=data.implementation)
    panel = make_panel(data.with_columns(ds, ds.alias("y")).to_native())
    assert panel.ids == data["unique_id"].to_list()[:2]
    assert panel.lengths.tolist() == [3, 3]


def test_rows_that_come_after_a_later_one_are_counted():
    assert make_panel(frame("a", [1, 2, 5, 3, 4, 6])).backward == 1
    assert make_panel(frame(["a", "b"] * 3, [1, 4, 2, 5, 3, 6])).backward == 0


def test_drop_last_gives_the_panel_of_earlier_rows():
    data = frame(["a"] * 5 + ["b"] * 4, [1, 2, 3, 4, 5, 1, 2, 3, 4])
    wanted = make_panel(data.filter((pl.col("ds") < 4) & ~((pl.col("unique_id") == "b") & (pl.col("ds") == 3))))
    got = make_panel(data).drop_last(2)
    np.testing.assert_array_equal(got.values, wanted.values)
    np.testing.assert_array_equal(got.offsets, wanted.offsets)


@pytest.mark.parametrize("steps", [1, 2, 3, 100])
def test_series_are_silent_where_their_last_steps_have_no_value(steps, rng):
    lengths = rng.integers(0, 6, 40)
    values = np.where(rng.random(lengths.sum()) < 0.6, np.nan, 1.0)
    starts = np.zeros(40, int)
    panel = Panel(range(40), values, np.append(0, lengths.cumsum()), starts, Frequency("integer", 1))
    assert panel.silent(steps).tolist() == [bool(np.isnan(panel.series(k)[-steps:]).all()) for k in range(40)]


def test_tails_are_padded_before_the_first_value():
    panel = make_panel(frame(["a"] * 3 + ["b"] * 4, [1, 2, 3, 1, 2, 3, 4]))
    np.testing.assert_array_equal(panel.tails(4), [[np.nan, 0, 1, 2], [3, 4, 5, 6]])


def test_pandas_and_polars_give_the_same_panel():
    data = frame("a", pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 9), "1d", eager=True))
    one, other = make_panel(data), make_panel(pd.DataFrame(data.to_dict(as_series=False)))
    np.testing.assert_array_equal(one.values, other.values)
    assert one.frequency == other.frequency
    assert one.starts == other.starts


def test_long_holidays_are_gaps():
    kept = [d for d in days(*range(200)) if not 60 < d.day + 31 * d.month < 90]
    panel = make_panel(frame("a", kept))
    assert panel.frequency.name == "D"
    assert panel.missing == len(panel.values) - len(kept) > 0


def test_weekends_are_no_gaps_in_business_days_but_holidays_are():
    kept = [d for d in days(*range(200)) if d.weekday() < 5]
    panel = make_panel(frame("a", kept[:50] + kept[52:]))
    assert panel.frequency.name == "B"
    assert panel.missing == 2
    assert panel.times(np.array([0]))[0, 0] == np.datetime64(kept[-1])


def test_nights_and_weekends_that_never_have_a_row_are_no_steps():
    open_hours = [d.replace(hour=h) for d in days(*range(21)) if d.weekday() < 5 for h in range(8, 18)]
    panel = make_panel(frame("a", open_hours))
    assert (panel.frequency.name, panel.missing) == ("h Mon-Fri 08:00-17:00", 0)
    assert panel.times(np.array([1]))[0, 0] == np.datetime64("2024-01-22T08:00")


def days(*numbers):
    return [datetime(2024, 1, 1) + timedelta(days=n) for n in numbers]


BAD = {
    "duplicates": (frame("a", [1, 2, 2, 3]), "series 'a' has 2 more than once"),
    "mixed frequencies": (frame(["a"] * 3 + ["b"] * 3, days(0, 1, 2, 0, 7, 14)), "mixed frequencies: series 'a'.*'b'"),
    "frequency that changes": (
        frame("a", [*range(9), *range(24, 240, 24)]),
        "mixed frequencies: series 'a' has 8 jumps of 24",
    ),
    "irregular": (frame("a", days(0, 1, 2, 3, 4.5)), "series 'a' .*2024-01-05 12:00:00 is not a whole number"),
    "too short to see a frequency": (frame("a", [1, 2]), "at least 3"),
    "a typing error in a date": (frame("a", days(0, 1, 2, 3, 3650)), "3,651 steps of D"),
    "a century too far": (frame("a", days(0, 1, 2, 3, 36500)), "2123-12-08 after 2024-01-04, more than 50 years later"),
}


@pytest.mark.parametrize("case", BAD)
def test_unusable_times_are_refused(case):
    data, wanted = BAD[case]
    with pytest.raises(DataError, match=wanted):
        make_panel(data)


@pytest.mark.parametrize("own", ["MS", "ME", "BME", "BMS"])
@pytest.mark.parametrize("other", ["MS", "ME", "15th", "BME", "BMS"])
def test_model_of_months_reads_months_stamped_on_another_day(own, other):
    def stamped(alias):
        times = pd.date_range("2023-01-01", periods=20, freq=alias.replace("15th", "MS"))
        return pd.DataFrame({"unique_id": "a", "ds": times + pd.Timedelta(days=14 * (alias == "15th")), "y": 1.0})

    frequency, data = make_panel(stamped(own)).frequency, stamped(other)
    panel = make_panel(data[:12], frequency)
    assert panel.missing == 0
    np.testing.assert_array_equal(panel.times(np.arange(1, 9))[0], data["ds"][12:])


@pytest.mark.parametrize(("own", "other"), [("QS", "QE"), ("QE", "QS"), ("YS", "YE"), ("YE", "YS")])
def test_model_of_quarters_or_years_reads_those_stamped_at_the_other_end(own, other):
    first, second = (pd.date_range("2003-01-01", periods=20, freq=alias) for alias in (own, other))
    panel = make_panel(frame("a", second[:12].to_pydatetime()), make_panel(frame("a", first.to_pydatetime())).frequency)
    np.testing.assert_array_equal(panel.times(np.arange(1, 9))[0], second[12:].to_numpy())


def test_wrong_stamp_stays_wrong_for_a_model_of_months():
    times = pd.date_range("2023-01-01", periods=20, freq="ME").to_list()
    frequency = make_panel(frame("a", times)).frequency
    times[7] = pd.Timestamp("2023-08-20")
    with pytest.raises(DataError, match="2023-08-20, which is not a month end"):
        make_panel(frame("a", times), frequency)


def test_one_date_a_year_is_a_step_and_weeks_begin_on_any_day():
    years = [datetime(year, 1, 1) for year in range(1990, 2020)]
    assert make_panel(frame("a", years)).frequency.name == "YS"
    for day in range(7):
        assert make_panel(frame("a", days(*range(day, 70 + day, 7)))).frequency.name == "W"


def test_week_of_whole_days_from_monday_to_friday_counts_as_business_days_do():
    kept = [d for d in days(*range(200)) if d.weekday() < 5]
    week, business = Frequency("week", 86400 * 10**6, open=(0, 5 * 86400)), Frequency("business", 1)
    one, other = (make_panel(frame("a", kept), frequency) for frequency in (week, business))
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.times(np.arange(9)), other.times(np.arange(9)))


@pytest.mark.parametrize(
    "names",
    [
        [2, 1],
        [True, False],
        [2.5, 1.5],
        [date(2024, 1, 2), date(2024, 1, 1)],
        list(pd.to_datetime(["2024", "2023"])),
        ["b", "a"],
    ],
    ids=str,
)
def test_categories_of_any_type_name_series_by_what_they_are(names):
    ids = pd.Series(np.repeat(np.array(names, object), 4)).astype("category")
    panel = make_panel(pd.DataFrame({"unique_id": ids, "ds": [1, 2, 3, 4] * 2, "y": 1.0}))
    assert list(panel.ids) == names
    assert [type(name) for name in panel.ids] == [type(name) for name in names]
