import traceback
import warnings

import pytest

from grucast.errors import (
    LONGEST_MESSAGE,
    CheckpointWarning,
    DataError,
    DataWarning,
    HorizonWarning,
    UnknownCategoryWarning,
    plain,
)

HOSTILE = "a\x1b[31mred\x1b]0;title\x07\r\nb\tc\x9b\u202ed\u2066\u2028\ufeff\ud800\x00"
SHOWN = r"a\x1b[31mred\x1b]0;title\x07\r\nb\tc\x9b\u202ed\u2066\u2028\ufeff\ud800\x00"


def test_what_steers_a_terminal_or_hides_is_written_out():
    assert plain(HOSTILE) == SHOWN
    assert plain(plain(HOSTILE)) == SHOWN


@pytest.mark.parametrize("text", ["Zürich, 東京 (西区)", "می‌خواهم", "👩‍👧 $x^2$ [b] \\[/]", " spaces\u3000wide\xa0"])
def test_what_people_write_is_left_alone(text):
    assert plain(text) == text


def test_an_error_is_one_line_whatever_it_names():
    error = DataError(f"series {HOSTILE} is short")
    assert str(error) == f"series {SHOWN} is short"
    assert traceback.format_exception_only(error) == [f"grucast.errors.DataError: series {SHOWN} is short\n"]


def test_a_message_of_a_megabyte_keeps_its_ends():
    text = str(DataError(f"column {'x' * 10**6} is not a number: give numbers"))
    assert len(text) == LONGEST_MESSAGE
    assert text.startswith("column xxx")
    assert text.endswith("xxx is not a number: give numbers")
    assert str(DataError("x" * LONGEST_MESSAGE)) == "x" * LONGEST_MESSAGE


@pytest.mark.parametrize("kind", [CheckpointWarning, DataWarning, HorizonWarning, UnknownCategoryWarning])
def test_a_warning_is_one_line_whatever_it_names(kind):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.warn(HOSTILE, kind, stacklevel=1)
    assert str(seen[0].message) == SHOWN
