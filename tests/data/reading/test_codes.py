import numpy as np
import pytest

from grucast.data.reading.origin import Origin
from grucast.data.reading.times import read_codes, read_stamps
from grucast.errors import DataError

HERE = Origin(("f.csv",))


def same(stamps, wanted):
    np.testing.assert_array_equal(stamps.times, np.array(wanted, "datetime64[us]"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_size_of_an_epoch_tells_its_unit(unit):
    hours = np.arange("2018-11-01", "2018-11-03", dtype="datetime64[h]")
    values = hours.astype(f"datetime64[{unit}]").astype(np.int64)
    same(read_codes(values, HERE, "t"), hours)
    same(read_stamps(list(map(str, values)), HERE, "t"), hours)


@pytest.mark.parametrize(
    ("codes", "wanted"),
    [
        ([20240131, 20240201], ["2024-01-31", "2024-02-01"]),
        ([202411, 202412, 202501], ["2024-11-01", "2024-12-01", "2025-01-01"]),
        ([202051, 202052, 202053, 202101], ["2020-12-14", "2020-12-21", "2020-12-28", "2021-01-04"]),
        ([20243, 20244, 20251], ["2024-07-01", "2024-10-01", "2025-01-01"]),
        ([2024013123, 2024020100], ["2024-01-31T23", "2024-02-01T00"]),
        ([1985, 1986], ["1985-01-01", "1986-01-01"]),
        ([202401310900, 202401310930], ["2024-01-31T09:00", "2024-01-31T09:30"]),
    ],
)
def test_integers_that_are_calendar_codes_are_dates(codes, wanted):
    same(read_codes(np.array(codes), HERE, "t"), wanted)


@pytest.mark.parametrize(
    "codes", [[1, 2, 3], [100, 110, 120], [0, 2000], [20161, 20162, 20165], [202401, 202460], [10**8 - 1, 10**8]]
)
def test_counters_stay_as_they_are(codes):
    assert read_codes(np.array(codes), HERE, "t").times.tolist() == codes


@pytest.mark.parametrize(
    ("codes", "other"), [([20161, 20162, 20163, 20171], "quarter"), ([202401, 202402, 202403], "week")]
)
def test_codes_that_nothing_decides_are_refused_with_their_readings(codes, other):
    with pytest.raises(DataError, match=rf"{codes[0]}.*{other}"):
        read_codes(np.array(codes), HERE, "t")


def test_days_of_a_workbook_are_dates_where_the_column_says_so():
    same(read_codes(np.array([43466, 43467]), HERE, "Date"), ["2019-01-01", "2019-01-02"])
    assert read_codes(np.array([43466, 43467]), HERE, "customer").times.tolist() == [43466, 43467]


def test_years_before_ours_need_the_name_of_the_column():
    same(read_codes(np.array([1700, 1701]), HERE, "Year"), ["1700-01-01", "1701-01-01"])
    assert read_codes(np.array([1700, 1701]), HERE, "t").times.tolist() == [1700, 1701]


@pytest.mark.parametrize(
    ("codes", "time_format", "wanted"),
    [
        ([44927, 44928], "excel", "2023-01-01"),
        ([202301, 202302], "week", "2023-01-02"),
        ([202301, 202302], "month", "2023-01-01"),
        ([0, 3600], "s", "1970-01-01"),
        ([20201, 20202], "quarter", "2020-01-01"),
        ([202303], "month", "2023-03-01"),
    ],
)
def test_a_reading_that_is_asked_for_is_taken(codes, time_format, wanted):
    same(read_codes(np.array(codes[:1]), HERE, "t", time_format), [wanted])
    assert read_codes(np.array(codes), HERE, "t", "integer").times.tolist() == codes


def test_a_quarter_or_a_counter_is_asked_for():
    with pytest.raises(DataError, match=r"quarter.*counter"):
        read_codes(np.array([20201, 20202, 20203]), HERE, "t")


def test_text_is_read_as_asked_too():
    same(read_stamps(["2023-01", "2023-02"], HERE, "t", "week"), ["2023-01-02", "2023-01-09"])
    with pytest.raises(DataError, match=r"row 2 of f\.csv has t = '2023-60'"):
        read_stamps(["2023-01", "2023-60"], HERE, "t", "week")


def test_quarters_with_a_gap_are_quarters_where_a_fourth_is_followed_by_a_first():
    same(read_codes(np.array([20203, 20204, 20211, 20213]), HERE, "t"), ["2020-07", "2020-10", "2021-01", "2021-07"])
