from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.reading.origin import Origin
from grucast.data.reading.times import read_stamps
from grucast.errors import ConfigError, DataError

HERE = Origin(("f.csv",))
DAYS = st.dates(date(1970, 1, 1), date(2060, 12, 1)).map(lambda day: [day + timedelta(days=k) for k in range(40)])


def read(texts, column="when", time_format=None):
    return read_stamps(texts, HERE, column, time_format)


def same(stamps, wanted):
    np.testing.assert_array_equal(stamps.times, np.array(wanted, "datetime64[us]"))


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%-m/%-d/%y", "%d-%b-%y", "%b %d, %Y",
        "%A, %d %B %Y", "%d %B %Y", "%Y%m%d", "%a %b %d %Y", "%B %-d, %Y", "%d. %B %Y",
    ],
)  # fmt: skip
@given(days=DAYS)
def test_forty_days_come_back_from_any_way_of_writing_them(form, days):
    same(read([f"{day:{form}}" for day in days]), days)


@pytest.mark.parametrize(
    "form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S.%f", "%d.%m.%y %H.%M", "%Y%m%d%H"]
)
def test_hours_come_back_from_any_way_of_writing_them(form):
    hours = [datetime(2019, 12, 20) + timedelta(hours=k) for k in range(300)]
    same(read([f"{hour:{form}}" for hour in hours]), hours)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("German", "3. Oktober 2021"), ("French", "3 octobre 2021"), ("Spanish", "3 de octubre de 2021"),
        ("Italian", "3 ottobre 2021"), ("Chinese", "2021年10月3日"), ("English", "Sunday, 3rd of October, 2021"),
    ],
)  # fmt: skip
def test_months_have_names_in_many_languages(name, text):
    same(read([text]), ["2021-10-03"])


def test_a_part_above_twelve_decides_and_is_named():
    stamps = read(["01/02/2022", "13/02/2022"])
    assert (stamps.reading, stamps.why) == ("day first", "as 13/02/2022 shows")


def test_the_regular_step_decides():
    firsts = [f"01/{month:02}/{year}" for year in (2015, 2016) for month in range(1, 13)]
    same(read(firsts), pd.date_range("2015-01-01", periods=24, freq="MS"))
    assert read(firsts).reading == "day first"


def test_the_clock_counts_where_the_regular_step_decides():
    hours = [datetime(2024, 1, 1) + timedelta(hours=k) for k in range(60)]
    same(read([f"{hour:%d.%m.%Y %H:%M}" for hour in hours]), hours)


@pytest.mark.parametrize("texts", [[f"02/{k:02}/2022" for k in range(3, 11)], ["07/08/2021 17:15", "07/08/2021 17:30"]])
def test_days_and_months_that_nothing_tells_apart_are_refused_with_both(texts):
    with pytest.raises(DataError, match=r"day/month/year .* or month/day/year .* time_format='%d/%m/%Y' or"):
        read(texts)


@pytest.mark.parametrize(
    ("time_format", "wanted"), [("%d/%m/%Y", "2022-03-02"), ("%m/%d/%Y", "2022-02-03"), ("month first", "2022-02-03")]
)
def test_the_format_tells_them_apart(time_format, wanted):
    same(
        read(["02/03/2022", "02/04/2022"], time_format=time_format)._replace(
            times=read(["02/03/2022"], time_format=time_format).times
        ),
        [wanted],
    )


def test_the_order_in_a_format_is_enough_where_the_cells_have_more():
    same(read(["07/08/2021 17:15"], time_format="%d/%m/%Y"), ["2021-08-07T17:15"])


@pytest.mark.parametrize("time_format", ["soon", "dd.mm.yyyy"])
def test_a_format_without_meaning_is_refused(time_format):
    with pytest.raises(ConfigError, match="time_format"):
        read(["2024-01-01"], time_format=time_format)


def test_weeks_go_over_the_fifty_third():
    wanted = pd.date_range("2020-11-16", periods=14, freq="7D")
    texts = [f"{day.isocalendar().year}-W{day.isocalendar().week:02}" for day in wanted]
    same(read(texts), wanted)
    same(read([text.replace("W", "") for text in texts]), wanted)
    assert read([text.replace("W", "") for text in texts]).reading == "week"


@pytest.mark.parametrize(
    ("texts", "column", "wanted"),
    [
        (["2016-11", "2016-12", "2017-01"], "period", "2016-11-01"),
        (["2022-2", "2022-3", "2022-4"], "report_week", "2022-01-10"),
        (["2022-2", "2022-3", "2022-4"], "Monat", "2022-02-01"),
        (["2014Q3", "2014Q4"], "q", "2014-07-01"),
        (["Q3 2014", "Q4 2014"], "q", "2014-07-01"),
        (["2014-T3", "2014-T4"], "q", "2014-07-01"),
        (["Oct-18", "Nov-18", "Dec-18"], "m", "2018-10-01"),
        (["October 2018", "November 2018"], "m", "2018-10-01"),
        (["2015M01", "2015M02"], "m", "2015-01-01"),
        (["1/2015", "2/2015"], "m", "2015-01-01"),
        (["KW 3 2020", "KW 4 2020"], "w", "2020-01-13"),
        (["2020-W03-2", "2020-W03-3"], "w", "2020-01-14"),
        (["28.06.2023 22:30 - 28.06.2023 22:45", "28.06.2023 22:45 - 28.06.2023 23:00"], "z", "2023-06-28T22:30"),
    ],
)
def test_months_weeks_quarters_and_ranges_are_read(texts, column, wanted):
    same(read(texts, column)._replace(times=read(texts, column).times[:1]), [wanted])


def test_weeks_or_months_that_nothing_tells_apart_are_refused_with_both():
    with pytest.raises(DataError, match=r"year and month .* or year and week .*'month' or time_format='week'"):
        read([f"2017-{k}" for k in range(3, 12)], "period")


def test_days_without_a_year_are_not_taken_for_months():
    with pytest.raises(DataError, match="two digits"):
        read([f"Jan-{k:02}" for k in range(1, 32)])


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2020-02-30",
        "2020-13-01",
        "25:00",
        "3-Jan",
        "1-01",
        "Q1",
        "Sunday",
        "2020-01-01 25:00",
        "2023-01-01T00:00:00.123456789",
    ],
)
def test_a_cell_that_is_no_time_stamp_is_named_with_its_row(text):
    with pytest.raises(DataError, match=r"row 2 of f\.csv has when = "):
        read(["2020-01-01", text])


def test_two_ways_of_writing_in_one_column_are_refused():
    with pytest.raises(DataError, match=r"'2020-01-01' and as '01\.02\.2020'"):
        read(["2020-01-01", "01.02.2020"])


def test_midnight_at_the_end_of_a_day_is_the_next_day():
    same(read(["2020-12-31 24:00"]), ["2021-01-01"])
