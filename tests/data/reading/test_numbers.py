import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.reading.numbers import decide_decimal, is_missing, parse_number, parse_numbers, weigh
from grucast.errors import DataError

WRITINGS = {  # thousands mark, decimal mark
    "English": (",", "."),
    "German": (".", ","),
    "French": ("\u202f", ","),
    "Swiss": ("'", "."),
    "Swiss, typeset": ("’", "."),
    "plain": ("", "."),
}


def written(value, style):
    thousands, decimal = WRITINGS[style]
    return f"{value:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", thousands)


@pytest.mark.parametrize("style", WRITINGS)
@given(cents=st.integers(-(10**12), 10**12))
def test_numbers_come_back_from_the_way_in_which_a_country_writes_them(style, cents):
    text = written(cents / 100, style)
    decimal = WRITINGS[style][1]
    assert parse_number(text, decimal) == cents / 100
    assert set(weigh([text]).shown) <= {decimal}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,234", 1234),
        ("($1,234)", -1234),
        ("1 234 €", 1234),
        ("-5", -5),
        ("5-", -5),
        ("−3.5", -3.5),
        ("12.3%", 12.3),
        ("USD 7", 7),
        ("1.5e-3", 0.0015),
        (".5", 0.5),
        ("5.", 5),
    ],
)
def test_currencies_signs_and_percent_are_no_part_of_the_number(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "closed", "1.42M", "1,23,456", "1_000", "0x1F", "1 2", "1.2.3", "12:30", "=1+2"])
def test_what_is_no_number_is_none(text):
    assert parse_number(text) is None


def test_one_cell_decides_the_decimal_mark_of_its_column():
    assert decide_decimal("x", weigh(["20,992", "45,06"]), [], "\t") == ","
    assert decide_decimal("x", weigh(["20.992", "45.06"]), [], ";") == "."


def test_another_column_of_the_file_decides():
    assert decide_decimal("x", weigh(["1.738"]), [weigh(["45,06"])], ";") == ","


@pytest.mark.parametrize(
    ("text", "separator", "wanted"), [("1.738", ",", "."), ("1,738", ",", "."), ("1.738", None, ".")]
)
def test_the_separator_decides_where_no_cell_does(text, separator, wanted):
    assert decide_decimal("x", weigh([text]), [], separator) == wanted


@pytest.mark.parametrize("text", ["1.738", "1,738"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_what_nothing_decides_is_refused_with_both_readings(text, separator):
    with pytest.raises(DataError, match=r"decimal .* thousands.*decimal='.' or decimal='.' \(--decimal\)"):
        decide_decimal("column x of f.csv", weigh([text]), [], separator)


def test_cells_that_contradict_each_other_are_refused():
    with pytest.raises(DataError, match=r"'1\.5' and as '2,25'"):
        decide_decimal("x", weigh(["1.5", "2,25"]), [], ";")


@pytest.mark.parametrize("word", ["", "?", "-", "NA", "n/a", "NaN", "null", "..", "#N/A"])
def test_usual_words_for_missing_are_missing_and_no_bad_cells(word):
    assert is_missing(word)
    numbers = parse_numbers(["1", word, None, "2"], ".")
    assert numbers.bad.size == 0
    np.testing.assert_array_equal(numbers.values, [1, np.nan, np.nan, 2])


def test_words_of_the_user_are_missing_too():
    assert parse_numbers(["1", "closed"], ".", frozenset(["closed"])).bad.size == 0
    assert parse_numbers(["1", "closed"], ".").bad.tolist() == [1]


@pytest.mark.parametrize("text", ["1.234", "12.345", "123.456", "1,234"])
def test_one_to_three_digits_before_a_mark_and_three_behind_leave_it_open(text):
    assert weigh([text]) == ({}, {text.strip("0123456789"): text})


@pytest.mark.parametrize("text", ["0.234", "1234.567", ".123", "1.2345", "1.23"])
def test_other_digits_show_the_decimal_mark(text):
    assert weigh([text]) == ({".": text}, {})
