import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.reading.written import DECIMAL, full_year, read_clock, take_apart


@pytest.mark.parametrize(
    ("text", "hours"),
    [("06.00.00", 6), ("1:30 pm", 13.5), ("12:00 AM", 0), ("00:15 - 00:30", 0.25), ("23:45:00", 23.75)],
)
def test_clocks_are_read(text, hours):
    assert read_clock(text) == hours * 3600 * 10**6


@pytest.mark.parametrize("text", ["1.5", "12", "1,234.5", "", "abc", "10 12 22"])
def test_numbers_and_words_are_no_dates(text):
    written = take_apart(text)
    assert written is None or written.form == "integer"


@pytest.mark.parametrize(("digits", "year"), [("68", 2068), ("69", 1969), ("00", 2000), ("1850", 1850)])
def test_years_of_two_digits_are_those_of_posix(digits, year):
    assert full_year(digits) == year


@pytest.mark.parametrize(
    ("text", "hours"), [("2024-01-01T00:00Z", 0), ("2024-01-01 00:00+05:30", 5.5), ("2024-01-01T00:00:00-0800", -8)]
)
def test_the_distance_from_utc_is_kept(text, hours):
    assert take_apart(text).offset == hours * 3600 * 10**6


@given(text=st.from_regex(DECIMAL, fullmatch=True))
def test_numbers_that_are_passed_over_are_no_time_stamps(text):
    assert take_apart(text) is None
