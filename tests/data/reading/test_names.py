import pytest

from grucast.data.reading.names import alias, is_time_hint, match, part_of, plain
from grucast.errors import DataError


@pytest.mark.parametrize("name", ["#Guests", " guests ", "Guests (persons)", "GUESTS [n]"])
def test_case_marks_blanks_and_units_do_not_count(name):
    assert plain(name) == "guests"


def test_a_name_as_it_is_written_wins():
    assert match(["Sales", "sales"], "sales", "target_col", "f") == "sales"


def test_a_name_like_two_columns_is_refused():
    with pytest.raises(DataError, match="2 columns like 'SALES' "):
        match(["Sales", "sales"], "SALES", "target_col", "f")


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(DataError, match=r"f has no column 'x' \(id_col\); it has: a, b"):
        match(["a", "b"], "x", "id_col", "f")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("calendar_month", "month"),
        ("MM", "month"),
        ("HourOfDay", "hour"),
        ("Jahr", "year"),
        ("hr", "hour"),
        ("monthly", None),
    ],
)
def test_whole_words_of_a_name_say_which_part_of_a_time_it_is(name, part):
    assert part_of(name) == part


@pytest.mark.parametrize(("name", "hint"), [("Order Date", True), ("update", False), ("TIME_PERIOD", True)])
def test_whole_words_speak_of_time(name, hint):
    assert is_time_hint(name) == hint


def test_usual_names_are_found_in_their_order():
    assert alias(["Time", "DATE", "y"], "ds") == "DATE"
    assert alias(["a"], "ds") is None
